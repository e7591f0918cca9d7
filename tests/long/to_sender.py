"""What a hostile receiver says to a sender: a place in the conversation, bytes, and the one problem that the sender must end with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from countersign.pack.manifest import Manifest, ManifestReader
from countersign.pack.plan import Answer, encode_answer
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Sealer, Stream, StreamReader
from countersign.transfer.receipts import FORMAT, Header, Line, entry_line
from countersign.trust.identity import Identity
from countersign.wire import messages as m
from countersign.wire.messages import CAPS, Kind
from tests.long.breaks import bodies, frame, good_frame, lengths, out_of_place, tokens
from tests.long.signing import signed_receipt
from tests.rude import Rude

ALWAYS = frozenset({Kind.WAITING, Kind.STOP})
FILES = {"a": b"abc", "b": b"abc"}


@dataclass
class Host:
    """Where a hostile receiver stands. `ring_of(offer)` waits for the key that the sender's person reads out."""

    rude: Rude
    identity: Identity
    sender: bytes
    ring_of: Callable[[m.Offer], KeyRing]
    offer: m.Offer | None = None
    ring: KeyRing | None = None
    manifest: Manifest = field(default_factory=Manifest)

    def seal(self, stream: Stream, number: int, last: bool, payload: bytes) -> bytes:
        assert self.ring is not None
        return bytes(Sealer(self.ring, stream).seal(number, last, [payload], 1))


Say = Callable[[Host], None]


@dataclass(frozen=True)
class Case:
    """`say` at `place`; the sender must end with one of `codes`."""

    name: str
    place: str
    say: Say
    codes: frozenset[str]


# --- how to come to a place -------------------------------------------------------------------------------------------


def _start(_host: Host) -> None:
    """Nothing was said yet."""


def _code(host: Host) -> None:
    host.rude.raw(good_frame(Kind.HELLO))
    assert isinstance(host.rude.hear(), m.Hello)


def _judging(host: Host) -> None:
    _code(host)
    assert isinstance(host.rude.hear(), m.CodeProof)


def _key(host: Host) -> None:
    _judging(host)
    host.rude.say(m.CodeAccepted())
    offer, first = host.rude.hear(), host.rude.hear()
    assert isinstance(offer, m.Offer)
    assert isinstance(first, m.Sealed)
    host.offer, host.ring = offer, host.ring_of(offer)
    reader = ManifestReader(offer.entries, offer.files, offer.bytes)
    reader.add_batch(StreamReader(host.ring, Stream.MANIFEST).read(first.token))
    host.manifest = reader.finish()


def _manifest(host: Host) -> None:
    _key(host)
    host.rude.say(m.KeyAccepted())


def _data(host: Host) -> None:
    _manifest(host)
    _say_answer(host, Answer())
    assert isinstance(host.rude.hear(), m.Sealed)


def _say_answer(host: Host, answer: Answer) -> None:
    host.rude.raw(frame(Kind.ANSWER, host.seal(Stream.ANSWER, 0, True, encode_answer(answer))))


