"""The sender's session: from an address and a folder to a receipt."""

from __future__ import annotations

from countersign.base.errors import Cancelled, CancelledMidway, Interrupted, PeerCancelled, Problem
from countersign.seal.keys import new_salt, stretch
from countersign.seal.keytext import new_key
from countersign.session.answers import Answers
from countersign.session.background import Background
from countersign.session.channel import Channel
from countersign.session.controls import Controls
from countersign.session.device import Device
from countersign.session.stats import LISTING, SENDERS, Stats
from countersign.session.status import Connected, Failed, Ready, Report, Scanning, WaitingFor
from countersign.source.delivery import Delivery
from countersign.source.scanning import Scan, scan_selection
from countersign.source.selection import Selection
from countersign.transfer.connections import Connect, Connections, not_found, patience_of
from countersign.transfer.offering import Offering, Spoken, prove_code, sendable
from countersign.transport.link import LinkLostError
from countersign.trust.peers import Peer

_FIRST_LOOK = 0.3  # reports an empty or unreadable folder before we connect


class SendingSession:
    """One sending. `run` blocks until it has ended; any thread may use `controls` and `answers`."""

    def __init__(self, device: Device, selection: Selection, connect: Connect, report: Report) -> None:
        self.controls = Controls()
        self.answers = Answers(self.controls)
        self._device = device
        self._selection = selection
        self._report = report
        self._stats = Stats(SENDERS)
        self._connections = Connections(device, connect, self.controls, report)
        self._delivery: Delivery | None = None

    def run(self) -> None:
        """Sends. Reports every end: Done or Failed."""
        try:
            self._run()
        except Problem as problem:
            self._fail(self._as_seen_here(problem))
        except LinkLostError as lost:
            self._fail(lost.problem or not_found(self._is_moving))
        except BaseException:
            self._connections.end(Cancelled())
            raise

    def _fail(self, problem: Problem) -> None:
        self._connections.end(problem)
        self._report(Failed(problem))

    @property
    def _is_moving(self) -> bool:
        return self._delivery is not None and self._delivery.is_answered

    def _as_seen_here(self, problem: Problem) -> Problem:
        if self._is_moving and isinstance(problem, Cancelled):
            return CancelledMidway()
        if self._is_moving and isinstance(problem, PeerCancelled):
            return Interrupted()
        return problem

    def _run(self) -> None:
        self._report(Scanning(0, 0))
        scanning = Background(self._scan, "scanning")
        salt, key = new_salt(), new_key()
        stretching = Background(lambda: stretch(key, salt), "stretching")
        if scanning.ended(_FIRST_LOOK):
            scanning.result()
        self._report(WaitingFor("connection"))
        channel, nonces, peer = self._connections.open()
        self._report(Connected(peer.name))
        prove_code(channel, nonces, self._device, peer, self.answers, self._report)
        scan = channel.wait_for(scanning)
        told = tuple(scan.skipped), scan.left_out, tuple(scan.keys), tuple(scan.inexact)
        self._report(Ready(scan.manifest.files, scan.manifest.bytes, *told))
        self._deliver(channel, peer, scan, Spoken(key, salt, channel.wait_for(stretching)))

    def _scan(self) -> Scan:
        def on_progress(files: int, size: int) -> None:
            self._report(Scanning(files, size))

        with self._stats.working(LISTING):
            return scan_selection(self._selection, on_progress, lambda: self.controls.cancelled, self._device.own)

    def _deliver(self, channel: Channel, peer: Peer, scan: Scan, spoken: Spoken) -> None:
        name = sendable(self._selection.name)
        offering = Offering(self._device, peer, spoken, scan.manifest, name, self._report)
        delivery = self._delivery = Delivery(
            self._device, peer, scan, name, self._stats, self._report, self._connections.got_through
        )
        try:
            self._deliver_over_connections(channel, offering, delivery)
        except Problem as problem:
            if delivery.receipt is None:
                raise
            self._connections.end(self._as_seen_here(problem))  # too late: all is published and signed for there
        self._report(self._stats.status())
        self._report(delivery.done(self._connections.wire_bytes))

    def _deliver_over_connections(self, channel: Channel, offering: Offering, delivery: Delivery) -> None:
        while True:
            try:
                delivery.run(channel, *offering.run(channel))
                return
            except LinkLostError:
                if offering.ring is None:
                    raise  # before the key, the receiver cannot recognise us
                again = self._connections.rejoin(offering.ring, patience_of(delivery.receipt is not None))
                if again is None:
                    raise not_found(delivery.is_answered) from None
                channel = again
