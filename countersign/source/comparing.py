"""The sender's end of the conversation: the receiver's hashes are compared with its own, the receipt is made, checked and countersigned.

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
UNHEARD = 10  # verdicts that a receiver may have missed: more is no bad line


@dataclass(frozen=True)
class Receipted:
    """Everything has arrived, and a receipt says so."""

    receipt: Path
    skipped: Mapping[int, Reason]  # what it says did not arrive
    renamed: bool  # whether something has another name there, where the receiver's person lets that be known


class _Differences:
    """Which files differed so far, and how often. A receiver may not have heard a verdict: then it does not count."""

    def __init__(self) -> None:
        self._before: set[int] = set()
        self._said: list[int] = []  # until it is known whether the receiver heard it
        self._rounds = 0
        self._unheard = 0

    def answered(self, held: bytes) -> None:
        """The receiver's answer on a new connection: whoever heard that files differ holds none of them any more."""
        said, self._said = self._said, []
        if not said:
            return
        if any(has_bit(held, index) for index in said):
            self._unheard += 1
            return
        self._rounds += 1
        self._before.update(said)

    def say(self, differing: list[int]) -> None:
        """These differ now and are sent again. Raises ContentDiffers where that does not help."""
        is_last = self._rounds + 1 == _ROUNDS or self._unheard == UNHEARD
        if is_last or not self._before.isdisjoint(differing):
            raise ContentDiffers(count=len(differing))
        self._said = differing


class Comparison:
    """What the sender does once all packs are sent. The session's thread uses it."""

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
        """The receiver's answer on a new connection."""
        self._differences.answered(answer.held)

    def hear(self, channel: Channel, ring: KeyRing, first: Sealed, withdrawn: Mapping[int, Reason]) -> None:
        """Takes the hashes, of which the first payload has come. Raises ProtocolProblem."""
        reader = StreamReader(ring, Stream.HASHES)
        self.arrived = Arrived(self._manifest)
        self.arrived.add(reader.read(first.token))
        while not reader.ended:
            self.arrived.add(reader.read(channel.expect_sealed(Kind.HASHES).token))
        self.arrived.finish()
        if not is_time(self.arrived.time) or not _agree(withdrawn, self.arrived.skipped):
            raise ProtocolProblem

    def judge(self, channel: Channel, ring: KeyRing) -> None:
        """Says whether it is what was sent. All own hashes must be known by now.

        Raises LinkLostError where files are to be sent again, ContentDiffers where that did not help.
        """
        differing = self.arrived.differing(self.hashes.digests)
        payload = encode(verdict_on(differing, self._manifest))
        token = StreamWriter(ring, Stream.VERDICT).write(payload, True, int(self._device.now()))
        channel.send(Sealed(Kind.VERDICT, token))
        if not differing:
            return
        self._differences.say(differing)
        self.hashes.forget(differing)
        channel.receive()  # the receiver ends the connection, so that both begin anew
        raise ProtocolProblem

    def conclude(self, channel: Channel, ring: KeyRing) -> Receipted:
        """Makes the receipt, checks the receiver's signature, keeps it and countersigns. Raises ReceiptProblem, DiskProblem."""
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
    """Whether the receiver calls withdrawn what was withdrawn, and nothing else.

    Of a file whose end was withdrawn it may have been unable to keep the beginning.
    """
    told = {index: reason for index, reason in skipped.items() if reason in WITHDRAWN}
    kept_back = {index: reason for index, reason in withdrawn.items() if skipped.get(index) is not Reason.NAME}
    return told == kept_back
