"""The receiver's last part: sends hashes, gets the verdict, publishes once, exchanges the receipt's signatures.

It outlives the connection on which it began. The session's thread uses it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from countersign.base import limits
from countersign.base.errors import ContentDiffers, ProtocolProblem
from countersign.pack.arrival import Arrival, decode_verdict, encode, runs
from countersign.pack.payload import decoded
from countersign.receipts.format import Countersignature, Notice, check_signature, time_text
from countersign.receipts.writing import Draft, add_countersignature
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Stream, StreamReader, StreamWriter
from countersign.session.background import paced
from countersign.session.channel import Channel
from countersign.session.device import Device
from countersign.target.publishing import Published
from countersign.target.settling import Completion, ReceiptMaker
from countersign.target.staging import Staging
from countersign.transport.link import LinkLostError
from countersign.trust.peers import Peer
from countersign.wire.messages import Kind, Role, Sealed

log = logging.getLogger(__name__)
_ROUNDS = limits.DIFFER_ROUNDS


class Conclusion:
    """The receiver's steps after all packs have arrived."""

    def __init__(self, device: Device, peer: Peer, staging: Staging, into: Path, name: str, tell_renamed: bool) -> None:
        self.published: Published | None = None
        self.receipts = ReceiptMaker(device, peer, staging, name)
        self._device = device
        self._peer = peer
        self._staging = staging
        self._into = into
        self._tell_renamed = tell_renamed
        self._differed: set[int] = set()
        self._rounds = 0

    def run(self, channel: Channel, ring: KeyRing, meanwhile: Callable[[], None]) -> None:
        """Concludes over this connection. Calls `meanwhile` often.

        Raises LinkLostError if the connection is lost or files must be sent again, ContentDiffers if that did not help,
        DiskProblem, SealBroken, ProtocolProblem, and what `meanwhile` raises.
        """
        time = time_text(self._device.local_time())
        if self.published is not None:  # on an earlier connection, but the sender did not learn of it
            self._compare(channel, ring, time)
            draft = self.receipts.draft(ring, time, paced(meanwhile))
        else:
            draft = self._publish(channel, ring, time, meanwhile)
        self._exchange_signatures(channel, ring, draft, time)

    def _publish(self, channel: Channel, ring: KeyRing, time: str, meanwhile: Callable[[], None]) -> Draft:
        completion = Completion(self._staging, lambda check: self.receipts.draft(ring, time, check))
        try:
            completion.wait(meanwhile)
            self._compare(channel, ring, time)
            completion.publish(self._into, self._device.own, meanwhile)
            return completion.take_draft(meanwhile) or self.receipts.draft(ring, time, paced(meanwhile))
        finally:
            self.published = completion.published
            completion.discard()

    def _compare(self, channel: Channel, ring: KeyRing, time: str) -> None:
        """Sends the hashes, and receives the verdict."""
        staging = self._staging
        writer, now = StreamWriter(ring, Stream.HASHES), int(self._device.now())
        channel.send(Sealed(Kind.HASHES, writer.write(encode(Arrival(time)), False, now)))
        for run in runs(staging.manifest, staging.holdings.skipped, staging.holdings.digests):
            last = run.upto == len(staging.manifest)
            channel.send(Sealed(Kind.HASHES, writer.write(encode(run), last, now)))
        reader = StreamReader(ring, Stream.VERDICT)
        payload = reader.read(channel.expect_sealed(Kind.VERDICT, limits.HASHING_SECONDS).token)
        differing = decode_verdict(payload, staging.manifest, staging.holdings.skipped)
        if not reader.ended or (differing and self.published is not None):
            raise ProtocolProblem
        if differing:
            self._send_again(differing)

    def _send_again(self, differing: list[int]) -> None:
        """Drops files that differ: they have not arrived, and come again over a new connection."""
        self._staging.drop(differing)
        self._rounds += 1
        if self._rounds == _ROUNDS or not self._differed.isdisjoint(differing):
            raise ContentDiffers(count=len(differing))
        self._differed.update(differing)
        raise LinkLostError

    def _exchange_signatures(self, channel: Channel, ring: KeyRing, draft: Draft, time: str) -> None:
        assert self.published is not None
        digest, now = draft.digest, int(self._device.now())
        signature = self.receipts.keep(draft, ring, self.published)
        notice = Notice(time, signature, self._tell_renamed and bool(self.published.renamed))
        writer = StreamWriter(ring, Stream.RECEIPT)
        channel.send(Sealed(Kind.RECEIPT, writer.write(msgspec.msgpack.encode(notice), True, now)))
        reader = StreamReader(ring, Stream.THANKS)
        payload = reader.read(channel.expect_sealed(Kind.THANKS, limits.REJOIN_SECONDS).token)
        theirs = decoded(payload, Countersignature).signature
        if not reader.ended:
            raise ProtocolProblem
        check_signature(self._peer.certificate, Role.SENDER, digest, theirs)
        self._add(theirs)

    def _add(self, signature: bytes) -> None:
        receipt = self.receipts.receipt
        assert receipt is not None
        try:
            add_countersignature(receipt, signature)
        except OSError as error:  # moved away, or no room: the receipt is valid without it
            log.info("the countersignature could not be added: %s", error.strerror)

    def keep_receipt(self, ring: KeyRing) -> None:
        """Keeps a receipt if the sender left before it could get one. Raises DiskProblem."""
        if self.receipts.receipt is None and self.published is not None:
            time = time_text(self._device.local_time())
            self.receipts.keep(self.receipts.draft(ring, time), ring, self.published)
