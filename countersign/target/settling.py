"""Ends a receiving in two phases: completes and syncs the tree while both sides compare, then publishes it once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias, TypeVar

from countersign.base.errors import Cancelled, DiskProblem
from countersign.base.refusals import disk_errors
from countersign.places.own import OwnPlaces
from countersign.receipts.format import Here, Line, Received, header_for, lines_for, signed_bytes, text_of
from countersign.receipts.writing import Draft, receipt_stem, remove_replaced
from countersign.seal.keys import KeyRing
from countersign.session.background import Background
from countersign.session.device import Device
from countersign.target.publishing import Published, publish
from countersign.target.staging import Staging
from countersign.trust.peers import Peer
from countersign.wire.messages import Role

_LOOK = 0.05

Meanwhile: TypeAlias = Callable[[], None]
T = TypeVar("T")


class ReceiptMaker:
    """Makes the receiver's receipts: one per connection on which all was complete. Only the last is kept."""

    def __init__(self, device: Device, peer: Peer, staging: Staging, name: str) -> None:
        self.receipt: Path | None = None
        self._device = device
        self._peer = peer
        self._staging = staging
        self._name = name

    def draft(self, ring: KeyRing, time: str, check: Meanwhile = lambda: None) -> Draft:
        """Writes all lines. Calls `check` for each; it may raise. Raises DiskProblem."""
        staging, certificates = self._staging, (self._peer.pem, self._device.identity.pem.decode())
        header = header_for(
            staging.manifest, self._name, ring.transfer_id, time, staging.holdings.skipped, certificates
        )
        return Draft(self._device.receipts, header, self._checked(check))

    def _checked(self, check: Meanwhile) -> Iterator[Line]:
        for line in lines_for(self._staging.manifest, self._staging.holdings.skipped, self._staging.holdings.digests):
            check()
            yield line

    def keep(self, draft: Draft, ring: KeyRing, published: Published) -> bytes:
        """Signs and keeps a draft, replacing an earlier receipt. Returns the signature. Raises DiskProblem."""
        signature = self._device.identity.sign(signed_bytes(Role.RECEIVER, draft.digest))
        names = [Here(here, name) for name, here in published.renamed.items()]
        stem = receipt_stem(self._device.local_time(), self._peer.name, ring.transfer_id)
        kept = draft.keep(stem, [Received(text_of(signature)), *names])
        remove_replaced(self.receipt, kept)
        self.receipt = kept
        return signature


class Completion:
    """After the last pack: gives the tree its links and times, then syncs it and writes the receipt in parallel.

    The session's thread uses it; `publish` or `discard` ends it.
    """

    def __init__(self, staging: Staging, draft: Callable[[Meanwhile], Draft]) -> None:
        self.published: Published | None = None
        self._staging = staging
        self._draft = draft
        self._stopping = threading.Event()
        self._syncing: Background[None] | None = None
        self._drafting: Background[Draft] | None = None
        self._completing = Background(lambda: staging.complete_tree(self._check), "completing")

    def _check(self) -> None:
        if self._stopping.is_set():
            raise Cancelled

    def wait(self, meanwhile: Meanwhile) -> None:
        """Waits for the tree, then begins to sync it. Raises DiskProblem, SealBroken, and what `meanwhile` raises."""
        _wait_for(self._completing, meanwhile)
        # a separate handle, so cancelling need not wait for the disk
        root = self._staging.root.again()

        def sync() -> None:
            with root:
                root.sync()

        self._syncing = Background(sync, "syncing")
        self._drafting = Background(lambda: self._draft(self._check), "drafting")

    def publish(self, into: Path, own: OwnPlaces, meanwhile: Meanwhile) -> None:
        """Publishes the synced tree. Once begun, it runs to its end, whatever `meanwhile` raises, and sets `published`.

        Raises what `meanwhile` raises, or DiskProblem.
        """
        assert self._syncing is not None
        with disk_errors(self._staging.path):
            _wait_for(self._syncing, meanwhile)
        job = Background(lambda: publish(self._staging, into, own), "publishing")
        try:
            with contextlib.suppress(Cancelled):  # too late to cancel: the sender still learns that all is here
                _wait_for(job, meanwhile)
        finally:
            self.published = job.result()

    def take_draft(self, meanwhile: Meanwhile) -> Draft | None:
        """The receipt that was written in parallel; None if there was no room: the next try reports that."""
        while self._drafting is not None and not self._drafting.ended(_LOOK):
            meanwhile()
        return self._drafted()

    def _drafted(self) -> Draft | None:
        drafting, self._drafting = self._drafting, None
        if drafting is None:
            return None
        try:
            return drafting.result()
        except (DiskProblem, Cancelled):
            return None

    def discard(self) -> None:
        """The transfer ends, or continues with more data: stops the jobs and removes the draft."""
        self._stopping.set()
        self._completing.ended(None)
        draft = self._drafted()
        if draft is not None:
            draft.discard()


def _wait_for(job: Background[T], meanwhile: Meanwhile) -> None:
    """Waits for a job, calling `meanwhile` repeatedly. Raises what either raises."""
    while not job.ended(_LOOK):
        meanwhile()
    job.result()
