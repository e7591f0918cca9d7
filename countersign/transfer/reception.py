"""The receiver at its door: greets pinned peers, judges codes, and lets one of them in at a time."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from countersign import limits
from countersign.errors import (
    Busy,
    Cancelled,
    CodeRefused,
    Interrupted,
    PeerSilent,
    Problem,
    ProtocolProblem,
    VersionProblem,
)
from countersign.i18n import _
from countersign.seal.code import code_proof, new_code, same
from countersign.transfer.answers import Answers
from countersign.transfer.channel import Channel
from countersign.transfer.device import Device
from countersign.transfer.disk import disk_problem
from countersign.transfer.journal import tidy
from countersign.transfer.receiving import ReceivingSession
from countersign.transfer.status import (
    CodeWrong,
    Connected,
    Done,
    Failed,
    Listening,
    Note,
    PeerLocked,
    Report,
    Status,
    StrangerRefused,
)
from countersign.transfer.strangers import Strangers
from countersign.transport.link import Link, LinkLostError
from countersign.trust.peers import Peer
from countersign.wire.messages import (
    PROTOCOL_VERSION,
    CodeAccepted,
    CodeProof,
    CodeRefused as CodeRefusedMessage,
    Hello,
    Message,
    Rejoin,
    Role,
    common_version,
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
    """Listens and receives. `run` blocks until it has ended; everything else may be called from other threads."""

    def __init__(
        self, device: Device, into: Path, open_door: OpenDoor, report: Report, *, keep_listening: bool = False
    ) -> None:
        self.answers = Answers()
        self._device = device
        self._into = into
        self._open_door = open_door
        self._face = report
        self._keep_listening = keep_listening
        self._lock = threading.Lock()
        self._code = new_code()
        self._wrong = 0  # proofs against this code
        self._guests: list[tuple[Peer, Channel]] = []  # greeted, not yet let in; oldest first
        self._closing = False
        self._session: ReceivingSession | None = None
        self._let_in: queue.Queue[tuple[Channel, Peer]] = queue.Queue()
        self._taken = False  # somebody has proven the code and is being served
        self._door: Door | None = None
        self._strangers = Strangers(lambda count: self._report(StrangerRefused(count)), self._wake_run)
        self.last: Status | None = None  # Done or Failed of the last transfer
        self.answers.on_change(self._wake_if_cancelled)

    # --- from other threads ------------------------------------------------------------------------------------------

    def allow(self, peer: Peer) -> None:
        """The person here allows a peer again who has used up its tries."""
        self._device.guesses.allow(peer.person, self._device.now())

    def run(self) -> None:
        """Listens until one transfer has ended, or for good with keep_listening. Every end is reported."""
        try:
            self._door = self._open_door(self._welcome, self._strangers.another)
        except Problem as problem:
            self._report(Failed(problem))
            return
        try:
            damaged = tidy(self._device.transfers, self._device.state / "staging", self._device.now())
            self._show_code()
            for aside in damaged:
                note = _("The record of an interrupted transfer was damaged and set aside: {file}").format(file=aside)
                self._report(Note(note))
            while True:
                channel, peer = self._wait_for_somebody()
                self._serve(channel, peer)
                if not self._keep_listening and self._nobody_let_in():
                    return
                if self._nobody_let_in():
                    self._new_code()
                    self._show_code()
        except Problem as problem:
            self._report(Failed(problem))
        finally:
            self._closing = True
            with self._lock:
                guests = [channel for _peer, channel in self._guests]
            for channel in guests:
                channel.lose()
            self._door.close()
            self._door.join(_JOIN_SECONDS)
            self._send_away()

    # --- on the thread of run ----------------------------------------------------------------------------------------

    def _wait_for_somebody(self) -> tuple[Channel, Peer]:
        while True:
            if self.answers.cancelled:
                raise Cancelled
            self._strangers.tell_due()
            try:
                item = self._let_in.get(timeout=self._strangers.seconds_left())
            except queue.Empty:  # the strangers' turn
                continue
            if item is not None:
                return item

    def _send_away(self) -> None:
        """Ends with those who were let in and whose turn never came."""
        while not self._let_in.empty():
            item = self._let_in.get()
            if item is not None:
                item[0].end(Cancelled())

    def _nobody_let_in(self) -> bool:
        with self._let_in.mutex:
            return not any(item is not None for item in self._let_in.queue)

    def _wake_if_cancelled(self) -> None:
        if self.answers.cancelled:
            self._wake_run()

    def _wake_run(self) -> None:
        self._let_in.put(None)  # type: ignore[arg-type]  # only to end the wait

    def _serve(self, channel: Channel, peer: Peer) -> None:
        for question in ("key", "decision"):
            self.answers.forget(question)
        session = ReceivingSession(self._device, peer, self._into, self.answers, self._report)
        self._session = session
        try:
            session.run(channel)
        except Problem as problem:
            if self.answers.cancelled and self._keep_listening:
                raise
            if self._nobody_let_in():  # else the same sender is here again already, and this end is no news
                self._report(Failed(problem))
        finally:
            with self._lock:
                self._session = None
                self._taken = not self._nobody_let_in()

    # --- on the threads of connections ---------------------------------------------------------------------------------

    def _welcome(self, link: Link) -> None:
        """Greets a pinned peer: hello, then the code or a rejoin. Owns the link until somebody takes it over."""
        peer = self._device.peers.by_id(link.peer_id)
        channel = Channel(link, Role.RECEIVER, self.answers)
        if peer is None or not self._admit(peer, channel):
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
            self._dismiss(channel)
            if not handed_over:
                channel.close()

    def _admit(self, peer: Peer, channel: Channel) -> bool:
        """Makes somebody a guest. Of one peer only a few at a time: the oldest of them makes room."""
        with self._lock:
            own = [other for who, other in self._guests if who.person == peer.person]
            if self._closing or len(self._guests) - (len(own) >= limits.GUESTS_OF_ONE) >= limits.GUESTS:
                return False
            self._guests.append((peer, channel))
            if len(own) >= limits.GUESTS_OF_ONE:
                self._guests = [item for item in self._guests if item[1] is not own[0]]
                own[0].lose()
            return True

    def _dismiss(self, channel: Channel) -> None:
        with self._lock:
            self._guests = [item for item in self._guests if item[1] is not channel]

    def _greet(self, channel: Channel, peer: Peer) -> bool:
        own = secrets.token_bytes(32)
        channel.send(Hello([PROTOCOL_VERSION], own))
        theirs = channel.expect(Hello, limits.STALL_SECONDS)
        if common_version(theirs.versions) is None:
            raise VersionProblem
        session = self._session
        if session is not None and session.peer.person == peer.person:
            # either the same sender, back after a lost line, or a second window of it
            return self._take_back(channel, session, peer, own, theirs.nonce)
        if self._taken:
            raise Busy
        self._report(Connected(peer.name))
        return self._judge_until_known(channel, peer, own, theirs.nonce, None)

    def _take_back(self, channel: Channel, session: ReceivingSession, peer: Peer, own: bytes, theirs: bytes) -> bool:
        message = channel.receive(limits.PERSON_SECONDS)
        if isinstance(message, CodeProof):
            if not session.waiting:
                raise Busy
            # the sender was started anew: it proves the code like anybody, and the old session makes room
            return self._judge_until_known(channel, peer, own, theirs, message)
        if not isinstance(message, Rejoin):
            raise ProtocolProblem
        if not session.accepts_rejoin(message.transfer_id, message.proof, own, theirs):
            raise Interrupted
        session.rejoin(channel)
        return True

    def _judge_until_known(
        self, channel: Channel, peer: Peer, own: bytes, theirs: bytes, first: Message | None
    ) -> bool:
        tries = limits.CODE_TRIES
        while tries:
            try:
                message = first if first is not None else channel.receive(limits.PERSON_SECONDS)
            except (LinkLostError, Problem):
                if tries == limits.CODE_TRIES and not (self.answers.cancelled or channel.lost):
                    self._left_half_way(peer)
                raise
            first = None
            if isinstance(message, Rejoin):
                raise Interrupted  # of a session that has ended here
            if not isinstance(message, CodeProof):
                raise ProtocolProblem
            arrived = time.monotonic()
            if self._judge(message.proof, peer, own, theirs):
                return self._let(channel, peer)
            tries -= 1
            if self.answers.wait_cancelled(max(0.0, arrived + limits.REFUSAL_SECONDS - time.monotonic())):
                raise Cancelled
            channel.send(CodeRefusedMessage(tries))
        raise CodeRefused

    def _judge(self, proof: bytes, peer: Peer, own: bytes, theirs: bytes) -> bool:
        """Whether the proof is right. The try is on the disk before the proof is looked at."""
        with self._lock:
            allowed = self._device.guesses.begin_try(peer.person, self._device.now())
            expected = code_proof(self._code, own, theirs, peer.id, self._device.identity.id)
            right = same(expected, proof)
            if allowed and right:
                self._device.guesses.succeeded(peer.person, self._device.now())
                return True
            burned = self._count_wrong() if allowed else False
            left = limits.CODE_TRIES - self._wrong if not burned else 0
        self._tell_wrong(peer, allowed, burned, CodeWrong(left, peer.name, by_them=True))
        return False

    def _left_half_way(self, peer: Peer) -> None:
        with self._lock:
            allowed = self._device.guesses.begin_try(peer.person, self._device.now())
            burned = self._count_wrong() if allowed else False
            left = limits.CODE_TRIES - self._wrong if not burned else 0
        self._tell_wrong(peer, allowed, burned, CodeWrong(left, peer.name, without_code=True, by_them=True))

    def _count_wrong(self) -> bool:
        """Counts a wrong proof against the code; True where that burned it."""
        self._wrong += 1
        if self._wrong < limits.CODE_TRIES:
            return False
        self._new_code()
        return True

    def _tell_wrong(self, peer: Peer, allowed: bool, burned: bool, news: CodeWrong) -> None:
        for note in self._device.guesses.take_notes():
            self._report(Note(note))
        if not allowed or self._device.guesses.locked(peer.person, self._device.now()):
            self._report(PeerLocked(peer.name))
        if allowed:
            self._report(news)
        if burned:
            self._show_code()

    def _let(self, channel: Channel, peer: Peer) -> bool:
        with self._lock:
            session = self._session
            if session is not None and session.waiting and session.peer.person == peer.person:
                session.supersede()
            elif self._taken:
                raise Busy
            self._taken = True
        try:
            channel.send(CodeAccepted())
        except LinkLostError:
            self._taken = False
            raise PeerSilent from None
        self._let_in.put((channel, peer))
        return True

    # --- common ------------------------------------------------------------------------------------------------------

    def _new_code(self) -> None:
        self._code, self._wrong = new_code(), 0

    def _show_code(self) -> None:
        door = self._door
        assert door is not None
        identity = self._device.identity
        self._report(
            Listening(tuple(door.addresses), door.port, self._code, identity.fingerprint, tuple(door.interfaces))
        )

    def _report(self, status: Status) -> None:
        if isinstance(status, (Done, Failed)):
            self.last = status
        self._face(status)
