"""The sending program: a folder, an address, the code from the phone, the key on the screen, then it goes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from countersign.errors import BadAddress, BadCode, Problem
from countersign.i18n import _
from countersign.printable import printable
from countersign.seal.code import parse_code
from countersign.setting import Setting
from countersign.transfer import status as st
from countersign.transfer.status import Report
from countersign.transport.addresses import parse_address
from countersign.ui.presenters.common import Presenter, Start
from countersign.ui.presenters.screens import Action, Big, Block, Choice, Feedback, Field, Screen, Text, Tone, Window
from countersign.wording import amount_text, sentence_of, tries_text


@dataclass(frozen=True)
class Summary(st.Status):
    """What the chosen folder holds, found beside any session. `problem` where it can not be sent."""

    folder: Path
    files: int = 0
    bytes: int = 0
    skipped: int = 0
    problem: Problem | None = None


Summarise = Callable[[Path], None]  # looks at a folder on a thread of its own and reports a Summary


class SenderPresenter(Presenter):
    """See the module."""

    def __init__(
        self,
        setting: Setting,
        window: Window,
        start: Start,
        report: Report,
        options: Namespace,
        summarise: Summarise,
    ) -> None:
        super().__init__(setting, window, start)
        self.heading_moving = _("Sending")
        self._report = report
        self._summarise = summarise
        self._folder = setting.folder(options.folder)
        self._address: str = options.to or ""
        self._peer_name: str | None = options.peer
        self._summary: Summary | None = None
        self._problem: Problem | None = None
        self._key: st.KeyShown | None = None
        self._peer = ""

    # --- what, to whom -----------------------------------------------------------------------------------------------

    def home(self) -> None:
        """The folder and the address; or the guide for the first time."""
        if not self.people.anybody:
            self.people.show_first_time()
            return
        self._problem = None
        self._look()
        self._show_start()

    def _look(self) -> None:
        self._summary = None
        self._summarise(self._folder)

    def _show_start(self) -> None:
        blocks: list[Block] = [
            Text(_("Folder: {path}").format(path=printable(str(self._folder), 400))),
            self._folder_text(),
            Field("address", _("Address that the receiver shows"), self._address, self._address_typed),
        ]
        names = [peer.name for peer in self.setting.device.peers.all()]
        if len(names) > 1:
            chosen = 1 + names.index(self._peer_name) if self._peer_name in names else 0
            shown = (_("Whoever of my people answers there"), *map(printable, names))
            blocks.append(Choice("peer", _("To whom"), shown, chosen, lambda i: self._choose_peer(names, i)))
        if self._problem is not None:
            blocks.append(Text(str(self._problem), Tone.BAD))
        sendable = self._summary is not None and self._summary.problem is None
        actions = (
            Action(_("Choose another folder …"), self._choose_folder),
            Action(_("Connect"), self._connect, main=True, enabled=sendable and bool(self._address.strip())),
        )
        self.window.show(Screen("start", _("Send a folder"), tuple(blocks), actions, drop=self._dropped))

    def _folder_text(self) -> Text:
        summary = self._summary
        if summary is None:
            return Text(_("Looking at it …"), Tone.HINT)
        if summary.problem is not None:
            return Text(str(summary.problem), Tone.BAD)
        text = amount_text(summary.files, summary.bytes)
        if summary.skipped:
            text += "  ·  " + _("{n} can not be sent and are named at the end").format(n=summary.skipped)
        return Text(text, Tone.GOOD)

    def _address_typed(self, text: str) -> Feedback:
        self._address = text
        sendable = self._summary is not None and self._summary.problem is None
        if not text.strip():
            return Feedback()
        try:
            parse_address(text)
        except BadAddress:
            return Feedback(_("Such as 192.168.1.20, or 192.168.1.20:4000"), Tone.HINT)
        return Feedback(ready=sendable)

    def _choose_peer(self, names: list[str], index: int) -> None:
        self._peer_name = names[index - 1] if index else None

    def _choose_folder(self) -> None:
        path = self.window.choose_folder(_("Send this folder"), self._folder)
        if path is not None:
            self._dropped([path])

    def _dropped(self, paths: list[Path]) -> None:
        folders = [path for path in paths if path.is_dir()]
        if folders:
            self._folder = folders[0]
            self._look()
        self._show_start()

    def _connect(self) -> None:
        try:
            address = parse_address(self._address)
            peer = self.setting.device.peers.by_name(self._peer_name) if self._peer_name else None
            session = self.setting.sending(self._folder, address, peer, self._report)
        except Problem as problem:
            self._problem = problem
            self._show_start()
            return
        self._problem = self._key = None
        self.show_waiting(_("Connecting …"))
        self.begin(session)

    # --- statuses ------------------------------------------------------------------------------------------------------

    def on_status(self, status: st.Status) -> None:
        """Takes a status of the session, or the summary of a folder."""
        if isinstance(status, Summary):
            if status.folder == self._folder:
                self._summary = status
                if self.session is None and self.window.shown() == "start":
                    self._show_start()
        elif isinstance(status, st.Connected):
            self._peer = status.peer
        elif isinstance(status, st.NeedCode):
            self._ask_code()
        elif isinstance(status, st.CodeWrong):
            self._code_problem = Text(sentence_of(status), Tone.BAD)
        elif isinstance(status, st.KeyShown):
            self._key = status
            self._show_key(None)
        elif isinstance(status, st.KeyWrong):
            self._show_key(Text(_("They typed another key.") + " " + tries_text(status.tries_left), Tone.BAD))
        elif isinstance(status, st.WaitingFor):
            if status.what != "key":
                self.show_waiting(sentence_of(status))
        elif not isinstance(status, (st.Scanning, st.Ready)):
            super().on_status(status)

    _code_problem: Text | None = None

    def _ask_code(self) -> None:
        blocks: list[Block] = [
            Text(_("You are connected with {peer}. They see a code of four digits: let them read it to you.").format(
                peer=printable(self._peer))),
            Field("code", _("Code"), "", code_typed, large=True, example="0000"),
        ]  # fmt: skip
        if self._code_problem is not None:
            blocks.append(self._code_problem)
            self._code_problem = None
        actions = (
            Action(_("Cancel"), self.cancel, leaving=True),
            Action(_("Continue"), self._code_given, main=True, enabled=False),
        )
        self.window.show(Screen("code", _("Which code do they see?"), tuple(blocks), actions))

    def _code_given(self) -> None:
        if self.session is not None:
            self.session.answers.say("code", parse_code(self.window.field("code")))
            self.show_waiting(_("Checking the code …"))

    def _show_key(self, problem: Text | None) -> None:
        key = self._key
        assert key is not None
        blocks: list[Block] = [
            Text(
                _("Read this key to {peer}. It seals the folder and is never sent.").format(peer=printable(self._peer))
            ),
            Big(key.key, _("Key"), key.spelled, size=30),
            problem if problem is not None else Text(_("Waiting for them to type it …"), Tone.HINT),
        ]
        actions = (Action(_("Cancel"), self.cancel, leaving=True),)
        self.window.show(Screen("key", _("Read them the key"), tuple(blocks), actions))

    # --- the end -------------------------------------------------------------------------------------------------------

    def done_heading(self) -> str:
        return _("It has arrived")

    def again_label(self) -> str:
        return _("Send something else")

    def extra_actions(self, problem: Problem) -> tuple[Action, ...]:
        if problem.code in ("unreachable", "not_countersign", "busy", "peer_silent", "interrupted", "peer_stopped"):
            return (Action(_("Try again"), self._connect),)
        return super().extra_actions(problem)


def code_typed(text: str) -> Feedback:
    """Says whether the digits are all there."""
    try:
        parse_code(text)
    except BadCode:
        digits = sum(c.isdigit() for c in text)
        return Feedback(_("{n} of 4 digits").format(n=min(digits, 4)) if digits < 4 else _("The code has four digits."))
    return Feedback(ready=True)
