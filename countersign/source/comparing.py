"""The sender's last part: compares the receiver's hashes with its own, then makes, checks and countersigns the receipt.

The session's thread uses it. It outlives the connection on which it began.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from countersign.base import limits
from countersign.base.errors import ContentDiffers, ProtocolProblem, ReceiptProblem
from countersign.base.i18n import _
from countersign.pack.arrival import Arrived, encode, verdict_on
from countersign.pack.manifest import Manifest
from countersign.pack.payload import decoded
from countersign.pack.plan import Answer, has_bit
from countersign.pack.reasons import WITHDRAWN, Reason
from countersign.receipts.format import (
    Countersignature,
    Line,
    Notice,
    Received,
    Sent,
    check_header,
    check_signature,
    header_for,
    is_time,
    lines_for,
    signed_bytes,
    text_of,
)
from countersign.receipts.writing import Draft, receipt_stem, remove_replaced
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Stream, StreamReader, StreamWriter
from countersign.session.background import Background
from countersign.session.channel import Channel
from countersign.session.device import Device
from countersign.source.hashing import SentHashes
from countersign.trust.peers import Peer
from countersign.wire.messages import Kind, Role, Sealed

_ROUNDS = limits.DIFFER_ROUNDS
UNHEARD = 10  # verdicts that a receiver may have missed: a bad connection does not explain more


@dataclass(frozen=True)
class Receipted:
    """Everything has arrived, and a receipt says so."""

    receipt: Path
    skipped: Mapping[int, Reason]  # entries that did not arrive, according to the receiver
    renamed: bool  # whether a name was changed there, if the receiver's person allows telling it


class _Differences:
    """Which files differed so far, and how often. A verdict that the receiver did not get does not count."""

    def __init__(self) -> None:
        self._before: set[int] = set()
        self._said: list[int] = []  # until we know whether the receiver got it
        self._rounds = 0
        self._unheard = 0

    def answered(self, held: bytes) -> None:
        """Call with the receiver's answer on a new connection: if it got the verdict, it holds none of those files."""
        said, self._said = self._said, []
        if not said:
            return
        if any(has_bit(held, index) for index in said):
            self._unheard += 1
            return
        self._rounds += 1
        self._before.update(said)

    def say(self, differing: list[int]) -> None:
        """These files differ and are sent again. Raises ContentDiffers if that will not help."""
        is_last = self._rounds + 1 == _ROUNDS or self._unheard == UNHEARD
        if is_last or not self._before.isdisjoint(differing):
            raise ContentDiffers(count=len(differing))
        self._said = differing


class Comparison:
    """The sender's steps after all packs are sent. The session's thread uses it."""

    def __init__(self, device: Device, manifest: Manifest, name: str, peer: Peer, hashes: SentHashes) -> None:
        self.hashes = hashes
        self.arrived = Arrived(manifest)
        self.receipted: Receipted | None = None
        self._device = device
        self._manifest = manifest
        self._name = name
        self._peer = peer
        self._differences = _Differences()

    def answered(self, answer: Answer) -> None:
        """Call with the receiver's answer on a new connection."""
        self._differences.answered(answer.held)

    def hear(self, channel: Channel, ring: KeyRing, first: Sealed, withdrawn: Mapping[int, Reason]) -> None:
        """Reads the hashes, whose first payload has arrived. Raises ProtocolProblem."""
        reader = StreamReader(ring, Stream.HASHES)
        self.arrived = Arrived(self._manifest)
        self.arrived.add(reader.read(first.token))
        while not reader.ended:
            self.arrived.add(reader.read(channel.expect_sealed(Kind.HASHES).token))
        self.arrived.finish()
        if not is_time(self.arrived.time) or not _agree(withdrawn, self.arrived.skipped):
            raise ProtocolProblem

    def judge(self, channel: Channel, ring: KeyRing) -> None:
        """Sends the verdict. All our own hashes must be known by now.

        Raises LinkLostError if files must be sent again, ContentDiffers if that did not help.
        """
        differing = self.arrived.differing(self.hashes.digests)
        payload = encode(verdict_on(differing, self._manifest))
        token = StreamWriter(ring, Stream.VERDICT).write(payload, True, int(self._device.now()))
        channel.send(Sealed(Kind.VERDICT, token))
        if not differing:
            return
        self._differences.say(differing)
        self.hashes.forget(differing)
        channel.receive()  # the receiver ends the connection, and both start a new one
        raise ProtocolProblem

    def conclude(self, channel: Channel, ring: KeyRing) -> Receipted:
        """Makes a receipt, checks the receiver's signature, countersigns. Raises ReceiptProblem, DiskProblem."""
        stopping = threading.Event()
        drafting = Background(lambda: self._draft(ring, stopping), "drafting")
        draft: Draft | None = None
        try:
            reader = StreamReader(ring, Stream.RECEIPT)
            notice = decoded(reader.read(channel.expect_sealed(Kind.RECEIPT).token), Notice)
            if not reader.ended or notice.time != self.arrived.time:
                raise ReceiptProblem(detail=_("it is of another time"))
            draft = channel.wait_for(drafting)
            return self._countersign(channel, ring, draft, notice)
        except BaseException:
            stopping.set()
            if draft is None and drafting.ended(None):
                draft = drafting.unless_failed()
            if draft is not None:
                draft.discard()
            raise

    def _draft(self, ring: KeyRing, stopping: threading.Event) -> Draft:
        certificates = (self._device.identity.pem.decode(), self._peer.pem)
        skipped = self.arrived.skipped
        header = header_for(self._manifest, self._name, ring.transfer_id, self.arrived.time, skipped, certificates)
        check_header(header)

        def lines() -> Iterator[Line]:
            for line in lines_for(self._manifest, skipped, self.hashes.digests):
                if stopping.is_set():
                    return
                yield line

        return Draft(self._device.receipts, header, lines())

    def _countersign(self, channel: Channel, ring: KeyRing, draft: Draft, notice: Notice) -> Receipted:
        check_signature(self._peer.certificate, Role.RECEIVER, draft.digest, notice.signature)
        own = self._device.identity.sign(signed_bytes(Role.SENDER, draft.digest))
        stem = receipt_stem(self._device.local_time(), self._peer.name, ring.transfer_id)
        kept = draft.keep(stem, [Received(text_of(notice.signature)), Sent(text_of(own))])
        remove_replaced(self.receipted.receipt if self.receipted is not None else None, kept)
        receipted = self.receipted = Receipted(kept, self.arrived.skipped, notice.renamed)
        payload = msgspec.msgpack.encode(Countersignature(own))
        token = StreamWriter(ring, Stream.THANKS).write(payload, True, int(self._device.now()))
        channel.send(Sealed(Kind.THANKS, token))
        return receipted


def _agree(withdrawn: Mapping[int, Reason], skipped: Mapping[int, Reason]) -> bool:
    """Whether the receiver lists exactly the withdrawn files as withdrawn.

    If the end of a file was withdrawn, the receiver may have failed to store its beginning.
    """
    told = {index: reason for index, reason in skipped.items() if reason in WITHDRAWN}
    kept_back = {index: reason for index, reason in withdrawn.items() if skipped.get(index) is not Reason.NAME}
    return told == kept_back