def _receipt(host: Host) -> None:
    """The first half of a right receipt was said."""
    _data(host)
    data = receipt_of(host)
    host.rude.raw(frame(Kind.RECEIPT, host.seal(Stream.RECEIPT, 0, False, data[: len(data) // 2])))


PLACES: dict[str, tuple[Callable[[Host], None], frozenset[Kind]]] = {
    "start": (_start, frozenset({Kind.HELLO, Kind.STOP})),
    "code": (_code, ALWAYS),
    "judging": (_judging, frozenset({Kind.CODE_ACCEPTED, Kind.CODE_REFUSED}) | ALWAYS),
    "key": (_key, frozenset({Kind.KEY_ACCEPTED, Kind.KEY_REFUSED}) | ALWAYS),
    "manifest": (_manifest, frozenset({Kind.ANSWER}) | ALWAYS),
    "data": (_data, frozenset({Kind.RECEIVED, Kind.RECEIPT}) | ALWAYS),
    "receipt": (_receipt, frozenset({Kind.RECEIPT}) | ALWAYS),
}


# --- the list ---------------------------------------------------------------------------------------------------------


def sender_cases() -> Iterator[Case]:
    """Every case, in an order that never changes."""
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
    yield from _sealed("data", Kind.RECEIPT, Stream.RECEIPT, receipt_of)
    yield from _answers()
    yield from _counts()
    yield from _receipts()


def _raw(place: str, name: str, data: bytes, *codes: str) -> Case:
    return Case(f"{place}: {name}", place, lambda host: host.rude.raw(data), frozenset(codes))


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
            lambda host, name=name: host.rude.raw(frame(kind, variants(host)[name])),  # type: ignore[misc]
            frozenset({"seal"}),
        )


def _answers() -> Iterator[Case]:
    def payload(data: bytes) -> Say:
        return lambda host: host.rude.raw(frame(Kind.ANSWER, host.seal(Stream.ANSWER, 0, True, data)))

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
        host.rude.raw(frame(Kind.ANSWER, host.seal(Stream.ANSWER, 0, False, encode_answer(Answer()))))

    yield Case("manifest: S1 an answer that is not the last", "manifest", not_the_last, frozenset({"protocol"}))


def _counts() -> Iterator[Case]:
    for packs in (2, 3, 2**31, 2**60):
        yield _raw("data", f"received {packs} of one pack", _received(packs), "protocol")
    yield _raw("data", "received one, then none", _received(1) + _received(0), "protocol")


def _received(packs: int) -> bytes:
    return frame(Kind.RECEIVED, msgspec.msgpack.encode({"packs": packs, "files": 0, "bytes": 0}))


# --- receipts ---------------------------------------------------------------------------------------------------------


def facts_of(host: Host) -> tuple[Header, list[Line]]:
    """What a right receipt of this transfer holds."""
    assert host.offer is not None
    header = Header(
        format=FORMAT, transfer_id=host.offer.transfer_id.hex(), time="2026-01-01T00:00:00+00:00", name="x",
        sender=host.sender.hex(), receiver=host.identity.id.hex(), certificate=host.identity.pem.decode(), files=2, bytes=6, skipped=0,
    )  # fmt: skip
    digest = hashlib.sha256(b"abc").digest()
    return header, [entry_line(host.manifest, index, digest, None, None) for index in range(len(host.manifest))]


def receipt_of(host: Host) -> bytes:
    return signed_receipt(*facts_of(host), host.identity.sign)


def _receipts() -> Iterator[Case]:
    def feeding(change: Callable[[Host], bytes]) -> Say:
        def say(host: Host) -> None:
            host.rude.raw(frame(Kind.RECEIPT, host.seal(Stream.RECEIPT, 0, True, change(host))))

        return say

    def changed(change: Callable[[Header, list[Line]], tuple[Header, list[Line]]]) -> Callable[[Host], bytes]:
        return lambda host: signed_receipt(*change(*facts_of(host)), host.identity.sign)

    def with_header(**facts: Any) -> Callable[[Host], bytes]:
        return changed(lambda header, lines: (msgspec.structs.replace(header, **facts), lines))

    def with_first(**facts: Any) -> Callable[[Host], bytes]:
        return changed(lambda header, lines: (header, [msgspec.structs.replace(lines[0], **facts), *lines[1:]]))

    lies: dict[str, Callable[[Host], bytes]] = {
        "another format": with_header(format="countersign-receipt/2"),
        "another transfer": with_header(transfer_id="00" * 16),
        "another sender": with_header(sender="00" * 32),
        "no time": with_header(time="now"),
        "a time that obeys": with_header(time="2026\x1b[2K"),
        "fewer files": with_header(files=1),
        "more bytes": with_header(bytes=2**60),
        "negative bytes": with_header(bytes=-6),
        "skipped that are not": with_header(skipped=2),
        "no certificate": with_header(certificate=""),
        "P1 another path": with_first(path="../../a"),
        "another kind": with_first(kind="folder"),
        "another size": with_first(size=4),
        "no size": with_first(size=None),
        "no hash": with_first(sha256=None),
        "half a hash": with_first(sha256="00" * 16),
        "a hash of letters": with_first(sha256="xy" * 32),
        "a target": with_first(target="x"),
        "P1 published as ../x": with_first(published="../x"),
        "P1 published as nothing": with_first(published=""),
        "a line too few": changed(lambda header, lines: (header, lines[:1])),
        "a line too many": changed(lambda header, lines: (header, [*lines, lines[0]])),
        "lines in another order": changed(lambda header, lines: (header, lines[::-1])),
        "no signature": lambda host: receipt_of(host).rpartition(b"{")[0],
        "a signature of nothing": lambda host: receipt_of(host).rpartition(b"{")[0] + b'{"signature":""}\n',
        "a signature that is no text": lambda host: receipt_of(host).rpartition(b"{")[0] + b'{"signature":1}\n',
        "a signature that is no base64": lambda host: receipt_of(host).rpartition(b"{")[0] + b'{"signature":"*"}\n',
        "signed by another": lambda host: signed_receipt(*facts_of(host), lambda _data: host.identity.sign(b"else")),
        "something behind it": lambda host: receipt_of(host) + b"{}\n",
        "no end of line": lambda host: receipt_of(host)[:-1],
        "an endless line": lambda _host: b'{"format":"' + b"x" * 300_000,
        "no lines": lambda _host: b"\n\n\n",
        "no JSON": lambda _host: b"\xff\xfe\n",
        "deep": lambda _host: b"[" * 100_000 + b"\n",
        "empty": lambda _host: b"",
    }  # fmt: skip
    for name, change in lies.items():
        yield Case(f"data: receipt: {name}", "data", feeding(change), frozenset({"receipt"}))
