"""The receiver's session: from the offer of a peer that has proven the code to a published folder and a signed receipt.

It has three phases, each an object: `opening` asks for the key, `deciding` shows the list, `target.intake` receives
what was accepted. A lost connection loses nothing: on the next one the offer is opened again, the list must be the
same, and the intake continues.
"""

from __future__ import annotations

from pathlib import Path

from countersign.base import limits
from countersign.base.errors import (
    Cancelled,
    CancelledMidway,
    Interrupted,
    PeerSilent,
    Problem,
    ProtocolProblem,
    TookTooLong,
)
from countersign.base.printable import printable
from countersign.pack.manifest import Manifest, ManifestReader
from countersign.session.answers import Answers
from countersign.session.channel import Channel
from countersign.session.controls import Controls
from countersign.session.device import Device
from countersign.session.renewing import take_renewal
from countersign.session.stats import RECEIVERS, Stats
from countersign.session.status import OfferOpened, Reconnecting, Report
from countersign.target.intake import Intake
from countersign.target.recovery import Recovered, close_all
from countersign.transfer.deciding import Deciding
from countersign.transfer.opening import Opened, Opening
from countersign.transfer.returning import WayBack
from countersign.transport.link import LinkLostError
from countersign.trust.peers import Peer
from countersign.wire.messages import Kind

_THANKS_SECONDS = limits.THANKS_SECONDS


class ReceivingSession:
    """One receiving. `run` blocks one thread until it has ended; other threads use `way_back`."""

    def __init__(
        self, device: Device, peer: Peer, into: Path, controls: Controls, answers: Answers, report: Report
    ) -> None:
        self.peer = peer
        self.way_back = WayBack()
        self._device = device
        self._controls = controls
        self._report = report
        self._stats = Stats(RECEIVERS)
        self._opening = Opening(device, peer, answers, report)
        self._deciding = Deciding(device, peer, into, answers, report)
        self._recovered: list[Recovered] = []
        self._shown: Manifest | None = None  # the list that the person sees or has accepted
        self._intake: Intake | None = None  # set once the offer is accepted
        self._bytes_before = 0  # of lost connections

    def run(self, channel: Channel) -> None:
        """Receives. Reports Done, or tells the peer the problem and raises it."""
        last: Problem = Interrupted()
        connection = _Connection(channel)
        try:
            self._run(connection)
        except Problem as problem:
            last = seen = self._as_seen_here(problem)
            connection.channel.end(seen)
            if self._intake is not None:
                self._intake.end(seen)
            raise seen from problem
        except BaseException:
            connection.channel.end(Cancelled())
            if self._intake is not None:
                self._intake.close()
            raise
        finally:
            close_all(self._recovered)
            self.way_back.close(last)

    def _as_seen_here(self, problem: Problem) -> Problem:
        if self._intake is None:
            return problem
        if type(problem) is Cancelled:
            return CancelledMidway()
        return Interrupted() if isinstance(problem, TookTooLong) else problem

    @property
    def _is_published(self) -> bool:
        return self._intake is not None and self._intake.is_published

    def _run(self, connection: _Connection) -> None:
        while True:
            channel = connection.channel
            self.way_back.over(channel)
            try:
                self._transfer(connection)
            except LinkLostError as lost:
                if self._opening.key is None:
                    raise PeerSilent from lost
                self._bytes_before += channel.wire_bytes
                channel.close()
                again = self._wait_for_sender()
                if again is None:
                    if self._is_published:
                        self._tell_done(connection, 0)  # all is here; only the peer does not know
                        return
                    raise (Interrupted if self._intake is not None else PeerSilent)() from lost
                connection.channel = again
            except Problem as problem:
                if not self._is_published:
                    raise
                channel.end(self._as_seen_here(problem))
                self._tell_done(connection, channel.wire_bytes)  # too late: all is published here
                return
            else:
                self._tell_done(connection, channel.wire_bytes)
                return

    def _wait_for_sender(self) -> Channel | None:
        def goes_on() -> bool:
            if self._controls.cancelled and not self._is_published:
                raise Cancelled
            return not self._controls.cancelled

        patience = limits.REJOIN_SECONDS if not self._is_published else _THANKS_SECONDS
        return self.way_back.wait(patience, goes_on, lambda left: self._report(Reconnecting(left)))

    def _transfer(self, connection: _Connection) -> None:
        channel = connection.channel
        opened = connection.opened = self._opening.run(channel)
        self.way_back.knows(opened.ring)
        take_renewal(self._device, self.peer, opened.summary.renewal, self._report)
        if self._shown is None:
            summary = opened.summary
            self._report(OfferOpened(self.peer.name, printable(summary.name), summary.files, summary.bytes))
        manifest = _read_manifest(channel, opened)
        if self._shown is not None and not self._shown.same_as(manifest):
            raise ProtocolProblem  # only the list that the person sees or has accepted can continue
        self._shown = manifest
        if self._intake is None:
            accepted = self._deciding.run(channel, opened.summary.name, manifest, self._recovered)
            self._intake = Intake(
                self._device, self.peer, accepted, self._recovered, self._controls, self._stats, self._report
            )
        self._intake.run(channel, opened.ring, self.way_back.forget_earlier)

    def _tell_done(self, connection: _Connection, wire_bytes: int) -> None:
        assert self._intake is not None
        assert connection.opened is not None
        done = self._intake.done(connection.opened.ring, self._bytes_before + wire_bytes)
        self._report(self._stats.status())
        self._report(done)


class _Connection:
    """The current connection, and the last opened offer."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.opened: Opened | None = None


def _read_manifest(channel: Channel, opened: Opened) -> Manifest:
    summary = opened.summary
    builder = ManifestReader(summary.entries, summary.files, summary.bytes)
    while not opened.reader.ended:
        builder.add_batch(opened.reader.read(channel.expect_sealed(Kind.MANIFEST).token))
    return builder.finish()
