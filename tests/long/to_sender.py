"""What a hostile receiver sends to a sender: a place in the conversation, bytes, and the one problem that the sender must end with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from countersign.base.hashing import digest_of
from countersign.pack.manifest import Manifest, ManifestReader
from countersign.pack.plan import Answer, encode_answer
from countersign.pack.summary import decode_summary
from countersign.receipts.format import header_for, lines_for
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Sealer, Stream, StreamReader
from countersign.trust.identity import Identity
from countersign.wire import messages as m
from countersign.wire.messages import CAPS, Kind
from tests.hostile_peer import HostilePeer
from tests.long.breaks import bodies, frame, good_frame, lengths, out_of_place, tokens
from tests.long.signing import LABEL, body_of

TIME = "2026-01-01T00:00:00+00:00"
HASHES = digest_of(b"abc") * 2
ALWAYS = frozenset({Kind.WAITING, Kind.STOP})
FILES = {"a": b"abc", "b": b"abc"}


@dataclass
class Host:
    """Where a hostile receiver is. `ring_of(offer)` waits for the key that the sending person reads out."""

    hostile: HostilePeer
    identity: Identity
    sender: bytes
    ring_of: Callable[[m.Offer], KeyRing]
    offer: m.Offer | None = None
    ring: KeyRing | None = None
    manifest: Manifest = field(default_factory=Manifest)
    reader: StreamReader | None = None
    builder: ManifestReader | None = None
    name: str = ""
    sender_pem: str = ""

    def seal(self, stream: Stream, number: int, last: bool, payload: bytes) -> bytes:
        assert self.ring is not None
        return bytes(Sealer(self.ring, stream).seal(number, last, [payload], 1))


Say = Callable[[Host], None]


@dataclass(frozen=True)
class Case:
    """Sends `say` at `place`; the sender must end with one of `codes`."""

    name: str
    place: str
    say: Say
    codes: frozenset[str]


# --- how to reach a place ---------------------------------------------------------------------------------------------


def _start(_host: Host) -> None:
    """Nothing was sent yet."""


def _code(host: Host) -> None:
    host.hostile.raw(good_frame(Kind.HELLO))
    assert isinstance(host.hostile.hear(), m.Hello)


def _judging(host: Host) -> None:
    _code(host)
    assert isinstance(host.hostile.hear(), m.CodeProof)


def _key(host: Host) -> None:
    _judging(host)
    host.hostile.say(m.CodeAccepted())
    offer, first = host.hostile.hear(), host.hostile.hear()
    assert isinstance(offer, m.Offer)
    assert isinstance(first, m.Sealed)
    host.offer, host.ring = offer, host.ring_of(offer)
    host.reader = StreamReader(host.ring, Stream.MANIFEST)
    summary = decode_summary(host.reader.read(first.token))
    host.name = summary.name
    host.builder = ManifestReader(summary.entries, summary.files, summary.bytes)


def _manifest(host: Host) -> None:
    _key(host)
    host.hostile.say(m.KeyAccepted())
    batch = host.hostile.hear()
    assert isinstance(batch, m.Sealed)
    assert host.reader is not None
    assert host.builder is not None
    host.builder.add_batch(host.reader.read(batch.token))
    host.manifest = host.builder.finish()


def _data(host: Host) -> None:
    _manifest(host)
    _say_answer(host, Answer())
    assert isinstance(host.hostile.hear(), m.Sealed)


def _say_answer(host: Host, answer: Answer) -> None:
    host.hostile.raw(frame(Kind.ANSWER, host.seal(Stream.ANSWER, 0, True, encode_answer(answer))))


def _half(host: Host) -> None:
    """The first of the hashes was sent."""
    _data(host)
    token = host.seal(Stream.HASHES, 0, False, msgspec.msgpack.encode({"time": TIME}))
    host.hostile.raw(frame(Kind.HASHES, token))


def _say_hashes(host: Host, *payloads: Any) -> None:
    last = len(payloads) - 1
    for number, payload in enumerate(payloads):
        token = host.seal(Stream.HASHES, number, number == last, msgspec.msgpack.encode(payload))
        host.hostile.raw(frame(Kind.HASHES, token))


def _run(**changes: Any) -> dict[str, Any]:
    return {"upto": 2, "skipped": [], "hashes": HASHES, **changes}


def _judged(host: Host) -> None:
    """The hashes were sent and found right."""
    _data(host)
    _say_hashes(host, {"time": TIME}, _run())
    verdict = host.hostile.hear()
    assert isinstance(verdict, m.Sealed)
    assert verdict.kind is Kind.VERDICT


PLACES: dict[str, tuple[Callable[[Host], None], frozenset[Kind]]] = {
    "start": (_start, frozenset({Kind.HELLO, Kind.STOP})),
    "code": (_code, ALWAYS),
    "judging": (_judging, frozenset({Kind.CODE_ACCEPTED, Kind.CODE_REFUSED}) | ALWAYS),
    "key": (_key, frozenset({Kind.KEY_ACCEPTED, Kind.KEY_REFUSED}) | ALWAYS),
    "manifest": (_manifest, frozenset({Kind.ANSWER}) | ALWAYS),
    "data": (_data, frozenset({Kind.RECEIVED, Kind.HASHES}) | ALWAYS),
    "hashes": (_half, frozenset({Kind.HASHES}) | ALWAYS),
    "verdict": (_judged, frozenset({Kind.RECEIPT}) | ALWAYS),
}


# --- the list ---------------------------------------------------------------------------------------------------------


def sender_cases() -> Iterator[Case]:
    """Every case, in a fixed order."""
    for place, (_reach, allowed) in PLACES.items():
        for name, data in (*out_of_place(allowed), *lengths(CAPS, allowed)):
            yield _raw(place, name, data, "protocol")
        for kind in sorted(allowed):
            if kind in m.CONTROL_TYPES:
                for name, data in bodies(kind):
                    yield _raw(place, name, data, "protocol")
    for versions in ([0], [2], [2, 3, 65535]):
        body = msgspec.msgpack.encode({"versions": versions, "nonce": b"n" * 32})
        yield _raw("start", f"N9 versions {versions}", frame(Kind.HELLO, body), "version")
    yield from _sealed("manifest", Kind.ANSWER, Stream.ANSWER, lambda _host: encode_answer(Answer()))
    yield from _sealed("data", Kind.HASHES, Stream.HASHES, lambda _host: msgspec.msgpack.encode({"time": TIME}))
    yield from _answers()
    yield from _counts()
    yield from _hashes()
    yield from _receipts()


def _raw(place: str, name: str, data: bytes, *codes: str) -> Case:
    return Case(f"{place}: {name}", place, lambda host: host.hostile.raw(data), frozenset(codes))


def _sealed(place: str, kind: Kind, stream: Stream, payload: Callable[[Host], bytes]) -> Iterator[Case]:
    def variants(host: Host) -> dict[str, bytes]:
        content = payload(host)
        others = {
            "another number": host.seal(stream, 1, True, content),
            "another stream": host.seal(Stream.PACK, 0, True, content),
        }
        return dict(tokens(host.seal(stream, 0, True, content), others))

    names = [name for name, _token in tokens(bytes(2000), {"another number": b"", "another stream": b""})]
    for name in names:
        yield Case(
            f"{place}: {'S2' if 'bit' in name else 'S1'} {name}",
            place,
            lambda host, name=name: host.hostile.raw(frame(kind, variants(host)[name])),  # type: ignore[misc]
            frozenset({"seal"}),
        )


def _answers() -> Iterator[Case]:
    def payload(data: bytes) -> Say:
        return lambda host: host.hostile.raw(frame(Kind.ANSWER, host.seal(Stream.ANSWER, 0, True, data)))

    wrong: dict[str, Any] = {
        "a bitmap too long": {"held": b"\0\0"},
        "a bit for no entry": {"held": b"\x04"},
        "unwanted for no entry": {"unwanted": b"\x80"},
        "a bitmap of text": {"held": "x"},
        "a bitmap of a number": {"held": 1},
        "partial: nothing of it": {"partial": [[0, 0]]},
        "partial: all of it": {"partial": [[0, 3]]},
        "partial: more than there is": {"partial": [[0, 4]]},
        "partial: 2^60": {"partial": [[0, 2**60]]},
        "partial: negative": {"partial": [[0, -1]]},
        "partial: an index that is not there": {"partial": [[2, 1]]},
        "partial: a negative index": {"partial": [[-1, 1]]},
        "partial: twice": {"partial": [[0, 1], [0, 1]]},
        "partial: descending": {"partial": [[1, 1], [0, 1]]},
        "partial: of what is held": {"held": b"\x01", "partial": [[0, 1]]},
        "partial: of what is unwanted": {"unwanted": b"\x01", "partial": [[0, 1]]},
        "partial: three numbers": {"partial": [[0, 1, 2]]},
        "partial: one number": {"partial": [[0]]},
        "partial: a map": {"partial": {}},
        "partial: too many": {"partial": [[0, 1]] * 100_001},
    }
    for name, value in wrong.items():
        yield Case(
            f"manifest: answer: {name}", "manifest", payload(msgspec.msgpack.encode(value)), frozenset({"protocol"})
        )
    for name, data in {"nothing": b"", "nil": b"\xc0", "a list": b"\x90", "deep": b"\x91" * 3000, "cut": b"\x81",
                       "behind it": b"\x80\x80", "a promise of 2^32-1": b"\xdf\xff\xff\xff\xff"}.items():  # fmt: skip
        yield Case(f"manifest: answer: {name}", "manifest", payload(data), frozenset({"protocol"}))

    def not_the_last(host: Host) -> None:
        host.hostile.raw(frame(Kind.ANSWER, host.seal(Stream.ANSWER, 0, False, encode_answer(Answer()))))

    yield Case("manifest: S1 an answer that is not the last", "manifest", not_the_last, frozenset({"protocol"}))


def _counts() -> Iterator[Case]:
    for packs in (2, 3, 2**31, 2**60):
        yield _raw("data", f"received {packs} of one pack", _received(packs), "protocol")
    yield _raw("data", "received one, then none", _received(1) + _received(0), "protocol")
    yield _raw("data", "N10 received one, then one", _received(1) + _received(1), "protocol")
    yield _raw("data", "received none", _received(0), "protocol")


def _received(packs: int) -> bytes:
    return frame(Kind.RECEIVED, msgspec.msgpack.encode({"packs": packs, "files": 0, "bytes": 0}))


# --- what has arrived, and the receipt --------------------------------------------------------------------------------

Change = Callable[[dict[str, Any]], dict[str, Any]]


def _hashes() -> Iterator[Case]:
    first: dict[str, Any] = {"time": TIME}
    wrong: dict[str, tuple[Any, ...]] = {
        "no time": ({"time": ""}, _run()),
        "no run": (first,),
        "a time that obeys": ({"time": "2026\x1b[2K"}, _run()),
        "a time without a zone": ({"time": "2026-01-01T00:00:00"}, _run()),
        "a time of words": ({"time": "now"}, _run()),
        "a number for the time": ({"time": 1}, _run()),
        "too few entries": (first, _run(upto=1, hashes=HASHES[:32])),
        "too many entries": (first, _run(upto=3)),
        "no entries": (first, _run(upto=0)),
        "a run of nothing": (first, _run(), _run(upto=2, hashes=b"")),
        "2^31 entries": (first, _run(upto=2**31)),
        "a hash too few": (first, _run(hashes=HASHES[:32])),
        "a hash too many": (first, _run(hashes=HASHES * 2)),
        "half a hash": (first, _run(hashes=HASHES[:48])),
        "no hashes": (first, _run(hashes=b"")),
        "hashes as text": (first, _run(hashes="x" * 64)),
        "an unknown reason": (first, _run(skipped=[[0, 6]], hashes=HASHES[:32])),
        "a negative reason": (first, _run(skipped=[[0, -1]], hashes=HASHES[:32])),
        "a reason of words": (first, _run(skipped=[[0, "\x1b[2K"]], hashes=HASHES[:32])),
        "skipped twice": (first, _run(skipped=[[0, 0], [0, 0]], hashes=HASHES[:32])),
        "skipped descending": (first, _run(skipped=[[1, 0], [0, 0]], hashes=b"")),
        "skipped that is not there": (first, _run(skipped=[[2, 0]])),
        "skipped with a hash": (first, _run(skipped=[[0, 0]])),
        "R1 more skipped than a run has": (first, _run(skipped=[[0, 0]] * 20_000, hashes=b"")),
        "a list": (first, [1]),
        "nil": (first, None),
    }
    for name, payloads in wrong.items():
        yield Case(
            f"data: hashes: {name}",
            "data",
            lambda host, payloads=payloads: _say_hashes(host, *payloads),  # type: ignore[misc]
            frozenset({"protocol"}),
        )

    def lying(host: Host) -> None:
        """Files that differ must come again over a new connection. This host sends a receipt instead."""
        _say_hashes(host, first, _run(hashes=bytes(64)))
        verdict = host.hostile.hear()
        assert isinstance(verdict, m.Sealed)
        payload = StreamReader(_ring(host), Stream.VERDICT).read(verdict.token)
        assert msgspec.msgpack.decode(payload) == {"differing": b"\x03"}
        host.hostile.say(m.Sealed(Kind.RECEIPT, memoryview(_notice(host, lambda facts: facts))))

    yield Case("data: F9 hashes of other contents, and a receipt all the same", "data", lying, frozenset({"protocol"}))


def _ring(host: Host) -> KeyRing:
    assert host.ring is not None
    return host.ring


def _notice(host: Host, change: Change) -> bytes:
    """The token of a receipt notice."""
    pems = host.sender_pem, host.identity.pem.decode()
    assert host.offer is not None
    digests = bytearray(HASHES)
    header = header_for(host.manifest, host.name, host.offer.transfer_id, TIME, {}, pems)
    body = body_of(header, list(lines_for(host.manifest, {}, digests)))
    signature = host.identity.sign(LABEL + b"receiver\0" + digest_of(body))
    facts = change({"time": TIME, "signature": signature, "renamed": False})
    return host.seal(Stream.RECEIPT, 0, True, msgspec.msgpack.encode(facts))


def _receipts() -> Iterator[Case]:
    lies: dict[str, tuple[Change, str]] = {
        "another time": (lambda facts: {**facts, "time": "2026-01-01T00:00:01+00:00"}, "receipt"),
        "a time that obeys": (lambda facts: {**facts, "time": "2026\x1b[2K"}, "receipt"),
        "no signature": (lambda facts: {**facts, "signature": b""}, "receipt"),
        "a signature of nothing": (lambda facts: {**facts, "signature": b"x" * 70}, "receipt"),
        "a signature that is text": (lambda facts: {**facts, "signature": "x"}, "protocol"),
        "R1 a signature of 1 KiB": (lambda facts: {**facts, "signature": b"x" * 1025}, "protocol"),
        "no time": (lambda facts: {"signature": facts["signature"]}, "protocol"),
        "a word for renamed": (lambda facts: {**facts, "renamed": "../x"}, "protocol"),
    }
    for name, (change, code) in lies.items():
        yield Case(
            f"verdict: receipt: {name}",
            "verdict",
            lambda host, change=change: host.hostile.raw(frame(Kind.RECEIPT, _notice(host, change))),  # type: ignore[misc]
            frozenset({code}),
        )
