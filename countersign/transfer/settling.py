"""The end of a receiving: published once, and told in a signed receipt. It outlives the connection on which it began."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from countersign.pack.manifest import TOP
from countersign.seal.keys import KeyRing
from countersign.transfer.device import Background, Device
from countersign.transfer.publishing import Published, publish
from countersign.transfer.receipts import FORMAT, Header, Line, entry_line, receipt_stem, write_receipt
from countersign.transfer.staging import Staging
from countersign.trust.peers import Peer

_LOOK = 0.05


class Settlement:
    """What happens once all packs are there."""

    def __init__(self, device: Device, peer: Peer, staging: Staging, into: Path) -> None:
        self.published: Published | None = None
        self.receipt: Path | None = None
        self._device = device
        self._peer = peer
        self._staging = staging
        self._into = into
        self._job = Background(self._publish, "publishing")

    def _publish(self) -> Published:
        self._staging.finish()
        return publish(self._staging, self._into)

    def settle(self, meanwhile: Callable[[], None]) -> None:
        """Waits until it is published, calling `meanwhile` again and again.

        Once begun it is never left half-way, whatever `meanwhile` raises. Raises that, or DiskProblem.
        """
        try:
            while not self._job.ended(_LOOK):
                meanwhile()
        finally:
            self.published = self._job.result()

    def write_receipt(self, ring: KeyRing, name: str) -> Path:
        """Writes the receipt for this transfer id. One a transfer: a rejoin has a new id, and the sender keeps that one."""
        published = self.published
        assert published is not None
        now = self._device.local_time()
        staging = self._staging
        header = Header(
            format=FORMAT,
            transfer_id=ring.transfer_id.hex(),
            time=now.isoformat(timespec="seconds"),
            name=name,
            sender=self._peer.id.hex(),
            receiver=self._device.identity.id.hex(),
            certificate=self._device.identity.pem.decode(),
            files=staging.files_done,
            bytes=staging.bytes_done,
            skipped=len(staging.skipped),
        )
        if self.receipt is not None:
            self.receipt.unlink(missing_ok=True)
        stem = receipt_stem(now, self._peer.name, ring.transfer_id)
        self.receipt = write_receipt(
            self._device.receipts, header, _lines(staging, published), self._device.identity.sign, stem
        )
        return self.receipt


def _lines(staging: Staging, published: Published) -> Iterator[Line]:
    for index in range(len(staging.manifest)):
        digest = bytes(staging.digests[32 * index : 32 * index + 32])
        other = published.renamed.get(staging.manifest.names[index]) if staging.manifest.parents[index] == TOP else None
        yield entry_line(staging.manifest, index, digest, staging.skipped.get(index), other)
