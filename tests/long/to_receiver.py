"""What a hostile sender sends to a receiver: a place in the conversation, bytes, and the one word that must come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from countersign.pack.plan import Answer, encode_answer
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Sealer, Stream, StreamReader
from countersign.session import status as st
from countersign.wire import messages as m
from countersign.wire.messages import CAPS, Kind
from tests.hostile_peer import HostilePeer, Scene, Sending, file, sending
from tests.long.archives import PIECES, archive, hostile_archives, right_archive
from tests.long.breaks import bodies, frame, good_frame, lengths, out_of_place, tokens
from tests.long.lists import List, hostile_lists

ALWAYS = frozenset({Kind.WAITING, Kind.STOP})
Say = Callable[["Visit"], None]


@dataclass
class Visit:
    """Where a hostile sender is: only what the conversation has reached is set."""

    scene: Scene
    hostile: HostilePeer
    nonces: tuple[bytes, bytes] = (b"", b"")
    made: Sending | None = None

    @property
    def ring(self) -> KeyRing:
        assert self.made is not None
        return self.made.ring

    def seal(self, stream: Stream, number: int, last: bool, payload: bytes, ring: KeyRing | None = None) -> bytes:
        return bytes(Sealer(ring or self.ring, stream).seal(number, last, [payload], 1))


@dataclass(frozen=True)
class Case:
    """Sends `say` at `place`; the receiver must end with one of `words`."""

    name: str
    place: str
    say: Say
    words: frozenset[str]


# --- how to reach a place ---------------------------------------------------------------------------------------------


def _greeted(scene: Scene) -> Visit:
    hostile = scene.enter()
    hostile.hear()
    return Visit(scene, hostile)


def _code(scene: Scene) -> Visit:
    hostile, theirs, own = scene.greeted()
    return Visit(scene, hostile, (theirs, own))


def _offer(scene: Scene) -> Visit:
    made = sending(scene)
    return Visit(scene, made.hostile, made=made)


def _first_batch(scene: Scene) -> Visit:
    visit = _offer(scene)
    assert visit.made is not None
    visit.made.begin()
    return visit


def _key(scene: Scene) -> Visit:
    scene.types_key = False
    before = len(scene.heard.all(st.NeedKey))
    visit = _offer(scene)
    assert visit.made is not None
    visit.made.offer(2, 6, 2)
    scene.heard.wait(st.NeedKey, before + 1)
    return visit


def _manifest(scene: Scene) -> Visit:
    visit = _offer(scene)
    assert visit.made is not None
    visit.made.offer(4, 12, 4)
    assert visit.hostile.hear() == m.KeyAccepted()
    return visit


def _batches(scene: Scene) -> Visit:
    visit = _manifest(scene)
    _list(visit, last=False)
    return visit


def _opened(scene: Scene) -> Visit:
    """A list of two files was sent to its end."""
    visit = _offer(scene)
    assert visit.made is not None
    visit.made.offer(2, 6, 2)
    assert visit.hostile.hear() == m.KeyAccepted()
    _list(visit, last=True)
    return visit


def _answer(scene: Scene) -> Visit:
    scene.decides = False
    before = len(scene.heard.all(st.NeedDecision))
    visit = _opened(scene)
    scene.heard.wait(st.NeedDecision, before + 1)
    return visit


def _data(scene: Scene) -> Visit:
    visit = _opened(scene)
    answer = visit.hostile.hear()
    assert isinstance(answer, m.Sealed)
    StreamReader(visit.ring, Stream.ANSWER).read(answer.token)
    return visit


def _list(visit: Visit, *, last: bool) -> None:
    entries = msgspec.msgpack.encode([file("a"), file("b")])
    visit.hostile.raw(frame(Kind.MANIFEST, visit.seal(Stream.MANIFEST, 1, last, entries)))


PLACES: dict[str, tuple[Callable[[Scene], Visit], frozenset[Kind]]] = {
    "greeted": (_greeted, frozenset({Kind.HELLO})),
    "code": (_code, frozenset({Kind.CODE_PROOF, Kind.REJOIN})),
    "offer": (_offer, frozenset({Kind.OFFER})),
    "first batch": (_first_batch, frozenset({Kind.MANIFEST})),
    "key": (_key, frozenset()),
    "manifest": (_manifest, frozenset({Kind.MANIFEST})),
    "batches": (_batches, frozenset({Kind.MANIFEST})),
    "answer": (_answer, frozenset()),
    "data": (_data, frozenset({Kind.PACK})),
}


_SUMMARIES: dict[str, list[object]] = {
    "name": [None, 7, b"a", "x" * 1025, []],
    "files": [None, -1, 2**60 + 1, 2**64 - 1, "1", 1.5, True],
    "bytes": [None, -1, 2**60 + 1, 2**64 - 1, "3", 1.5],
    "entries": [None, 0, -1, 2_000_001, 10**9, 2**64 - 1, "1"],
    "renewal": [None, "x", bytes(10241)],
}


# --- the list ---------------------------------------------------------------------------------------------------------


def receiver_cases() -> Iterator[Case]:
    """Every case, in a fixed order."""
    for place, (_reach, own) in PLACES.items():
        allowed = own | ALWAYS
        for name, data in (*out_of_place(allowed), *lengths(CAPS, allowed)):
            yield _raw(place, name, data, "protocol")
        for kind in sorted(allowed):
            if kind in m.CONTROL_TYPES:
                for name, data in bodies(kind):
                    yield _raw(place, name, data, "protocol")
    yield from _before_the_offer()
    yield from _sealed("first batch", Stream.MANIFEST, 0, "key_refused")
    yield from _sealed("manifest", Stream.MANIFEST, 1, "seal")
    yield from _sealed("data", Stream.PACK, 0, "seal")
    for listed in hostile_lists():
        yield Case(f"offer: {listed[0]}", "offer", _listing(listed), frozenset({"offer"}))
    for name, junk in {"no bytes": b"", "nil": b"\xc0", "a map": b"\x80", "deep": b"\x91" * 2000, "cut": b"\x92\x96",
                       "a promise of 2^32-1": b"\xdd\xff\xff\xff\xff", "text that is none": b"\x91\x96\x01\xff\xa1\xff\x03\x00\xa0",
                       "a lone surrogate": b"\x91\x96\x01\xff\xa3\xed\xa0\x80\x03\x00\xa0"}.items():  # fmt: skip
        yield Case(f"manifest: a batch that is {name}", "manifest", _batch(junk), frozenset({"offer"}))
        yield Case(f"S3 a summary that is {name}", "first batch", _summary(junk), frozenset({"offer"}))
    for field, values in _SUMMARIES.items():
        for value in values:
            wrong = msgspec.msgpack.encode({"name": "x", "files": 1, "bytes": 3, "entries": 1, field: value})
            yield Case(
                f"S3 a summary with {field} = {value!r:.30}", "first batch", _summary(wrong), frozenset({"offer"})
            )
    for name, payload in hostile_archives():
        yield Case(f"data: {name}", "data", _pack(payload), frozenset({"seal"}))
    yield from _streams()


def _raw(place: str, name: str, data: bytes, *words: str) -> Case:
    return Case(f"{place}: {name}", place, lambda visit: visit.hostile.raw(data), frozenset(words))


def _before_the_offer() -> Iterator[Case]:
    for versions in ([0], [2], [2, 3, 65535]):
        body = msgspec.msgpack.encode({"versions": versions, "nonce": b"n" * 32})
        yield _raw("greeted", f"N9 versions {versions}", frame(Kind.HELLO, body), "version")
    yield _raw("code", "N7 a rejoin of a session that is not there", good_frame(Kind.REJOIN), "peer_stopped")
    yield Case("key: the list before the key", "key", lambda visit: _list(visit, last=True), frozenset({"protocol"}))
    yield Case("answer: one more batch", "answer", lambda visit: _list(visit, last=True), frozenset({"protocol"}))
    yield Case("answer: a pack before the answer", "answer", _pack(right_archive()), frozenset({"protocol"}))


def _sealed(place: str, stream: Stream, number: int, word: str) -> Iterator[Case]:
    kind = Kind.PACK if stream is Stream.PACK else Kind.MANIFEST
    payload = right_archive() if stream is Stream.PACK else msgspec.msgpack.encode([file("c"), file("d")])

    def variants(visit: Visit) -> dict[str, bytes]:
        right = visit.seal(stream, number, True, payload)
        ring = visit.ring
        others = {
            "another number": visit.seal(stream, number + 1, True, payload),
            "a number of 2^64-1": visit.seal(stream, 2**64 - 1, True, payload),
            "another transfer": visit.seal(stream, number, True, payload, _ring_of(ring, transfer_id=b"T" * 16)),
            "another key": visit.seal(stream, number, True, payload, _ring_of(ring, master=b"M" * 32)),
            "other devices": visit.seal(stream, number, True, payload, _ring_of(ring, ids=b"i" * 64)),
            **{
                f"the stream {other.name.lower()}": visit.seal(other, number, True, payload)
                for other in Stream
                if other is not stream
            },
        }
        return dict(tokens(right, others))

    for name in _variant_names(len(payload)):
        yield Case(
            f"{place}: {'S1' if 'bit' not in name else 'S2'} {name}",
            place,
            lambda visit, name=name: visit.hostile.raw(frame(kind, variants(visit)[name])),  # type: ignore[misc]
            frozenset({word}),
        )


def _ring_of(
    ring: KeyRing, master: bytes | None = None, transfer_id: bytes | None = None, ids: bytes | None = None
) -> KeyRing:
    """The ring of a sender with all but one thing right."""
    ids = ids or ring._ids
    return KeyRing(master or ring._master, transfer_id or ring.transfer_id, ids[:32], ids[32:])


def _variant_names(length: int) -> list[str]:
    size = 25 + (26 + length) // 16 * 16 + 16 + 32  # only the names matter here
    others = ["another number", "a number of 2^64-1", "another transfer", "another key", "other devices"]
    return [name for name, _token in tokens(bytes(size), dict.fromkeys(others, b""))]


def _listing(listed: List) -> Say:
    _name, entries, (files, total, count) = listed

    def say(visit: Visit) -> None:
        assert visit.made is not None
        visit.made.offer(files, total, count)
        visit.made.manifest(entries)

    return say


def _batch(payload: bytes) -> Say:
    return lambda visit: visit.hostile.raw(frame(Kind.MANIFEST, visit.seal(Stream.MANIFEST, 1, True, payload)))


def _summary(payload: bytes) -> Say:
    return lambda visit: visit.hostile.raw(frame(Kind.MANIFEST, visit.seal(Stream.MANIFEST, 0, False, payload)))


def _pack(payload: bytes) -> Say:
    return lambda visit: visit.hostile.raw(frame(Kind.PACK, visit.seal(Stream.PACK, 0, True, payload)))


def _streams() -> Iterator[Case]:
    def not_the_last(visit: Visit) -> None:
        visit.hostile.raw(frame(Kind.PACK, visit.seal(Stream.PACK, 0, False, right_archive())))

    def half_then_all(visit: Visit) -> None:
        visit.hostile.raw(frame(Kind.PACK, visit.seal(Stream.PACK, 0, False, archive(PIECES[:1]))))

    def answer_sent_back(visit: Visit) -> None:
        visit.hostile.raw(frame(Kind.PACK, visit.seal(Stream.ANSWER, 0, True, encode_answer(Answer()))))

    seal = frozenset({"seal"})
    yield Case("data: S1 the last one is not marked", "data", not_the_last, seal)
    yield Case("data: S1 a part of the plan", "data", half_then_all, seal)
    yield Case("data: S1 their own answer sent back", "data", answer_sent_back, seal)

    def empty_batch(visit: Visit) -> None:
        visit.hostile.raw(frame(Kind.MANIFEST, visit.seal(Stream.MANIFEST, 2, True, msgspec.msgpack.encode([]))))

    def the_first_again(visit: Visit) -> None:
        _list(visit, last=False)

    yield Case("batches: an empty batch", "batches", empty_batch, frozenset({"offer"}))
    yield Case("batches: S1 the first batch again", "batches", the_first_again, seal)
