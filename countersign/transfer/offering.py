"""The sender's part of the ritual: proves the spoken code, and offers its files under a key."""

from __future__ import annotations

import time
from dataclasses import dataclass

from countersign.base import limits
from countersign.base.errors import BadCode, CodeRefused, ProtocolProblem
from countersign.pack.manifest import Manifest
from countersign.pack.summary import Summary, encode_summary
from countersign.seal.code import code_proof, parse_code
from countersign.seal.keys import KeyRing, new_salt
from countersign.seal.keytext import grouped, spelled
from countersign.seal.stream import Stream, StreamWriter
from countersign.session.answers import Answers, ask
from countersign.session.channel import Channel
from countersign.session.device import Device
from countersign.session.greeting import Nonces
from countersign.session.renewing import renewal_told
from countersign.session.status import CodeWrong, KeyShown, KeyWrong, NeedCode, Note, Report, WaitingFor
from countersign.trust.peers import Peer
from countersign.wire.messages import (
    CodeAccepted,
    CodeProof,
    CodeRefused as CodeRefusedMessage,
    KeyAccepted,
    KeyRefused as KeyRefusedMessage,
    Kind,
    Offer,
    Sealed,
)


def prove_code(channel: Channel, nonces: Nonces, device: Device, peer: Peer, answers: Answers, report: Report) -> None:
    """Asks the person for the code until the receiver accepts one. Raises CodeRefused, and what a channel raises."""
    tries = limits.CODE_TRIES
    while True:
        answers.code.forget()
        report(NeedCode(tries))
        try:
            code = parse_code(ask(channel, answers.code))
        except BadCode as problem:  # a typing error that the face let through uses no try
            report(Note(str(problem)))
            continue
        channel.send(CodeProof(code_proof(code, nonces.receiver, nonces.sender, device.identity.id, peer.id)))
        verdict = channel.receive()
        if isinstance(verdict, CodeAccepted):
            return
        if not isinstance(verdict, CodeRefusedMessage):
            raise ProtocolProblem
        tries = verdict.tries_left
        report(CodeWrong(tries, peer.name))
        if not tries:
            raise CodeRefused


@dataclass(frozen=True)
class Spoken:
    """The key of a session and its master; the same on every connection."""

    key: str
    salt: bytes
    master: bytes


class Offering:
    """The offer of one session, repeated on every connection with a new ring. The session's thread uses it."""

    def __init__(
        self, device: Device, peer: Peer, spoken: Spoken, manifest: Manifest, name: str, report: Report
    ) -> None:
        self.ring: KeyRing | None = None  # of the last accepted offer: the receiver recognises us by it
        self._device = device
        self._peer = peer
        self._spoken = spoken
        self._manifest = manifest
        self._name = name
        self._report = report

    def run(self, channel: Channel) -> tuple[KeyRing, StreamWriter]:
        """Offers, and waits until the peer opens it with the key. Returns the ring and the writer for the manifest."""
        again = self.ring is not None
        ring = KeyRing(self._spoken.master, new_salt(), self._device.identity.id, self._peer.id)
        writer = StreamWriter(ring, Stream.MANIFEST)
        channel.send(Offer(ring.transfer_id, self._spoken.salt))
        channel.send(Sealed(Kind.MANIFEST, writer.write(self._summary(), False, int(self._device.now()))))
        if not again:
            self._report(KeyShown(grouped(self._spoken.key), spelled(self._spoken.key)))
            self._report(WaitingFor("key"))
        self._hear_about_key(channel)
        self.ring = ring
        if not again:
            self._report(WaitingFor("answer"))
        return ring, writer

    def _summary(self) -> bytes:
        manifest = self._manifest
        return encode_summary(
            Summary(self._name, manifest.files, manifest.bytes, len(manifest), renewal_told(self._device))
        )

    def _hear_about_key(self, channel: Channel) -> None:
        deadline = time.monotonic() + limits.PERSON_SECONDS * 2
        while True:
            verdict = channel.receive(deadline - time.monotonic())
            if isinstance(verdict, KeyAccepted):
                return
            if not isinstance(verdict, KeyRefusedMessage):
                raise ProtocolProblem
            self._report(KeyWrong(verdict.tries_left))


def sendable(name: str) -> str:
    """A folder name made encodable and cut to fit its field."""
    return name.encode("utf-8", "replace").decode()[:255]
