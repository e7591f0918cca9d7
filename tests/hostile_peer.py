"""Peers with a valid certificate, and some with the right code and key too, that keep no rule; and Bob's door for them to knock at."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from countersign.base import limits
from countersign.seal.code import code_proof
from countersign.seal.keys import KeyRing, new_salt, stretch
from countersign.seal.keytext import new_key
from countersign.seal.stream import Sealer, Stream
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.transfer.reception import Reception
from countersign.transport.addresses import Address
from countersign.transport.dialing import connect
from countersign.transport.link import LinkLostError
from countersign.transport.tls import TlsLink
from countersign.wire import messages as m
from countersign.wire.frames import FrameReader, encode_frame
from tests.patched import patched
from tests.transfers import Couple, Heard
from tests.waiting import wait_until


class HostilePeer:
    """A peer that says what it likes: no state table, no cap."""

    def __init__(self, link: TlsLink) -> None:
        self.link = link
        self._reader = FrameReader(lambda _kind: 1 << 30)
        self._inbox: list[m.Message] = []

    def say(self, message: m.Message) -> None:
        header, body = encode_frame(message)
        self.raw(header + bytes(body))

    def raw(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            count = self.link.try_send(view)
            view = view[count:]
            if not count:
                self.link.wait(1.0, write=True)

    def hear(self) -> m.Message:
        """The next message that is not `waiting`. Raises LinkLostError at the end."""
        buffer = bytearray(65536)

        def look() -> Any:
            if not self._inbox:
                self.link.wait(0.5)
                self._inbox += self._reader.feed(memoryview(buffer)[: self.link.try_receive(memoryview(buffer))])
            while self._inbox:
                message = self._inbox.pop(0)
                if not isinstance(message, m.Waiting):
                    return message
            return None

        message: m.Message = wait_until(look, 30, "a message")
        return message

    def last_word(self) -> str:
        """The code of the stop that ends the session; empty where it just ends."""
        try:
            while True:
                message = self.hear()
                if isinstance(message, m.Stop):
                    return message.code
        except LinkLostError:
            return ""


@dataclass
class Scene:
    """Bob's reception with a hostile Alice before it. His person types `key` and accepts, unless told to sit still."""

    couple: Couple
    heard: Heard
    reception: Reception
    port: int = 0
    key: str = ""
    types_key: bool = True
    decides: bool = True

    def answer(self, status: st.Status) -> None:
        """What Bob's person does."""
        if isinstance(status, st.NeedKey) and self.types_key:
            self.reception.answers.key.give(self.key)
        elif isinstance(status, st.NeedDecision) and self.decides:
            self.reception.answers.decision.give(Decision(True))

    def forget(self) -> None:
        """Drops what was heard but for the code: each end holds on to what its transfer had in memory."""
        with self.heard.changed:
            self.heard.statuses[:] = self.heard.all(st.Listening)[-1:]

    def enter(self) -> HostilePeer:
        alice = self.couple.alice.device
        return HostilePeer(connect(Address("127.0.0.1", self.port), alice.identity, alice.peers.all(), lambda: False))

    def greeted(self) -> tuple[HostilePeer, bytes, bytes]:
        hostile = self.enter()
        theirs = hostile.hear()
        assert isinstance(theirs, m.Hello)
        own = b"n" * 32
        hostile.say(m.Hello([1], own))
        return hostile, theirs.nonce, own

    def proof(self, theirs: bytes, own: bytes, code: str | None = None) -> m.CodeProof:
        alice, bob = self.couple.alice.device.identity.id, self.couple.bob.device.identity.id
        return m.CodeProof(code_proof(code or self.heard.all(st.Listening)[-1].code, theirs, own, alice, bob))

    def admit(self) -> HostilePeer:
        hostile, theirs, own = self.greeted()
        hostile.say(self.proof(theirs, own))
        assert hostile.hear() == m.CodeAccepted()
        return hostile


@contextlib.contextmanager
def bobs_door(couple: Couple) -> Iterator[Scene]:
    """Bob waits for one after another. At the end nothing may be published and nothing written outside his home."""
    heard = Heard()
    reception = couple.bob.reception(couple.into, "127.0.0.1", 0, heard.report, keep_listening=True)
    scene = Scene(couple, heard, reception)
    heard.on_status = scene.answer
    thread = threading.Thread(target=reception.run, name="bob", daemon=True)
    with patched(limits, REFUSAL_SECONDS=0.01, REJOIN_SECONDS=0.2):
        thread.start()
        try:
            scene.port = heard.wait(st.Listening).port
            yield scene
        finally:
            reception.controls.cancel()
            thread.join(30)
            assert not thread.is_alive()
    assert couple.visible() == []
    assert not [path for path in couple.root.iterdir() if path.name not in ("alice", "bob", "Desktop")]


@dataclass
class Sending:
    """A hostile sender that has been let in, with the means to seal."""

    hostile: HostilePeer
    ring: KeyRing
    salt: bytes

    def begin(self) -> None:
        self.hostile.say(m.Offer(self.ring.transfer_id, self.salt))

    def offer(self, files: int, total: int, entries: int, name: str = "folder") -> None:
        """The offer and its summary, to which the person types the key."""
        self.begin()
        self.summary({"name": name, "files": files, "bytes": total, "entries": entries})

    def summary(self, fields: object) -> None:
        token = Sealer(self.ring, Stream.MANIFEST).seal(0, False, [msgspec.msgpack.encode(fields)], 1)
        self.hostile.say(m.Sealed(m.Kind.MANIFEST, token))

    def manifest(self, entries: object) -> None:
        """The whole list, once the key was accepted."""
        assert self.hostile.hear() == m.KeyAccepted()
        token = Sealer(self.ring, Stream.MANIFEST).seal(1, True, [msgspec.msgpack.encode(entries)], 1)
        self.hostile.say(m.Sealed(m.Kind.MANIFEST, token))


def sending(scene: Scene) -> Sending:
    hostile = scene.admit()
    scene.key, salt = new_key(), new_salt()
    ids = scene.couple.alice.device.identity.id, scene.couple.bob.device.identity.id
    return Sending(hostile, KeyRing(stretch(scene.key, salt), new_salt(), *ids), salt)


def file(name: str, size: int = 3, parent: int = -1) -> list[object]:
    return [1, parent, name, size, 0, ""]
