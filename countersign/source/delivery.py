"""The sending half of one delivery: (channel, key ring, manifest) in, receipt out.

It does not know the key's origin: a person may have typed it, or it may be one of many. A delivery's state outlives
each connection; `run` makes the state of one connection.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from countersign.base import limits
from countersign.base.errors import ProtocolProblem
from countersign.base.printable import printable
from countersign.pack.plan import Answer, decode_answer, has_bit, members_of, plan_packs
from countersign.pack.reason_texts import TEXTS
from countersign.pack.reasons import BY_WORD, Reason
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Sealer, Stream, StreamReader, StreamWriter
from countersign.session.background import Background
from countersign.session.channel import Channel
from countersign.session.device import Device
from countersign.session.meter import Meter
from countersign.session.renewing import take_renewal
from countersign.session.stats import NEXT_PACK, RECEIPT, SENDING, Stats
from countersign.session.status import Done, Paused, Report, WaitingFor
from countersign.source.comparing import Comparison
from countersign.source.hashing import SentHashes
from countersign.source.packing import Packing
from countersign.source.scanning import Scan
from countersign.trust.peers import Peer
from countersign.wire.messages import Kind, Received, Sealed

_LOOK = 0.05  # seconds between looks at the connection while no pack is ready; a pack is noticed at once
_PAUSE_LOOK = 1.0


class Delivery:
    """A delivery to one peer. The session's thread uses it."""

    def __init__(
        self,
        device: Device,
        peer: Peer,
        scan: Scan,
        name: str,
        stats: Stats,
        report: Report,
        on_heard: Callable[[], None] = lambda: None,
    ) -> None:
        """name: of the whole, as sent. on_heard: called when something got through to the peer."""
        self._device = device
        self._peer = peer
        self._scan = scan
        self._stats = stats
        self._report = report
        self._on_heard = on_heard
        self._comparison = Comparison(device, scan.manifest, name, peer, SentHashes(scan.manifest))
        self._withdrawn: dict[int, Reason] = {}
        self._began: float | None = None  # from the first answer on: people's time is not transfer time

    @property
    def is_answered(self) -> bool:
        """Whether the peer has accepted: from then on, an interrupted delivery can be resumed."""
        return self._began is not None

    @property
    def receipt(self) -> Path | None:
        """The receipt's path; once it exists, all has arrived, whatever follows."""
        receipted = self._comparison.receipted
        return receipted.receipt if receipted is not None else None

    def run(self, channel: Channel, ring: KeyRing, writer: StreamWriter) -> None:
        """Runs over this connection: list, answer, packs, comparison, receipt. `writer` has sealed the first frame.

        Raises LinkLostError if another connection must continue, and what a channel, the disk or the comparison raises.
        """
        for batch, last in _marked(self._scan.manifest.batches()):
            channel.send(Sealed(Kind.MANIFEST, writer.write(batch, last, int(self._device.now()))))
        answer = self._hear_answer(channel, ring)
        hashes = self._comparison.hashes
        stopping = threading.Event()
        reading = self._read_again(answer, hashes, stopping)
        try:
            sent = self._send_packs(channel, ring, answer, hashes)
            self._finish(channel, ring, sent, reading)
        finally:
            stopping.set()

    def _hear_answer(self, channel: Channel, ring: KeyRing) -> Answer:
        reader = StreamReader(ring, Stream.ANSWER)
        answer = decode_answer(
            reader.read(channel.expect_sealed(Kind.ANSWER, limits.PERSON_SECONDS).token), self._scan.manifest
        )
        if not reader.ended:
            raise ProtocolProblem
        take_renewal(self._device, self._peer, answer.renewal, self._report)
        if self._began is None:
            self._began = time.monotonic()
        # the peer may ask again for files that an earlier connection could not read
        for index in [i for i in self._withdrawn if not has_bit(answer.unwanted, i)]:
            del self._withdrawn[index]
        self._comparison.answered(answer)
        return answer

    def _read_again(self, answer: Answer, hashes: SentHashes, stopping: threading.Event) -> Background[None]:
        """While sending: hashes the files that the receiver holds already, whole or in part."""
        in_part = [index for index, _size in answer.partial]
        hashes.begin(in_part)
        manifest, selection = self._scan.manifest, self._scan.selection
        those = [
            index
            for index in (*members_of(answer.held), *in_part)
            if manifest.is_file(index) and not has_bit(answer.unwanted, index) and not hashes.known(index)
        ]
        return Background(lambda: hashes.read_again(selection, manifest, those, stopping.is_set), "hashing")

    def _send_packs(self, channel: Channel, ring: KeyRing, answer: Answer, hashes: SentHashes) -> _Sent:
        manifest, stats = self._scan.manifest, self._stats
        sent = _Sent(self._meter(answer), self._on_heard)
        channel.tell_pauses(lambda paused, by_them: self._report(Paused(paused, by_them)))
        packing = Packing(
            self._scan.selection, manifest, plan_packs(manifest, answer), Sealer(ring, Stream.PACK), self._device.now,
            stats, hashes,
        )  # fmt: skip
        try:
            while not packing.finished:
                while (message := channel.poll()) is not None:
                    sent.heard(message)
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
                    self._withdrawn.setdefault(index, BY_WORD[reason])  # two threads may find two reasons
                self._send_pack(channel, pack.token)
                sent.packs += 1
                packing.give_back(pack)
        finally:
            packing.close()
        return sent

    def _meter(self, answer: Answer) -> Meter:
        manifest = self._scan.manifest
        files, total = manifest.files_without(members_of(answer.unwanted))
        held = [i for i in members_of(answer.held) if not has_bit(answer.unwanted, i)]
        held_bytes = sum(manifest.sizes[i] for i in held) + sum(n for _i, n in answer.partial)
        return Meter(self._report, time.monotonic, files, total, held_bytes, slow=self._stats.slow)

    def _send_pack(self, channel: Channel, token: memoryview) -> None:
        stats = self._stats
        stats.data_begins()
        began, waited = stats.clock(), channel.waited
        channel.send(Sealed(Kind.PACK, token))
        waited = channel.waited - waited
        stats.add(SENDING, stats.clock() - began - waited, waited)

    def _finish(self, channel: Channel, ring: KeyRing, sent: _Sent, reading: Background[None]) -> None:
        comparison = self._comparison
        first = self._wait_for_hashes(channel, sent)
        began = self._stats.clock()
        comparison.hear(channel, ring, first, self._withdrawn)
        if not reading.ended():
            self._report(WaitingFor("compare"))
        channel.wait_for(reading)
        comparison.judge(channel, ring)
        self._report(WaitingFor("receipt"))
        receipted = comparison.conclude(channel, ring)
        self._stats.add(RECEIPT, self._stats.clock() - began)
        channel.close()
        sent.meter.update(*self._scan.manifest.files_without(receipted.skipped), final=True)

    def _wait_for_hashes(self, channel: Channel, sent: _Sent) -> Sealed:
        """After the last pack: receives counts of written packs, then the first payload of the hashes."""
        waiting = False
        while True:
            waited = channel.waited
            message = channel.receive()
            self._stats.add(RECEIPT, waiting=channel.waited - waited)
            if isinstance(message, Sealed) and message.kind is Kind.HASHES:
                self._on_heard()
                return message
            sent.heard(message)
            if sent.all_there and not waiting:
                waiting = True
                self._report(WaitingFor("receipt"))

    def done(self, wire_bytes: int) -> Done:
        """The final report. wire_bytes: over all connections."""
        assert self._began is not None
        scan, receipted = self._scan, self._comparison.receipted
        assert receipted is not None
        manifest, left_out = scan.manifest, receipted.skipped
        files, size = manifest.files_without(left_out)
        skipped = [(printable(manifest.path(i), 4096), TEXTS[reason]) for i, reason in sorted(left_out.items())]
        return Done(
            path=scan.selection.place,
            files=files,
            bytes=size,
            wire_bytes=wire_bytes,
            seconds=time.monotonic() - self._began,
            skipped=(*scan.skipped, *skipped),
            receipt=receipted.receipt,
            renamed_there=receipted.renamed,
            left_out=scan.left_out,
            inexact=tuple(scan.inexact),
        )


class _Sent:
    """What one connection has sent, and what the receiver reports of it."""

    def __init__(self, meter: Meter, on_heard: Callable[[], None]) -> None:
        self.meter = meter
        self.packs = 0
        self._there = 0
        self._on_heard = on_heard

    @property
    def all_there(self) -> bool:
        return self._there == self.packs

    def heard(self, message: object) -> None:
        """Takes a `received`. Raises ProtocolProblem for anything else, and for impossible or repeated counts."""
        if not isinstance(message, Received) or not self._there < message.packs <= self.packs:
            raise ProtocolProblem
        self._there = message.packs
        self._on_heard()
        self.meter.update(message.files, message.bytes)


def _marked(batches: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each batch, and whether it is the last."""
    waiting = next(batches)
    for batch in batches:
        yield waiting, False
        waiting = batch
    yield waiting, True
