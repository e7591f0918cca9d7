"""Shows the receiver's person the list, gets the decision, and makes the staging folder for what was accepted."""

from __future__ import annotations

import os
from pathlib import Path

from countersign.base.errors import DeclinedHere, NotEnoughSpace, PeerForgotten
from countersign.base.figures import size_text
from countersign.base.printable import printable
from countersign.base.refusals import disk_errors
from countersign.pack.manifest import Manifest
from countersign.pack.reason_texts import TEXTS
from countersign.pack.reasons import Reason
from countersign.places.targets import check_target
from countersign.session.answers import Answers, ask
from countersign.session.background import paced
from countersign.session.channel import Channel
from countersign.session.device import Device
from countersign.session.proposal import Decision, Proposal
from countersign.session.status import NeedDecision, Report, WaitingFor
from countersign.target.intake import Accepted
from countersign.target.journal import VERSION, About, Journal
from countersign.target.placing import choose_staging
from countersign.target.proposing import propose
from countersign.target.recovery import Recovered, close_all, look_for
from countersign.target.staging import Staging
from countersign.trust.peers import Peer


class Deciding:
    """Makes one decision. The session's thread uses it."""

    def __init__(self, device: Device, peer: Peer, into: Path, answers: Answers, report: Report) -> None:
        """into: the target folder, unless the person chooses another."""
        self._device = device
        self._peer = peer
        self._into = into
        self._answers = answers
        self._report = report

    def run(self, channel: Channel, name: str, manifest: Manifest, recovered: list[Recovered]) -> Accepted:
        """Asks the person, and makes the staging folder.

        name: of the whole, as sent. recovered: filled with what earlier tries left here.
        Raises DeclinedHere, PeerForgotten, NotEnoughSpace, DiskProblem, and what a channel raises.
        """
        self._report(WaitingFor("check"))
        close_all(recovered)
        shown = printable(name)
        recovered += look_for(
            manifest, shown, self._device.transfers, self._peer.person.hex(), paced(channel.nothing_said)
        )
        with disk_errors(self._into):
            proposal = propose(self._peer.name, shown, manifest, self._into, recovered)
        self._report(NeedDecision(proposal))
        decision = ask(channel, self._answers.decision)
        self._check(proposal, decision)
        return self._begin(name, proposal, decision)

    def _check(self, proposal: Proposal, decision: Decision) -> None:
        if not decision.accept:
            raise DeclinedHere
        if self._device.peers.by_id(self._peer.id) is None:
            raise PeerForgotten(name=self._peer.name)
        if not proposal.fits:
            raise NotEnoughSpace(
                path=self._into,
                needed=size_text(proposal.bytes_to_come + proposal.records),
                free=size_text(proposal.free),
            )

    def _begin(self, name: str, proposal: Proposal, decision: Decision) -> Accepted:
        """After acceptance: from here on, we write to the disk."""
        into, manifest = decision.into or self._into, proposal.manifest
        check_target(self._device.own, into)
        unwanted = dict.fromkeys(decision.unwanted, Reason.UNWANTED)
        for index, text in proposal.impossible.items():
            unwanted[index] = Reason.LINKS if text == TEXTS[Reason.LINKS] else Reason.NAME
        with disk_errors(into):
            into.mkdir(parents=True, exist_ok=True)
            path = choose_staging(into, self._device.state)
            journal = Journal.begin(self._device.transfers, self._about(proposal, into, path), manifest)
            staging = Staging(manifest, path, journal, unwanted)
        return Accepted(staging, into, name, dict(proposal.impossible), decision.tell_renamed)

    def _about(self, proposal: Proposal, into: Path, staging: Path) -> About:
        manifest = proposal.manifest
        return About(
            version=VERSION,
            peer=self._peer.person.hex(),
            peer_name=self._peer.name,
            name=proposal.name,
            into=os.fsencode(into),
            staging=os.fsencode(staging),
            began=self._device.now(),
            entries=len(manifest),
            files=manifest.files,
            bytes=manifest.bytes,
        )
