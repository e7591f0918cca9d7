"""The receiver at its door: greets pinned peers, judges codes, and lets one of them in at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from countersign.base import limits
from countersign.base.errors import (
    Busy,
    Cancelled,
    CodeRefused,
    Interrupted,
    PeerSilent,
    Problem,
    ProtocolProblem,
)
from countersign.base.i18n import _
from countersign.disk.folders import disk_problem
from countersign.session.answers import Answers
from countersign.session.channel import Channel
from countersign.session.controls import Controls
from countersign.session.device import Device
from countersign.session.greeting import Nonces, greet
from countersign.session.status import Connected, Done, Failed, Listening, Note, Report, Status, StrangerRefused
from countersign.target.journal import tidy
from countersign.transfer.guests import Guests
from countersign.transfer.judging import Judge
from countersign.transfer.queueing import Turn
from countersign.transfer.receiving import ReceivingSession
from countersign.transfer.states import TABLE
from countersign.transfer.strangers import Strangers
from countersign.transport.link import Link, LinkLostError
from countersign.trust.peers import Peer
from countersign.wire.messages import (
    CodeAccepted,
    CodeProof,
    CodeRefused as CodeRefusedMessage,
    Message,
    Rejoin,
    Role,
)

_JOIN_SECONDS = 5.0


class Door(Protocol):
    """What listens for us."""

    port: int
    addresses: list[str]
    interfaces: list[str]

    def close(self) -> None: ...

    def join(self, seconds: float) -> None: ...


OpenDoor = Callable[[Callable[[Link], None], Callable[[], None]], Door]


class Reception:
    """Listens and receives. `run` blocks until it has ended; everything else may be called from other threads.

    Each connection has a thread of its own until it is let in; the one of `run` serves.
    """

    def __init__(
        self, device: Device, into: Path, open_door: OpenDoor, report: Report, *, keep_listening: bool = False
    ) -> None:
        self.controls = Controls()
        self.answers = Answers(self.controls)
        self.guests = Guests()
        self.turn = Turn()
        self.last: Status | None = None  # Done or Failed of the last transfer
        self._device = device
        self._into = into
        self._open_door = open_door
        self._face = report
        self._keep_listening = keep_listening
        self._judge = Judge(device, self._report, self._show_code)
        self._door: Door | None = None
        self._strangers = Strangers(lambda count: self._report(StrangerRefused(count)), self.turn.wake)
        self.controls.on_change(self._wake_if_cancelled)

    def allow(self, peer: Peer) -> None:
        """The person here allows a peer again who has used up its tries."""
        self._device.guesses.allow(peer.person, self._device.now())

    def run(self) -> None:
        """Listens until one transfer has ended, or for good with keep_listening. Every end is reported."""
        try:
            door = self._door = self._open_door(self._welcome, self._strangers.another)
        except Problem as problem:
            self._report(Failed(problem))
            return
        try:
            damaged = tidy(self._device.transfers, self._device.state / "staging", self._device.now())
            self._show_code()
            for aside in damaged:
                note = _("The record of an interrupted transfer was damaged and set aside: {file}").format(file=aside)
                self._report(Note(note))
            self._serve_all()
        except Problem as problem:
            self._report(Failed(problem))
        finally:
            self.guests.close()
            door.close()
            door.join(_JOIN_SECONDS)
            for late in self.turn.close():
                late.end(Cancelled())

    # --- on the thread of run ----------------------------------------------------------------------------------------

    def _serve_all(self) -> None:
        while True:
            channel, peer = self._wait_for_somebody()
            self._serve(channel, peer)
            if not self.turn.is_anybody_next():
                if not self._keep_listening:
                    return
                self._judge.renew()
                self._show_code()

    def _wait_for_somebody(self) -> tuple[Channel, Peer]:
        while True:
            if self.controls.cancelled:
                raise Cancelled
            self._strangers.tell_due()
            found = self.turn.wait(self._strangers.seconds_left())
            if found is not None:
                return found

    def _wake_if_cancelled(self) -> None:
        if self.controls.cancelled:
            self.turn.wake()

    def _serve(self, channel: Channel, peer: Peer) -> None:
        self.answers.key.forget()
        self.answers.decision.forget()
        session = ReceivingSession(self._device, peer, self._into, self.controls, self.answers, self._report)
        self.turn.serve(session)
        try:
            session.run(channel)
        except Problem as problem:
            if self.controls.cancelled and self._keep_listening:
                raise
            if not self.turn.is_anybody_next():  # else the same sender is here again already, and this end is no news
                self._report(Failed(problem))
        finally:
            self.turn.finished()

    # --- on the threads of connections ---------------------------------------------------------------------------------

    def _welcome(self, link: Link) -> None:
        """Greets a pinned peer: hello, then the code or a rejoin. Owns the link until somebody takes it over."""
        peer = self._device.peers.by_id(link.peer_id)
        channel = Channel(link, Role.RECEIVER, self.controls, TABLE)
        if peer is None or not self.guests.admit(peer, channel):
            channel.end(Busy())
            return
        handed_over = False
        try:
            handed_over = self._greet(channel, peer)
        except LinkLostError:
            channel.end(Busy())  # heard only by a guest that had to make room, or whose host has closed
        except Problem as problem:
            channel.end(problem)
        except OSError as error:  # the counter of tries cannot be written, so nobody is let in
            trouble = disk_problem(error, self._device.state)
            channel.end(trouble)
            self._report(Note(str(trouble)))
        finally:
            self.guests.dismiss(channel)
            if not handed_over:
                channel.close()

    def _greet(self, channel: Channel, peer: Peer) -> bool:
        nonces = greet(channel, limits.STALL_SECONDS)
        session = self.turn.session_of(peer)
        if session is not None:
            # either the same sender, back after a lost line, or a second window of it
            return self._take_back(channel, session, peer, nonces)
        if self.turn.is_taken:
            raise Busy
        self._report(Connected(peer.name))
        return self._judge_until_known(channel, peer, nonces, None)

    def _take_back(self, channel: Channel, session: ReceivingSession, peer: Peer, nonces: Nonces) -> bool:
        message = channel.receive(limits.PERSON_SECONDS)
        if isinstance(message, CodeProof):
            if not session.way_back.is_waiting:
                raise Busy
            # the sender was started anew: it proves the code like anybody, and the old session makes room
            return self._judge_until_known(channel, peer, nonces, message)
        if not isinstance(message, Rejoin):
            raise ProtocolProblem
        if not session.way_back.accepts(message.transfer_id, message.proof, nonces):
            raise Interrupted
        session.way_back.rejoin(channel)
        return True

    def _judge_until_known(self, channel: Channel, peer: Peer, nonces: Nonces, first: Message | None) -> bool:
        tries = limits.CODE_TRIES
        while tries:
            try:
                message = first if first is not None else channel.receive(limits.PERSON_SECONDS)
            except (LinkLostError, Problem):
                if tries == limits.CODE_TRIES and not (self.controls.cancelled or channel.lost):
                    self._judge.left_without_one(peer)
                raise
            first = None
            if isinstance(message, Rejoin):
                raise Interrupted  # of a session that has ended here
            if not isinstance(message, CodeProof):
                raise ProtocolProblem
            arrived = time.monotonic()
            if self._judge.is_right(message.proof, peer, nonces):
                return self._let_in(channel, peer)
            tries -= 1
            # every refusal takes as long, whatever its reason
            if self.controls.wait_cancelled(max(0.0, arrived + limits.REFUSAL_SECONDS - time.monotonic())):
                raise Cancelled
            channel.send(CodeRefusedMessage(tries))
        raise CodeRefused

    def _let_in(self, channel: Channel, peer: Peer) -> bool:
        self.turn.take(peer)
        try:
            channel.send(CodeAccepted())
        except LinkLostError:
            self.turn.give_back()
            raise PeerSilent from None
        except BaseException:  # cancelled, or a last word of theirs
            self.turn.give_back()
            raise
        self.turn.let_in(channel, peer)
        return True

    # --- common ------------------------------------------------------------------------------------------------------

    def _show_code(self) -> None:
        door = self._door
        assert door is not None
        identity = self._device.identity
        self._report(
            Listening(tuple(door.addresses), door.port, self._judge.code, identity.fingerprint, tuple(door.interfaces))
        )

    def _report(self, status: Status) -> None:
        if isinstance(status, (Done, Failed)):
            self.last = status
        self._face(status)
