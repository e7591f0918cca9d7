"""The receiving half of one delivery: (channel, key ring, accepted list) in, receipt out.

It does not know the key's origin, nor who has accepted. An intake's state outlives each connection; `run` makes the
state of one connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from countersign.base import limits
from countersign.base.errors import Cancelled, Problem, ProtocolProblem, SealBroken
from countersign.base.printable import printable
from countersign.pack.plan import Answer, encode_answer, plan_packs
from countersign.pack.reason_texts import TEXTS
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Opener, Stream, StreamWriter
from countersign.session.background import paced
from countersign.session.channel import Channel
from countersign.session.controls import Controls
from countersign.session.device import Device
from countersign.session.meter import Meter
from countersign.session.renewing import renewal_told
from countersign.session.stats import PUBLISHING, RECEIVING, ROOM, Stats
from countersign.session.status import Done, Paused, Report, WaitingFor
from countersign.target.concluding import Conclusion
from countersign.target.holdings import Holdings
from countersign.target.recovery import Recovered, take_over
from countersign.target.staging import Staging
from countersign.target.unpacking import Unpacking
from countersign.trust.peers import Peer
from countersign.wire.messages import Kind, Received, Sealed

_LOOK = 0.05  # seconds between looks at the connection while the disk works; its end is noticed at once
_ACK_SECONDS = 0.25
_SILENCE_SECONDS = limits.REJOIN_SECONDS  # how long a sender may send only `waiting`


@dataclass(frozen=True)
class Accepted:
    """What was accepted: by a person, or by an earlier permission."""

    staging: Staging
    into: Path
    name: str  # of the whole, as sent
    why: Mapping[int, str]  # the reasons for left-out entries, in this computer's words
    tell_renamed: bool = False  # whether the sender may learn that names are taken here


class Intake:
    """Receives one delivery. The session's thread uses it."""

    def __init__(
        self,
        device: Device,
        peer: Peer,
        accepted: Accepted,
        recovered: list[Recovered],
        controls: Controls,
        stats: Stats,
        report: Report,
    ) -> None:
        """recovered: what earlier tries left here; the intake takes it over and empties the list."""
        self._device = device
        self._accepted = accepted
        self._staging = accepted.staging
        self._recovered = recovered
        self._controls = controls
        self._stats = stats
        self._report = report
        self._began = time.monotonic()
        self._told_disk = False
        self._conclusion = Conclusion(
            device, peer, accepted.staging, accepted.into, accepted.name, accepted.tell_renamed
        )

    @property
    def is_published(self) -> bool:
        """Whether all is in its place: from then on, it cannot fail."""
        return self._conclusion.published is not None

    def run(self, channel: Channel, ring: KeyRing, on_data: Callable[[], None]) -> None:
        """Runs over this connection: answer, packs, hashes, publishing, receipt. on_data: called for each pack.

        Raises LinkLostError if another connection must continue, and what a channel, the disk or the comparison raises.
        """
        staging = self._staging
        staging.make_folders(paced(channel.nothing_said))
        take_over(self._recovered, staging, channel.nothing_said)
        answer = msgspec.structs.replace(staging.answer(), renewal=renewal_told(self._device))
        token = StreamWriter(ring, Stream.ANSWER).write(encode_answer(answer), True, int(self._device.now()))
        channel.send(Sealed(Kind.ANSWER, token))
        self._receive_packs(channel, ring, answer, on_data)
        if not self._told_disk:
            self._told_disk = True
            self._report(WaitingFor("disk"))
        with self._stats.working(PUBLISHING):
            self._conclusion.run(channel, ring, channel.nothing_said)
        channel.close()

    def _receive_packs(self, channel: Channel, ring: KeyRing, answer: Answer, on_data: Callable[[], None]) -> None:
        staging, stats = self._staging, self._stats
        manifest = staging.manifest
        holdings = staging.holdings
        files, total = manifest.files_without(holdings.skipped)
        meter = Meter(self._report, time.monotonic, files, total, holdings.bytes, stats.slow)
        unpacking = Unpacking(staging, Opener(ring, Stream.PACK), stats, channel.link.wake)
        told = _Acknowledging(channel, holdings, unpacking)
        channel.allocate_with(lambda kind, n: unpacking.allocate(n) if kind is Kind.PACK else bytearray(n))
        channel.tell_pauses(lambda paused, by_them: self._tell_pause(meter, paused, by_them))
        channel.check_with(unpacking.check)
        try:
            for plan in plan_packs(manifest, answer):
                began = stats.clock()
                while not unpacking.wait_for_room(_LOOK):  # before reading it: packs not yet written are sent again
                    self._only_speak(channel)
                stats.add(ROOM, waiting=stats.clock() - began)
                message = self._next_pack(channel)
                on_data()
                unpacking.put(plan, message.token)
                meter.update(holdings.files, holdings.bytes)
                told.say_if_due()
            while not unpacking.wait_until_idle(_LOOK):
                channel.nothing_said()
                meter.update(holdings.files, holdings.bytes)
        finally:
            channel.allocate_with(lambda _kind, n: bytearray(n))
            channel.check_with(lambda: None)
            unpacking.close()
            unpacking.check()  # here, since a lost connection must not hide a disk error
        meter.update(holdings.files, holdings.bytes, final=True)
        channel.nothing_said()  # the last moment to cancel
        told.say()

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

    def _only_speak(self, channel: Channel) -> None:
        """While the disk is slow, the next pack may wait in the socket; only our `waiting` is due."""
        if self._controls.cancelled:
            raise Cancelled
        channel.keep_company()

    # --- the end -----------------------------------------------------------------------------------------------------

    def done(self, ring: KeyRing, wire_bytes: int) -> Done:
        """After publishing: keeps a receipt if there is none yet, removes the staging, and returns the final report.

        ring: of the last connection. wire_bytes: over all connections. Raises DiskProblem.
        """
        conclusion, staging = self._conclusion, self._staging
        holdings = staging.holdings
        published = conclusion.published
        assert published is not None
        conclusion.keep_receipt(ring)
        manifest, why = staging.manifest, self._accepted.why
        skipped = [
            (printable(manifest.path(i), 4096), why.get(i) or TEXTS[reason]) for i, reason in holdings.skipped.items()
        ]
        inexact = [(printable(manifest.path(i), 4096), reason) for i, reason in staging.inexact.items()]
        staging.remove()
        return Done(
            path=self._accepted.into,
            files=holdings.files,
            bytes=holdings.bytes,
            wire_bytes=wire_bytes,
            seconds=time.monotonic() - self._began,
            skipped=tuple(skipped),
            receipt=conclusion.receipts.receipt,
            renamed=tuple(published.renamed.items()),
            kept=tuple(published.kept),
            inexact=tuple(inexact),
        )

    def end(self, problem: Problem) -> None:
        """Ends a failed delivery: an interrupted one keeps its files, a refused one keeps nothing."""
        staging, holdings = self._staging, self._staging.holdings
        refused = isinstance(problem, (SealBroken, ProtocolProblem))
        if refused or self.is_published or not (holdings.bytes or holdings.files):
            staging.remove()
        else:
            staging.close()

    def close(self) -> None:
        """Closes handles; the files on disk stay."""
        self._staging.close()


class _Acknowledging:
    """Regularly tells the sender how many packs are written."""

    def __init__(self, channel: Channel, holdings: Holdings, unpacking: Unpacking) -> None:
        self._channel = channel
        self._holdings = holdings
        self._unpacking = unpacking
        self._told = 0
        self._at = time.monotonic()

    def say_if_due(self) -> None:
        if time.monotonic() - self._at > _ACK_SECONDS:
            self.say()
            self._at = time.monotonic()

    def say(self) -> None:
        """Tells the number, unless it has not changed."""
        holdings, done = self._holdings, self._unpacking.packs_done
        if done > self._told:
            self._told = done
            self._channel.send(Received(done, holdings.files, max(0, holdings.bytes)))
