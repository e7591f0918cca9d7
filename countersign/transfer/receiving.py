"""The receiver's session: from an offer of a peer who has proven the code to a published folder and a signed receipt."""

from __future__ import annotations

import os
import queue
import threading
import time
from pathlib import Path

import msgspec

from countersign import limits
from countersign.errors import (
    BadKey,
    Cancelled,
    CancelledMidway,
    DeclinedHere,
    Interrupted,
    KeyRefused,
    NotEnoughSpace,
    PeerForgotten,
    PeerSilent,
    Problem,
    ProtocolProblem,
    SealBroken,
    TookTooLong,
)
from countersign.figures import size_text
from countersign.pack.manifest import Manifest, ManifestReader
from countersign.pack.plan import Answer, encode_answer, plan_packs
from countersign.pack.reasons import Reason
from countersign.pack.summary import Summary, decode_summary
from countersign.printable import printable
from countersign.seal.code import same
from countersign.seal.keys import KeyRing, stretch
from countersign.seal.keytext import parse_key
from countersign.seal.stream import Opener, Stream, StreamReader, StreamWriter
from countersign.transfer.answers import Answers
from countersign.transfer.channel import Channel
from countersign.transfer.concluding import THANKS_SECONDS, Conclusion
from countersign.transfer.device import Background, Device, paced
from countersign.transfer.disk import disk_problem
from countersign.transfer.journal import VERSION, About, Journal
from countersign.transfer.proposal import Decision, Proposal
from countersign.transfer.proposing import propose
from countersign.transfer.reason_texts import TEXTS
from countersign.transfer.recovery import Recovered, close_all, look_for, take_over
from countersign.transfer.renewing import renewal_told, take_renewal
from countersign.transfer.staging import Staging, choose_staging
from countersign.transfer.stats import PUBLISHING, RECEIVERS, RECEIVING, ROOM, Stats
from countersign.transfer.status import (
    Done,
    KeyChecking,
    KeyWrong,
    Meter,
    NeedDecision,
    NeedKey,
    OfferOpened,
    OfferSeen,
    Paused,
    Reconnecting,
    Report,
    WaitingFor,
)
from countersign.transfer.targets import check_target
from countersign.transfer.unpacking import Unpacking
from countersign.transport.link import LinkLostError
from countersign.trust.peers import Peer
from countersign.wire.messages import (
    KeyAccepted,
    KeyRefused as KeyRefusedMessage,
    Kind,
    Offer,
    Received,
    Sealed,
)

_LOOK = 0.05
_ACK_SECONDS = 0.25
_LOOK_FOR_THEM = 0.5
_SILENCE_SECONDS = limits.REJOIN_SECONDS  # how long a sender may only say `waiting`
_THANKS_SECONDS = THANKS_SECONDS


