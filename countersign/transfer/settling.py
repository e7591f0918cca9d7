"""The end of a receiving: published once, and told in a signed receipt. It outlives the connection on which it began."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from countersign.errors import DiskProblem
from countersign.pack.manifest import TOP
from countersign.seal.keys import KeyRing
from countersign.transfer.device import Background, Device
from countersign.transfer.publishing import Published, publish
from countersign.transfer.receipt_writing import Draft, receipt_stem
from countersign.transfer.receipts import FORMAT, Header, Line, entry_line
from countersign.transfer.staging import Staging
from countersign.trust.peers import Peer

_LOOK = 0.05


class Settlement:
    """What happens once all packs are there. The receipt is written while the disk is busy, and signed once all is published."""

    def __init__(self, device: Device, peer: Peer, staging: Staging, into: Path, ring: KeyRing, name: str) -> None:
        self.published: Published | None = None
        self.receipt: Path | None = None
        self._device = device
        self._peer = peer
        self._staging = staging
        self._into = into
        self._name = name
        self._drafting: Background[Draft] | None = None
        self._job = Background(lambda: self._publish(ring), "publishing")

    def _publish(self, ring: KeyRing) -> Published:
        self._staging.complete_tree()
        self._drafting = Background(lambda: self._draft(ring, Published()), "drafting")
        try:
            self._staging.sync()
            return publish(self._staging, self._into, self._device.own)
        except BaseException:
            self._discard_draft()
            raise

    def settle(self, meanwhile: Callable[[], None]) -> None:
        """Waits until it is published, calling `meanwhile` again and again.

        Once begun it is never left half-way, whatever `meanwhile` raises. Raises that, or DiskProblem.
        """
        try:
            while not self._job.ended(_LOOK):
                meanwhile()
        finally:
            self.published = self._job.result()

    def write_receipt(self, ring: KeyRing) -> Path:
        """Writes the receipt for this transfer id. One a transfer: a rejoin has a new id, and the sender keeps that one."""
        published = self.published
        assert published is not None
        draft = self._draft_for(ring, published) or self._draft(ring, published)
        if self.receipt is not None:
            self.receipt.unlink(missing_ok=True)
        stem = receipt_stem(self._device.local_time(), self._peer.name, ring.transfer_id)
        self.receipt = draft.sign(self._device.identity.sign, stem)
        return self.receipt

    def _draft(self, ring: KeyRing, published: Published) -> Draft:
        staging = self._staging
        header = Header(
            format=FORMAT,
            transfer_id=ring.transfer_id.hex(),
            time=self._device.local_time().isoformat(timespec="seconds"),
            name=self._name,
            sender=self._peer.id.hex(),
            receiver=self._device.identity.id.hex(),
            certificate=self._device.identity.pem.decode(),
            files=staging.files_done,
            bytes=staging.bytes_done,
            skipped=len(staging.skipped),
        )
        return Draft(self._device.receipts, header, _lines(staging, published))

    def _draft_for(self, ring: KeyRing, published: Published) -> Draft | None:
        """The one that was written meanwhile, if it still says the truth."""
        drafting, self._drafting = self._drafting, None
        if drafting is None:
            return None
        try:
            draft = drafting.result()
        except DiskProblem:  # where there is still no room for it, the next try says so
            return None
        if draft.header.transfer_id == ring.transfer_id.hex() and not published.renamed:
            return draft
        draft.discard()
        return None

    def _discard_draft(self) -> None:
        drafting, self._drafting = self._drafting, None
        if drafting is None:
            return
        with contextlib.suppress(DiskProblem):  # there is none, then
            drafting.result().discard()


def _lines(staging: Staging, published: Published) -> Iterator[Line]:
    for index in range(len(staging.manifest)):
        digest = bytes(staging.digests[32 * index : 32 * index + 32])
        other = published.renamed.get(staging.manifest.names[index]) if staging.manifest.parents[index] == TOP else None
        yield entry_line(staging.manifest, index, digest, staging.skipped.get(index), other)
