"""The sender's session: from an address and a folder to a receipt."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from countersign import limits
from countersign.errors import (
    BadCode,
    Busy,
    Cancelled,
    CancelledMidway,
    CertificateNotYetValid,
    CodeRefused,
    Interrupted,
    NotCountersign,
    NotTrusted,
    PeerCancelled,
    PeerForgotten,
    PeerSilent,
    Problem,
    ProtocolProblem,
    TheyDoNotTrustUs,
    TookTooLong,
    Unreachable,
    VersionProblem,
)
from countersign.pack.plan import Answer, decode_answer, has_bit, members_of, plan_packs
from countersign.pack.reasons import BY_WORD, Reason
from countersign.pack.summary import Summary, encode_summary
from countersign.printable import printable
from countersign.seal.code import code_proof, parse_code
from countersign.seal.keys import KeyRing, new_salt, stretch
from countersign.seal.keytext import grouped, new_key, spelled
from countersign.seal.stream import Sealer, Stream, StreamReader, StreamWriter
from countersign.transfer.answers import Answers
from countersign.transfer.channel import Channel
from countersign.transfer.comparing import Comparison
from countersign.transfer.concluding import THANKS_SECONDS
from countersign.transfer.device import Background, Device
from countersign.transfer.packing import Packing
from countersign.transfer.reason_texts import TEXTS
from countersign.transfer.renewing import renewal_told, take_renewal
from countersign.transfer.scanning import Scan, scan_selection
from countersign.transfer.selection import Selection
from countersign.transfer.sent_hashes import SentHashes
from countersign.transfer.stats import LISTING, NEXT_PACK, RECEIPT, SENDERS, SENDING, Stats
from countersign.transfer.status import (
    CodeWrong,
    Connected,
    Done,
    Failed,
    KeyShown,
    KeyWrong,
    Meter,
    NeedCode,
    Note,
    Paused,
    Ready,
    Reconnecting,
    Report,
    Scanning,
    WaitingFor,
)
from countersign.transport.link import Link, LinkLostError
from countersign.trust.peers import Peer
from countersign.wire.messages import (
    PROTOCOL_VERSION,
    CodeAccepted,
    CodeProof,
    CodeRefused as CodeRefusedMessage,
    Hello,
    KeyAccepted,
    KeyRefused as KeyRefusedMessage,
    Kind,
    Offer,
    Received,
    Rejoin,
    Role,
    Sealed,
    common_version,
)

T = TypeVar("T")
_PAUSE_LOOK = 1.0
_LOOK = 0.05  # seconds between looks at a background job
_FIRST_LOOK = 0.3  # a folder that is empty or unreadable shows before anybody is bothered
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
_THANKS_SECONDS = THANKS_SECONDS


@dataclass
class _Spoken:
    """The key of this session and what was made of it; kept over a reconnect."""

    key: str
    salt: bytes
    master: bytes


class SendingSession:
    """One sending. `run` blocks until it has ended; everything else may be called from other threads."""

    def __init__(
        self, device: Device, selection: Selection, connect: Callable[[Callable[[], bool]], Link], report: Report
    ) -> None:
        self.answers = Answers()
        self._device = device
        self._selection = selection
        self._connect = connect
        self._report = report
        self._channel: Channel | None = None
        self._began = 0.0
        self._wire_before = 0  # bytes of connections that were lost
        self._moving = False  # an answer was received: from here on an end can be resumed
        self._ring: KeyRing | None = None  # of the last offer that was accepted
        self._lost_since: float | None = None
        self._withdrawn: dict[int, Reason] = {}
        self._comparison: Comparison | None = None
        self._stats = Stats(SENDERS)

    def run(self) -> None:
        """Sends. Every end is reported: Done or Failed."""
        try:
            self._run()
        except Problem as problem:
            self._fail(self._as_seen_here(problem))
        except LinkLostError as lost:
            self._fail(lost.problem or (Interrupted() if self._moving else PeerSilent()))
        except BaseException:
            self._end(Cancelled())
            raise

    def _fail(self, problem: Problem) -> None:
        self._end(problem)
        self._report(Failed(problem))

    def _end(self, problem: Problem) -> None:
        if self._channel is not None:
            self._channel.end(problem)

    def _as_seen_here(self, problem: Problem) -> Problem:
        if self._moving and isinstance(problem, Cancelled):
            return CancelledMidway()
        if self._moving and isinstance(problem, PeerCancelled):
            return Interrupted()
        return problem

    def _run(self) -> None:
        cancelled = lambda: self.answers.cancelled  # noqa: E731
        on_progress = lambda files, size: self._report(Scanning(files, size))  # noqa: E731
        self._report(Scanning(0, 0))
        scanning = Background(lambda: self._scan(on_progress, cancelled), "scanning")
        salt, key = new_salt(), new_key()
        stretching = Background(lambda: stretch(key, salt), "stretching")
        if scanning.ended(_FIRST_LOOK):
            scanning.result()
        self._report(WaitingFor("connection"))
        channel, nonces, peer = self._greet()
        self._report(Connected(peer.name))
        self._prove_code(channel, nonces, peer)
        scan = self._wait_for(channel, scanning)
        manifest = scan.manifest
        told = tuple(scan.skipped), scan.left_out, tuple(scan.keys), tuple(scan.inexact)
        self._report(Ready(manifest.files, manifest.bytes, *told))
        spoken = _Spoken(key, salt, self._wait_for(channel, stretching))
        try:
            self._transfer_until_done(channel, scan, spoken, peer)
        except Problem as problem:
            if self._receipt is None:
                raise
            self._end(self._as_seen_here(problem))  # too late for it: all is in its place there, signed for
        self._report_done(scan)

    def _transfer_until_done(self, channel: Channel, scan: Scan, spoken: _Spoken, peer: Peer) -> None:
        while True:
            try:
                self._transfer(channel, scan, spoken, peer)
                self._wire_before += channel.wire_bytes
                return
            except LinkLostError:
                if self._ring is None:
                    raise  # before the key there is nothing that would know us again
                self._wire_before += channel.wire_bytes
                channel.close()
                channel = self._rejoin()

    @property
    def _receipt(self) -> Path | None:
        return self._comparison.receipt if self._comparison is not None else None

    def _scan(self, on_progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Scan:
        with self._stats.working(LISTING):
            return scan_selection(self._selection, on_progress, cancelled, self._device.own)

    # --- the beginning ---------------------------------------------------------------------------------------------

    def _greet(self) -> tuple[Channel, tuple[bytes, bytes], Peer]:
        """Connects, and both say hello. Gives the nonces, the receiver's first."""
        link = self._connect(lambda: self.answers.cancelled)
        peer = self._device.peers.by_id(link.peer_id)
        channel = self._channel = Channel(link, Role.SENDER, self.answers)
        if peer is None:  # removed in the moment between
            raise PeerForgotten(name="?")
        try:
            theirs = channel.expect(Hello)
        except LinkLostError as lost:
            # under TLS 1.3 a refused client learns it here; some say why, some just close. A line that is cut says neither
            raise (lost.problem or (TheyDoNotTrustUs() if lost.orderly else PeerSilent())) from lost
        if common_version(theirs.versions) is None:
            raise VersionProblem
        own = secrets.token_bytes(32)
        channel.send(Hello([PROTOCOL_VERSION], own))
        return channel, (theirs.nonce, own), peer

    def _prove_code(self, channel: Channel, nonces: tuple[bytes, bytes], peer: Peer) -> None:
        tries = limits.CODE_TRIES
        while True:
            self.answers.forget("code")
            self._report(NeedCode(tries))
            try:
                code = parse_code(self._ask(channel, "code"))
            except BadCode as problem:  # a slip that the faces have let through uses up no try
                self._report(Note(str(problem)))
                continue
            proof = code_proof(code, *nonces, self._device.identity.id, peer.id)
            channel.send(CodeProof(proof))
            verdict = channel.receive()
            if isinstance(verdict, CodeAccepted):
                return
            if not isinstance(verdict, CodeRefusedMessage):
                raise ProtocolProblem
            tries = verdict.tries_left
            self._report(CodeWrong(tries, peer.name))
            if not tries:
                raise CodeRefused

    def _ask(self, channel: Channel, question: str) -> str:
        """What the person here answers; the line is watched meanwhile."""
        deadline = time.monotonic() + limits.PERSON_SECONDS
        while time.monotonic() < deadline:
            answer = self.answers.take(question)
            if answer is not None:
                return str(answer)
            if channel.poll(1.0) is not None:
                raise ProtocolProblem
        raise TookTooLong

    def _wait_for(self, channel: Channel, job: Background[T]) -> T:
        while not job.ended(_LOOK):
            if channel.poll() is not None:
                raise ProtocolProblem
            channel.keep_company()
        return job.result()

    # --- the transfer ----------------------------------------------------------------------------------------------

    def _transfer(self, channel: Channel, scan: Scan, spoken: _Spoken, peer: Peer) -> None:
        again = self._ring is not None
        ring = KeyRing(spoken.master, new_salt(), self._device.identity.id, peer.id)
        manifest = scan.manifest
        name = _sendable(self._selection.name)
        channel.send(Offer(ring.transfer_id, spoken.salt))
        writer = StreamWriter(ring, Stream.MANIFEST)
        summary = encode_summary(
            Summary(name, manifest.files, manifest.bytes, len(manifest), renewal_told(self._device))
        )
        channel.send(Sealed(Kind.MANIFEST, writer.write(summary, False, self._seconds())))
        if not again:
            self._report(KeyShown(grouped(spoken.key), spelled(spoken.key)))
            self._report(WaitingFor("key"))
        self._hear_about_key(channel)
        self._ring = ring
        if not again:
            self._report(WaitingFor("answer"))
        for batch, last in _marked(manifest.batches()):
            channel.send(Sealed(Kind.MANIFEST, writer.write(batch, last, self._seconds())))
        reader = StreamReader(ring, Stream.ANSWER)
        message = channel.receive(limits.PERSON_SECONDS)
        if not isinstance(message, Sealed) or message.kind is not Kind.ANSWER:
            raise ProtocolProblem
        answer = decode_answer(reader.read(message.token), manifest)
        if not reader.ended:
            raise ProtocolProblem
        take_renewal(self._device, peer, answer.renewal, self._report)
        if not self._moving:
            self._began = time.monotonic()  # what people needed is not the transfer's time
        self._moving = True
        # what an earlier connection could not read may have been asked for again
        self._withdrawn = {i: reason for i, reason in self._withdrawn.items() if has_bit(answer.unwanted, i)}
        if self._comparison is None:
            self._comparison = Comparison(self._device, manifest, name, peer, SentHashes(manifest))
        self._comparison.answered(answer)
        hashes = self._comparison.hashes
        stopping = threading.Event()
        reading = self._read_again(scan, answer, hashes, stopping)
        try:
            sent = self._send_packs(channel, scan, answer, ring, hashes)
            self._finish(channel, scan, ring, self._comparison, sent, reading)
        finally:
            stopping.set()

    def _read_again(
        self, scan: Scan, answer: Answer, hashes: SentHashes, stopping: threading.Event
    ) -> Background[None]:
        """Beside the sending: hashes what the receiver holds already, and files of which it has a part."""
        in_part = [index for index, _size in answer.partial]
        hashes.begin(in_part)
        manifest = scan.manifest
        those = [
            index
            for index in (*members_of(answer.held), *in_part)
            if manifest.is_file(index) and not has_bit(answer.unwanted, index) and not hashes.known(index)
        ]
        return Background(lambda: hashes.read_again(self._selection, manifest, those, stopping.is_set), "hashing")

    def _hear_about_key(self, channel: Channel) -> None:
        deadline = time.monotonic() + limits.PERSON_SECONDS * 2
        while True:
            verdict = channel.receive(deadline - time.monotonic())
            if isinstance(verdict, KeyAccepted):
                return
            if not isinstance(verdict, KeyRefusedMessage):
                raise ProtocolProblem
            self._report(KeyWrong(verdict.tries_left))

    def _send_packs(self, channel: Channel, scan: Scan, answer: Answer, ring: KeyRing, hashes: SentHashes) -> _Sent:
        manifest = scan.manifest
        files, total = manifest.files_without(members_of(answer.unwanted))
        stats = self._stats
        held = [i for i in members_of(answer.held) if not has_bit(answer.unwanted, i)]
        held_bytes = sum(manifest.sizes[i] for i in held) + sum(n for _i, n in answer.partial)
        sent = _Sent(Meter(self._report, time.monotonic, files, total, held_bytes, slow=stats.slow))
        sealer = Sealer(ring, Stream.PACK)
        channel.tell_pauses(lambda paused, by_them: self._report(Paused(paused, by_them)))
        packing = Packing(
            self._selection, manifest, plan_packs(manifest, answer), sealer, self._device.now, stats, hashes
        )
        try:
            while not packing.finished:
                while (message := channel.poll()) is not None:
                    sent.heard(message)
                    self._lost_since = None
                if channel.held_up:
                    sent.meter.hold()
                    message = channel.poll(_PAUSE_LOOK)
                    if message is not None:
                        sent.heard(message)
                    continue
                began = stats.clock()
                pack = packing.next(_LOOK)
                stats.add(NEXT_PACK, waiting=stats.clock() - began)
                if pack is None:
                    channel.keep_company()
                    continue
                for index, reason in pack.withdrawn:
                    self._withdrawn.setdefault(index, BY_WORD[reason])  # two threads may have found two reasons
                stats.data_begins()
                began, waited = stats.clock(), channel.waited
                channel.send(Sealed(Kind.PACK, pack.token))
                waited = channel.waited - waited
                stats.add(SENDING, stats.clock() - began - waited, waited)
                sent.packs += 1
                packing.give_back(pack)
        finally:
            packing.close()
        return sent

    def _finish(
        self,
        channel: Channel,
        scan: Scan,
        ring: KeyRing,
        comparison: Comparison,
        sent: _Sent,
        reading: Background[None],
    ) -> None:
        first = self._wait_for_hashes(channel, sent)
        began = self._stats.clock()
        comparison.hear(channel, ring, first, self._withdrawn)
        if not reading.ended():
            self._report(WaitingFor("compare"))
        self._wait_for(channel, reading)
        comparison.judge(channel, ring)
        self._report(WaitingFor("receipt"))
        comparison.conclude(channel, ring)
        self._stats.add(RECEIPT, self._stats.clock() - began)
        channel.close()
        sent.meter.update(*scan.manifest.files_without(comparison.skipped), final=True)

    def _wait_for_hashes(self, channel: Channel, sent: _Sent) -> Sealed:
        """What follows the last pack: counts of what is written, then the first of the hashes."""
        waiting = False
        while True:
            waited = channel.waited
            message = channel.receive()
            self._stats.add(RECEIPT, waiting=channel.waited - waited)
            self._lost_since = None
            if isinstance(message, Sealed) and message.kind is Kind.HASHES:
                return message
            sent.heard(message)
            if sent.all_there and not waiting:
                waiting = True
                self._report(WaitingFor("receipt"))

    def _report_done(self, scan: Scan) -> None:
        comparison = self._comparison
        assert comparison is not None
        manifest, left_out = scan.manifest, comparison.skipped
        files, size = manifest.files_without(left_out)
        skipped = [(printable(manifest.path(i), 4096), TEXTS[reason]) for i, reason in sorted(left_out.items())]
        self._report(self._stats.status())
        self._report(
            Done(
                path=self._selection.place,
                files=files,
                bytes=size,
                wire_bytes=self._wire_before,
                seconds=time.monotonic() - self._began,
                skipped=(*scan.skipped, *skipped),
                receipt=comparison.receipt,
                renamed_there=comparison.renamed,
                left_out=scan.left_out,
                inexact=tuple(scan.inexact),
            )
        )

    # --- a lost connection -------------------------------------------------------------------------------------------

    def _rejoin(self) -> Channel:
        """Looks for the receiver again with growing pauses. Raises Interrupted when it is not found in time."""
        assert self._ring is not None
        if self._lost_since is None:
            self._lost_since = time.monotonic()
        patience = limits.REJOIN_SECONDS if self._receipt is None else _THANKS_SECONDS
        deadline = self._lost_since + patience  # one for all tries, until something gets through again
        attempt = 0
        while (left := deadline - time.monotonic()) > 0:
            self._report(Reconnecting(left))
            if self.answers.wait_cancelled(_PAUSES[min(attempt, len(_PAUSES) - 1)]):
                raise Cancelled
            attempt += 1
            try:
                channel, nonces, _peer = self._greet()
                channel.send(Rejoin(self._ring.transfer_id, self._ring.rejoin_proof(*nonces)))
                return channel
            except (
                Unreachable, NotCountersign, NotTrusted, CertificateNotYetValid, Busy, PeerSilent, TheyDoNotTrustUs, LinkLostError,
            ):  # fmt: skip
                # not back yet, or its side has not noticed: what it says now is not final
                if self._channel is not None:
                    self._channel.close()
        raise Interrupted if self._moving else PeerSilent

    def _seconds(self) -> int:
        return int(self._device.now())


class _Sent:
    """What was sent, and what the receiver says of it."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.packs = 0
        self._there = 0

    @property
    def all_there(self) -> bool:
        return self._there == self.packs

    def heard(self, message: object) -> None:
        """Takes a `received`. Raises ProtocolProblem for anything else, and for counts that cannot be or say nothing new."""
        if not isinstance(message, Received) or not self._there < message.packs <= self.packs:
            raise ProtocolProblem
        self._there = message.packs
        self.meter.update(message.files, message.bytes)


def _marked(batches: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each batch, and whether it is the last."""
    waiting = next(batches)
    for batch in batches:
        yield waiting, False
        waiting = batch
    yield waiting, True


def _sendable(name: str) -> str:
    """A folder name that can be encoded and fits its field."""
    return name.encode("utf-8", "replace").decode()[:255]
