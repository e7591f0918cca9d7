"""The receiver while it waits: the code, its addresses, and news at its door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from countersign.base.i18n import _
from countersign.base.never import assert_never
from countersign.base.printable import printable
from countersign.session import status as st
from countersign.session.device import Device
from countersign.transport.addresses import Address
from countersign.ui.presenters.screens import Action, Big, Block, Choice, Digits, Screen, Sentence, Text, Tone, Window
from countersign.wording import interface_text, sentence_of

News: TypeAlias = st.StrangerRefused | st.Connected | st.CodeWrong | st.PeerLocked | st.Note


@dataclass(frozen=True)
class ListeningActions:
    """What else can be done here. `redraw` shows the screen again, if it is its turn."""

    choose_folder: Callable[[], None]
    show_people: Callable[[], None]
    show_interrupted: Callable[[], None]
    redraw: Callable[[], None]


class ListeningScreen:
    """What is known at the door. The chosen address and a locked peer outlast a reception, code and news do not."""

    def __init__(self, device: Device, window: Window, actions: ListeningActions) -> None:
        self._device = device
        self._window = window
        self._actions = actions
        self._status: st.Listening | None = None
        self._news: Text | None = None
        self._address = 0
        self._locked: str | None = None

    @property
    def port(self) -> int | None:
        """The port that is listened at; None before."""
        return self._status.port if self._status is not None else None

    def reset(self) -> None:
        """Another reception begins."""
        self._status = self._news = None

    def listening(self, status: st.Listening) -> None:
        """There is a code, or another one."""
        self._status = status

    def take(self, news: News) -> None:
        """Keeps the last news, which stand on the screen from now on."""
        match news:
            case st.Connected() | st.Note():
                tone = Tone.HINT
            case st.StrangerRefused() | st.CodeWrong():
                tone = Tone.BAD
            case st.PeerLocked():
                tone = Tone.BAD
                self._locked = news.peer
            case _:
                assert_never(news)
        self._news = Text(sentence_of(news), tone)

    def show(self, into: Path, interrupted: str) -> None:
        """The screen; nothing before there is a code. interrupted: a sentence about interrupted transfers, or nothing."""
        status = self._status
        if status is None:
            return
        blocks: list[Block] = [
            Digits(
                status.code,
                _("Read this code and the address to the person who sends. They type both on their computer."),
                _("Ready"),
            ),
            *self._address_blocks(status),
            *self._sentences(into, interrupted),
        ]
        if self._news is not None:
            blocks.append(self._news)
        actions = []
        if self._locked is not None:
            actions.append(Action(_("Allow {name} again").format(name=printable(self._locked)), self._allow))
        self._window.show(Screen("listening", _("Ready to receive"), tuple(blocks), tuple(actions), place="home"))

    def _address_blocks(self, status: st.Listening) -> list[Block]:
        chosen = min(self._address, len(status.addresses) - 1)
        address = str(Address(status.addresses[chosen], status.port))
        blocks: list[Block] = [Big(address, _("Address of this computer"), size=20)]
        if len(status.addresses) > 1:
            shown = tuple(_address_text(status, i) for i in range(len(status.addresses)))
            blocks.append(
                Choice("address", _("This computer has several addresses"), shown, chosen, self._choose_address)
            )
        return blocks

    def _sentences(self, into: Path, interrupted: str) -> list[Block]:
        actions = self._actions
        names = ", ".join(printable(peer.name) for peer in self._device.peers.all())
        blocks: list[Block] = [
            Sentence(
                _("It goes to {path}").format(path=printable(str(into), 400)),
                (Action(_("Choose another folder …"), actions.choose_folder),),
                Tone.HINT,
            ),
            Sentence(
                _("Who may send: {names}.").format(names=names),
                (Action(_("People …"), actions.show_people),),
                Tone.HINT,
            ),
        ]
        if interrupted:
            blocks.append(Sentence(interrupted, (Action(_("Look …"), actions.show_interrupted),)))
        return blocks

    def _choose_address(self, index: int) -> None:
        self._address = index
        self._actions.redraw()

    def _allow(self) -> None:
        assert self._locked is not None
        self._device.guesses.allow(self._device.peers.by_name(self._locked).person, self._device.now())
        self._locked = None
        self._news = Text(_("They may try again."), Tone.GOOD)
        self._actions.redraw()


def _address_text(status: st.Listening, index: int) -> str:
    interface = status.interfaces[index] if index < len(status.interfaces) else ""
    address = str(Address(status.addresses[index], status.port))
    return f"{address}  ({interface_text(interface)})" if interface else address
