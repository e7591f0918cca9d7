"""The receiver's hashes and the sender's verdict: everything that breaks the form is one and the same peer error."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as some

from countersign.base import limits
from countersign.base.errors import ProtocolProblem
from countersign.base.hashing import DIGEST
from countersign.pack.arrival import Arrived, decode_verdict, encode, runs, verdict_on
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.pack.plan import bitmap
from countersign.pack.reasons import Reason

ONE = b"1" * DIGEST
FIRST = {"time": "2026-01-01T00:00:00+00:00"}


def listed(kinds: list[EntryKind]) -> Manifest:
    manifest = Manifest()
    for number, kind in enumerate(kinds):
        is_link = kind is EntryKind.LINK
        manifest.add(Entry(kind, -1, f"{number:06d}", 0, 0, "x" if is_link else ""))
    return manifest


MIXED = listed([EntryKind.FILE, EntryKind.FOLDER, EntryKind.EXECUTABLE, EntryKind.LINK, EntryKind.FILE])


def run(upto: int = 5, skipped: Any = (), hashes: bytes = ONE * 3) -> dict[str, Any]:
    return {"upto": upto, "skipped": list(skipped), "hashes": hashes}


def heard(*payloads: Any, manifest: Manifest = MIXED) -> Arrived:
    arrived = Arrived(manifest)
    for payload in payloads:
        arrived.add(msgspec.msgpack.encode(payload))
    arrived.finish()
    return arrived


RIGHT: dict[str, list[Any]] = {
    "at once": [run()],
    "in two": [run(2, hashes=ONE), run(5, hashes=ONE * 2)],
    "some skipped": [run(skipped=[[0, 3], [1, 4], [4, 0]], hashes=ONE)],
    "all skipped": [run(skipped=[[i, 5] for i in range(5)], hashes=b"")],
    "with a field of a later version": [{**run(), "more": 1}],
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_taken(name: str) -> None:
    heard(FIRST, *RIGHT[name])


WRONG: dict[str, list[Any]] = {
    "nothing": [],
    "no time": [{}],
    "an empty time": [{"time": ""}, run()],
    "a time of another kind": [{"time": 5}, run()],
    "no run": [FIRST],
    "too few": [FIRST, run(4, hashes=ONE * 2)],
    "too many": [FIRST, run(6)],
    "after the end": [FIRST, run(), run()],
    "no step": [FIRST, run(2, hashes=ONE), run(2, hashes=b""), run(5, hashes=ONE * 2)],
    "a step back": [FIRST, run(3, hashes=ONE * 2), run(2, hashes=b"")],
    "skipped twice": [FIRST, run(skipped=[[0, 0], [0, 0]], hashes=ONE * 2)],
    "skipped in another order": [FIRST, run(skipped=[[4, 0], [0, 0]], hashes=ONE)],
    "skipped in an earlier run": [FIRST, run(2, hashes=ONE), run(5, skipped=[[0, 0]], hashes=ONE * 2)],
    "skipped in a later run": [FIRST, run(2, skipped=[[2, 0]], hashes=ONE), run(5, hashes=ONE * 2)],
    "skipped behind the end": [FIRST, run(skipped=[[5, 0]])],
    "skipped for no known reason": [FIRST, run(skipped=[[0, 6]], hashes=ONE * 2)],
    "a hash of what was skipped": [FIRST, run(skipped=[[0, 0]])],
    "a hash of a folder": [FIRST, run(hashes=ONE * 4)],
    "half a hash": [FIRST, run(hashes=ONE * 2 + ONE[:16])],
    "no hash": [FIRST, run(hashes=b"")],
}


@pytest.mark.parametrize("name", WRONG)
def test_n9_what_breaks_the_form_is_refused(name: str) -> None:
    with pytest.raises(ProtocolProblem):
        heard(*WRONG[name])


def test_z3_a_run_is_no_longer_than_it_may_be() -> None:
    folders = listed([EntryKind.FOLDER] * (limits.RUN_ENTRIES + 1))
    heard(FIRST, run(limits.RUN_ENTRIES, hashes=b""), run(limits.RUN_ENTRIES + 1, hashes=b""), manifest=folders)
    with pytest.raises(ProtocolProblem):
        heard(FIRST, run(limits.RUN_ENTRIES + 1, hashes=b""), manifest=folders)


def test_runs_say_what_their_reader_takes_and_differences_are_found_in_every_one() -> None:
    kinds = [EntryKind.FILE, EntryKind.FOLDER] * limits.RUN_ENTRIES
    manifest = listed(kinds)
    digests = bytearray(b"".join(index.to_bytes(DIGEST, "big") for index in range(len(kinds))))
    skipped = {0: Reason.NAME, limits.RUN_ENTRIES: Reason.CHANGED, 5: Reason.UNWANTED}
    arrived = Arrived(manifest)
    arrived.add(msgspec.msgpack.encode(FIRST))
    for each in runs(manifest, skipped, digests):
        arrived.add(encode(each))
    arrived.finish()
    assert arrived.skipped == skipped
    assert arrived.differing(digests) == []
    for index in (0, 2, 3, limits.RUN_ENTRIES, limits.RUN_ENTRIES + 2, len(kinds) - 2):
        digests[DIGEST * index + 7] ^= 1
    differing = [2, limits.RUN_ENTRIES + 2, len(kinds) - 2]
    assert arrived.differing(digests) == differing
    assert decode_verdict(encode(verdict_on(differing, manifest)), manifest, skipped) == differing
    assert decode_verdict(encode(verdict_on([], manifest)), manifest, skipped) == []


@pytest.mark.parametrize(
    "differing",
    [
        bitmap(5, [1]),  # a folder
        bitmap(5, [3]),  # a link
        bitmap(5, [0, 4]),  # a skipped one
        bitmap(6, [5]),  # past the end
        bitmap(9, [0]),
        bitmap(5, [0]) + b"\0",
        "x",
        None,
    ],
)
def test_n9_a_verdict_on_what_did_not_arrive_is_refused(differing: object) -> None:
    with pytest.raises(ProtocolProblem):
        decode_verdict(msgspec.msgpack.encode({"differing": differing}), MIXED, {4: Reason.NAME})


anything = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(1 << 63), (1 << 64) - 1)
    | some.binary()
    | some.text()
    | some.floats(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)


@settings(deadline=None)
@given(some.binary() | anything.map(msgspec.msgpack.encode))
def test_any_bytes_are_read_or_are_an_error_of_the_peer(data: bytes) -> None:
    arrived = Arrived(MIXED)
    for payload in (msgspec.msgpack.encode(FIRST), data):
        try:
            arrived.add(payload)
        except ProtocolProblem:
            pass
    try:
        decode_verdict(data, MIXED, {})
    except ProtocolProblem:
        pass