class ReceivingSession:
    """One receiving. `run` blocks until it has ended; the others may be called from other threads."""

    def __init__(self, device: Device, peer: Peer, into: Path, answers: Answers, report: Report) -> None:
        self.peer = peer
        self._device = device
        self._into = into
        self._answers = answers
        self._report = report
        self._began = 0.0
        self._wire_before = 0
        self._rejoined: queue.Queue[Channel] = queue.Queue()
        self._channel: Channel | None = None
        self._ring: KeyRing | None = None
        self._summary = Summary("", 0, 0, 1)
        self._master = b""
        self._salt = b""
        self._key_right = False
        self._earlier: list[
            KeyRing
        ] = []  # a sender that never heard our last words still proves itself with one of these
        self._shown: Manifest | None = None
        self._recovered: list[Recovered] = []
        self._over = threading.Lock()
        self._ended = False
        self._waiting = False  # for the sender to come back
        self._superseded = False
        self._staging: Staging | None = None
        self._conclusion: Conclusion | None = None
        self._tell_renamed = False
        self._why: dict[int, str] = {}  # entries that are left out, in this computer's own words
        self._acknowledged = 0  # packs of this connection
        self._stats = Stats(RECEIVERS)

    # --- from other threads ------------------------------------------------------------------------------------------

    def accepts_rejoin(self, transfer_id: bytes, proof: bytes, receiver_nonce: bytes, sender_nonce: bytes) -> bool:
        """Whether this proof continues this session."""
        for ring in (self._ring, *self._earlier):
            if ring is not None and transfer_id == ring.transfer_id:
                return same(ring.rejoin_proof(receiver_nonce, sender_nonce), proof)
        return False

    @property
    def waiting(self) -> bool:
        """Whether the connection was lost and the sender is waited for."""
        return self._waiting

    def supersede(self) -> None:
        """The sender has begun anew and proven the code: this session ends as interrupted."""
        self._superseded = True

    def rejoin(self, channel: Channel) -> None:
        """Goes on over this channel; the old one is ended if it has not ended yet."""
        with self._over:
            if self._ended:
                channel.end(Interrupted())
                return
            old = self._channel
            self._rejoined.put(channel)
            if old is not None:
                old.lose()

    # --- the session -------------------------------------------------------------------------------------------------

    def run(self, channel: Channel) -> None:
        """Receives. Reports Done, or raises the problem after telling the peer of it."""
        self._channel = channel
        last: Problem = Interrupted()
        try:
            self._run(channel)
        except Problem as problem:
            last = seen = self._as_seen_here(problem)
            self._channel.end(seen)
            self._clean_up(seen)
            raise seen from problem
        except BaseException:
            self._channel.end(Cancelled())
            if self._staging is not None:
                self._staging.close()
            raise
        finally:
            close_all(self._recovered)
            with self._over:
                self._ended = True
            while not self._rejoined.empty():
                self._rejoined.get().end(last)

    def _as_seen_here(self, problem: Problem) -> Problem:
        if self._staging is None:
            return problem
        if type(problem) is Cancelled:
            return CancelledMidway()
        return Interrupted() if isinstance(problem, TookTooLong) else problem

    @property
    def _is_published(self) -> bool:
        return self._conclusion is not None and self._conclusion.published is not None

    def _clean_up(self, problem: Problem) -> None:
        """An interrupted transfer keeps what it has; a refused one keeps nothing."""
        staging = self._staging
        if staging is None:
            return
        refused = isinstance(problem, (SealBroken, ProtocolProblem))
        if refused or self._is_published or not (staging.bytes_done or staging.files_done):
            staging.remove()
        else:
            staging.close()

    def _run(self, channel: Channel) -> None:
        while True:
            try:
                self._transfer(channel)
                return
            except LinkLostError as lost:
                if not self._key_right:
                    raise PeerSilent from lost
                self._wire_before += channel.wire_bytes
                channel.close()
                again = self._wait_for_rejoin()
                if again is None:
                    if self._is_published:
                        self._report_done(0)  # all is here; only the other side does not know
                        return
                    raise (Interrupted if self._staging is not None else PeerSilent)() from lost
                channel = self._channel = again
            except Problem as problem:
                if not self._is_published:
                    raise
                channel.end(self._as_seen_here(problem))
                self._report_done(channel.wire_bytes)  # too late for it: all is in its place here
                return

    def _wait_for_rejoin(self) -> Channel | None:
        patience = limits.REJOIN_SECONDS if not self._is_published else _THANKS_SECONDS
        deadline = time.monotonic() + patience
        self._waiting = True
        try:
            while (left := deadline - time.monotonic()) > 0 and not self._superseded:
                self._report(Reconnecting(left))
                try:
                    return self._rejoined.get(timeout=min(_LOOK_FOR_THEM, left))
                except queue.Empty:
                    if self._answers.cancelled and self._is_published:
                        return None
                    if self._answers.cancelled:
                        raise Cancelled from None
            return None
        finally:
            self._waiting = False

    def _transfer(self, channel: Channel) -> None:
        offer = channel.expect(Offer, limits.PERSON_SECONDS)
        first = channel.expect_sealed(Kind.MANIFEST)
        if self._key_right:
            ring, reader, payload = self._reopen(channel, offer, first)
        else:
            ring, reader, payload = self._ask_key(channel, offer, first)
        if self._ring is not None:
            self._earlier.append(self._ring)
        self._ring = ring
        self._summary = decode_summary(payload)
        take_renewal(self._device, self.peer, self._summary.renewal, self._report)
        if self._shown is None:
            self._report(OfferOpened(self.peer.name, self._name, self._summary.files, self._summary.bytes))
        manifest = self._read_manifest(channel, reader)
        if self._shown is not None and not self._shown.same_as(manifest):
            raise ProtocolProblem  # only the list that the person sees, or has accepted, can be continued
        self._shown = manifest
        staging = self._staging if self._staging is not None else self._decide(channel, manifest)
        take_over(self._recovered, staging, lambda: self._nothing_said(channel))
        writer = StreamWriter(ring, Stream.ANSWER)
        answer = msgspec.structs.replace(staging.answer(), renewal=renewal_told(self._device))
        channel.send(Sealed(Kind.ANSWER, writer.write(encode_answer(answer), True, self._seconds())))
        self._receive_packs(channel, staging, Opener(ring, Stream.PACK), answer)
        self._finish(channel, staging, ring)

    # --- key and list --------------------------------------------------------------------------------------------------

    def _ask_key(self, channel: Channel, offer: Offer, first: Sealed) -> tuple[KeyRing, StreamReader, memoryview]:
        self._report(OfferSeen(self.peer.name))
        tries = limits.KEY_TRIES
        token = bytes(first.token)
        while True:
            self._report(NeedKey(tries))
            try:
                key = parse_key(str(self._ask(channel, "key")))
            except BadKey:
                self._report(KeyWrong(tries, slip=True))
                continue
            self._report(KeyChecking())
            job = Background(lambda key=key: stretch(key, offer.salt), "stretching")  # type: ignore[misc]
            while not job.ended(_LOOK):
                self._nothing_said(channel)
            self._master, self._salt = job.result(), offer.salt
            try:
                ring, reader, payload = self._open_first(offer, token)
            except SealBroken:
                tries -= 1
                channel.send(KeyRefusedMessage(tries))
                self._report(KeyWrong(tries))
                if not tries:
                    raise KeyRefused from None
                continue
            self._key_right = True
            channel.send(KeyAccepted())
            return ring, reader, payload

    def _reopen(self, channel: Channel, offer: Offer, first: Sealed) -> tuple[KeyRing, StreamReader, memoryview]:
        """On a new connection of this session: the key is known."""
        if offer.salt != self._salt:
            raise ProtocolProblem
        opened = self._open_first(offer, bytes(first.token))
        channel.send(KeyAccepted())
        return opened

    def _open_first(self, offer: Offer, token: bytes) -> tuple[KeyRing, StreamReader, memoryview]:
        ring = KeyRing(self._master, offer.transfer_id, self.peer.id, self._device.identity.id)
        reader = StreamReader(ring, Stream.MANIFEST)
        return ring, reader, reader.read(token)

    @property
    def _name(self) -> str:
        """What is offered, fit for eyes."""
        return printable(self._summary.name)

    def _read_manifest(self, channel: Channel, reader: StreamReader) -> Manifest:
        summary = self._summary
        builder = ManifestReader(summary.entries, summary.files, summary.bytes)
        while not reader.ended:
            builder.add_batch(reader.read(channel.expect_sealed(Kind.MANIFEST).token))
        return builder.finish()

    def _ask(self, channel: Channel, question: str) -> object:
        """What the person here answers; the line is watched meanwhile."""
        deadline = time.monotonic() + limits.PERSON_SECONDS
        while time.monotonic() < deadline:
            if question != "decision":
                early = self._answers.take("decision")
                if early is not None and not early.accept:
                    raise DeclinedHere
                if early is not None:
                    self._answers.say("decision", early)
            answer = self._answers.take(question)
            if answer is not None:
                return answer
            if channel.poll(1.0) is not None:
                raise ProtocolProblem
        raise TookTooLong

    def _nothing_said(self, channel: Channel) -> None:
        if channel.poll() is not None:
            raise ProtocolProblem
        channel.keep_company()

    def _decide(self, channel: Channel, manifest: Manifest) -> Staging:
        self._report(WaitingFor("check"))
        close_all(self._recovered)
        check = paced(lambda: self._nothing_said(channel))
        self._recovered = look_for(manifest, self._name, self._device.transfers, self.peer.person.hex(), check)
        try:
            proposal = propose(self.peer.name, self._name, manifest, self._into, self._recovered)
        except OSError as error:
            raise disk_problem(error, self._into) from error
        self._report(NeedDecision(proposal))
        decision = self._ask(channel, "decision")
        assert isinstance(decision, Decision)
        if not decision.accept:
            raise DeclinedHere
        if self._device.peers.by_id(self.peer.id) is None:
            raise PeerForgotten(name=self.peer.name)
        if not proposal.fits:
            raise NotEnoughSpace(
                path=self._into,
                needed=size_text(proposal.bytes_to_come + proposal.records),
                free=size_text(proposal.free),
            )
        staging = self._begin(manifest, proposal, decision)
        staging.make_folders(paced(lambda: self._nothing_said(channel)))
        return staging

    def _begin(self, manifest: Manifest, proposal: Proposal, decision: Decision) -> Staging:
        """Accepted: from here on the disk is written to."""
        into = decision.into or self._into
        check_target(self._device.own, into)
        self._into = into
        self._began = time.monotonic()
        try:
            into.mkdir(parents=True, exist_ok=True)
            path = choose_staging(into, self._device.state)
            about = About(
                version=VERSION,
                peer=self.peer.person.hex(),
                peer_name=self.peer.name,
                name=self._name,
                into=os.fsencode(into),
                staging=os.fsencode(path),
                began=self._device.now(),
                entries=len(manifest),
                files=manifest.files,
                bytes=manifest.bytes,
            )
            journal = Journal.begin(self._device.transfers, about, manifest)
            unwanted = {
                **dict.fromkeys(decision.unwanted, Reason.UNWANTED),
                **{
                    i: Reason.LINKS if text == TEXTS[Reason.LINKS] else Reason.NAME
                    for i, text in proposal.impossible.items()
                },
            }
            self._why = dict(proposal.impossible)
            self._tell_renamed = decision.tell_renamed
            staging = self._staging = Staging(manifest, path, journal, unwanted)
        except OSError as error:
            raise disk_problem(error, into) from error
        return staging

    # --- data ------------------------------------------------------------------------------------------------------

    def _receive_packs(self, channel: Channel, staging: Staging, opener: Opener, answer: Answer) -> None:
        manifest = staging.manifest
        self._acknowledged = 0
        files, total = manifest.files_without(staging.skipped)
        meter = Meter(self._report, time.monotonic, files, total, staging.bytes_done, self._stats.slow)
        unpacking = Unpacking(staging, opener, self._stats, channel.link.wake)
        channel.allocate_with(lambda kind, n: unpacking.allocate(n) if kind is Kind.PACK else bytearray(n))
        channel.tell_pauses(lambda paused, by_them: self._tell_pause(meter, paused, by_them))
        channel.check_with(unpacking.check)
        acked = time.monotonic()
        try:
            for plan in plan_packs(manifest, answer):
                message = self._next_pack(channel)
                self._earlier.clear()
                began = self._stats.clock()
                while not unpacking.wait_for_room(_LOOK):
                    self._nothing_said_in_data(channel)
                self._stats.add(ROOM, waiting=self._stats.clock() - began)
                unpacking.put(plan, message.token)
                meter.update(staging.files_done, staging.bytes_done)
                if time.monotonic() - acked > _ACK_SECONDS:
                    self._acknowledge(channel, staging, unpacking)
                    acked = time.monotonic()
            while not unpacking.wait_until_idle(_LOOK):
                self._nothing_said(channel)
                meter.update(staging.files_done, staging.bytes_done)
        finally:
            channel.allocate_with(lambda _kind, n: bytearray(n))
            channel.check_with(lambda: None)
            unpacking.close()
            unpacking.check()  # here, since a lost line must not hide that the disk refused something
        meter.update(staging.files_done, staging.bytes_done, final=True)
        self._nothing_said(channel)  # whoever cancels now still can
        self._acknowledge(channel, staging, unpacking)

    def _next_pack(self, channel: Channel) -> Sealed:
        began, waited = self._stats.clock(), channel.waited
        message = channel.expect_sealed(Kind.PACK, _SILENCE_SECONDS)
        waited = channel.waited - waited
        self._stats.add(RECEIVING, self._stats.clock() - began - waited, waited)
        self._stats.data_begins()
        return message

    def _tell_pause(self, meter: Meter, paused: bool, by_them: bool) -> None:
        meter.hold()
        self._report(Paused(paused, by_them))

    def _nothing_said_in_data(self, channel: Channel) -> None:
        """While the disk is slow the next pack may wait in the socket; only our own word is due."""
        if self._answers.cancelled:
            raise Cancelled
        channel.keep_company()

    def _acknowledge(self, channel: Channel, staging: Staging, unpacking: Unpacking) -> None:
        if unpacking.packs_done > self._acknowledged:  # else it would say nothing new
            self._acknowledged = unpacking.packs_done
            channel.send(Received(self._acknowledged, staging.files_done, max(0, staging.bytes_done)))

    # --- the end -----------------------------------------------------------------------------------------------------

    def _finish(self, channel: Channel, staging: Staging, ring: KeyRing) -> None:
        if self._conclusion is None:
            self._report(WaitingFor("disk"))
            self._conclusion = Conclusion(
                self._device, self.peer, staging, self._into, self._summary.name, self._tell_renamed
            )
        with self._stats.working(PUBLISHING):
            self._conclusion.run(channel, ring, lambda: self._nothing_said(channel))
        channel.close()
        self._report_done(channel.wire_bytes)

    def _report_done(self, wire_bytes: int) -> None:
        conclusion, staging = self._conclusion, self._staging
        assert conclusion is not None
        assert staging is not None
        published = conclusion.published
        assert published is not None
        if self._ring is not None:
            conclusion.keep_receipt(self._ring)
        manifest = staging.manifest
        skipped = tuple(
            (printable(manifest.path(i), 4096), self._why.get(i) or TEXTS[reason])
            for i, reason in staging.skipped.items()
        )
        inexact = tuple((printable(manifest.path(i), 4096), reason) for i, reason in staging.inexact.items())
        files, size = staging.files_done, staging.bytes_done
        staging.remove()
        self._report(self._stats.status())
        self._report(
            Done(
                path=self._into,
                files=files,
                bytes=size,
                wire_bytes=self._wire_before + wire_bytes,
                seconds=time.monotonic() - self._began,
                skipped=skipped,
                receipt=conclusion.receipts.receipt,
                renamed=tuple(published.renamed.items()),
                kept=tuple(published.kept),
                inexact=inexact,
            )
        )

    def _seconds(self) -> int:
        return int(self._device.now())
