"""The receiver's part of the ritual: the key that was read aloud opens the offer."""

from __future__ import annotations

from dataclasses import dataclass

from countersign.base import limits
from countersign.base.errors import BadKey, DeclinedHere, KeyRefused, ProtocolProblem, SealBroken
from countersign.pack.summary import Summary, decode_summary
from countersign.seal.keys import KeyRing, stretch
from countersign.seal.keytext import parse_key
from countersign.seal.stream import Stream, StreamReader
from countersign.session.answers import Answers, ask
from countersign.session.background import Background
from countersign.session.channel import Channel
from countersign.session.device import Device
from countersign.session.status import KeyChecking, KeyWrong, NeedKey, OfferSeen, Report
from countersign.trust.peers import Peer
from countersign.wire.messages import KeyAccepted, KeyRefused as KeyRefusedMessage, Kind, Offer


@dataclass(frozen=True)
class RightKey:
    """The master of the right key; it also opens the offers of later connections."""

    master: bytes
    salt: bytes


@dataclass(frozen=True)
class Opened:
    """An opened offer: its manifest follows under the same reader."""

    ring: KeyRing
    reader: StreamReader
    summary: Summary


class Opening:
    """Asks for the key once, and opens each connection's offer. The session's thread uses it."""

    def __init__(self, device: Device, peer: Peer, answers: Answers, report: Report) -> None:
        self.key: RightKey | None = None  # set once it has opened an offer
        self._device = device
        self._peer = peer
        self._answers = answers
        self._report = report

    def run(self, channel: Channel) -> Opened:
        """Receives and opens an offer. Raises KeyRefused, DeclinedHere, ProtocolProblem, and what a channel raises."""
        offer = channel.expect(Offer, limits.PERSON_SECONDS)
        token = bytes(channel.expect_sealed(Kind.MANIFEST).token)
        if self.key is None:
            self._report(OfferSeen(self._peer.name))
            self.key, opened = self._ask(channel, offer, token)
        elif offer.salt != self.key.salt:
            raise ProtocolProblem
        else:
            opened = self._open(self.key, offer, token)
        channel.send(KeyAccepted())
        return Opened(opened.ring, opened.reader, decode_summary(opened.payload))

    def _ask(self, channel: Channel, offer: Offer, token: bytes) -> tuple[RightKey, _First]:
        tries = limits.KEY_TRIES
        while True:
            self._report(NeedKey(tries))
            try:
                text = parse_key(ask(channel, self._answers.key, self._look_for_no))
            except BadKey:
                self._report(KeyWrong(tries, slip=True))
                continue
            self._report(KeyChecking())
            job = Background(lambda text=text: stretch(text, offer.salt), "stretching")  # type: ignore[misc]
            key = RightKey(channel.wait_for(job), offer.salt)
            try:
                return key, self._open(key, offer, token)
            except SealBroken:
                tries -= 1
                channel.send(KeyRefusedMessage(tries))
                self._report(KeyWrong(tries))
                if not tries:
                    raise KeyRefused from None

    def _look_for_no(self) -> None:
        """Lets the person decline without typing a key."""
        early = self._answers.decision.look()
        if early is not None and not early.accept:
            raise DeclinedHere

    def _open(self, key: RightKey, offer: Offer, token: bytes) -> _First:
        ring = KeyRing(key.master, offer.transfer_id, self._peer.id, self._device.identity.id)
        reader = StreamReader(ring, Stream.MANIFEST)
        return _First(ring, reader, reader.read(token))


@dataclass(frozen=True)
class _First:
    """The opened first sealed frame."""

    ring: KeyRing
    reader: StreamReader
    payload: memoryview
