"""Archives, bitmaps and the plan by their bytes, each at its edges: what the other tests leave to chance."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

import msgspec
import pytest
from isal import isal_zlib

from countersign.base import limits
from countersign.base.errors import OfferRefused, ProtocolProblem, SealBroken
from countersign.pack import archive, compress, plan
from countersign.pack.archive import PackWriter, read_pack
from countersign.pack.arrival import Arrived, decode_verdict
from countersign.pack.compress import deflate
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.pack.plan import Answer, PackPlan, Piece
from countersign.pack.reasons import Reason
from countersign.pack.summary import Summary, decode_summary, encode_summary

CHANCE = random.Random(3)


def one_member(content: bytes, body: bytes, method: int, comment: bytes = b"") -> tuple[memoryview, list[Piece]]:
    """An archive whose sizes, check and directory are right for this body, and the plan of it."""
    facts = (b"0-0", method, zlib.crc32(content), len(body), len(content))
    local, central = archive._local(*facts), archive._central(*facts, 0)
    made = local + body + central + archive._end(1, len(central), len(local) + len(body), comment)
    return memoryview(made), [Piece(0, 0, len(content))]


def raw_deflate(content: bytes, flush: int = zlib.Z_FINISH) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush(flush)


# --- archives --------------------------------------------------------------------------------------------------------


def test_an_archive_is_this_very_string_of_bytes() -> None:
    """APPNOTE.TXT, 4.3.7, 4.3.12 and 4.3.16, with every field written out."""
    writer = PackWriter()
    writer.add(Piece(1, 2, 3), b"abc")
    made = b"".join(writer.finish([(5, "changed")]))
    check = zlib.crc32(b"abc")
    comment = msgspec.msgpack.encode([(5, "changed")])
    local = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0x21, check, 3, 3, 3, 0) + b"1-2"
    central = b"PK\x01\x02" + struct.pack(
        "<HHHHHHIIIHHHHHII", 20, 20, 0, 0, 0, 0x21, check, 3, 3, 3, 0, 0, 0, 0, 0, 0
    ) + b"1-2"  # fmt: skip
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + 3, len(comment))
    assert made == local + b"abc" + central + end + comment


def test_large_and_small_members_stand_in_their_order() -> None:
    contents = [b"a", CHANCE.randbytes(archive._LARGE), b"b", CHANCE.randbytes(archive._LARGE - 1), b"c"]
    pieces = [Piece(n, 0, len(content)) for n, content in enumerate(contents)]
    writer = PackWriter()
    for piece, content in zip(pieces, contents, strict=True):
        writer.add(piece, content)
    parts = writer.finish([])
    assert [part for part in parts if part is contents[1]]  # not copied
    assert not [part for part in parts if part is contents[3]]
    pack = read_pack(memoryview(b"".join(parts)), pieces)
    assert [bytes(content) for _piece, content in pack.members] == contents
    assert archive._LARGE == 64 * 1024


def test_the_content_of_the_first_member_begins_where_it_is_said() -> None:
    writer = PackWriter()
    writer.add(Piece(12, 345, 3), b"abc")
    made = b"".join(writer.finish([]))
    at = archive.content_at(Piece(12, 345, 3))
    assert made[at : at + 3] == b"abc"


@pytest.mark.parametrize("method", [archive.STORED, archive.DEFLATED])
def test_z2_a_member_is_stored_or_deflated_and_nothing_else(method: int) -> None:
    content = b"line\n" * 300
    body = content if method == archive.STORED else raw_deflate(content)
    assert read_pack(*one_member(content, body, method)).members[0][1] == content
    for other in (1, 7, 9, 12, 0xFFFF):
        with pytest.raises(SealBroken):
            read_pack(*one_member(content, body, other))


def test_z2_a_member_that_deflating_did_not_make_smaller_is_refused() -> None:
    """There is one form: who gains nothing stores."""
    for extra in range(200):
        content = CHANCE.randbytes(60) + b"a" * extra
        body = raw_deflate(content)
        if len(body) == len(content):
            break
    assert len(body) == len(content)
    with pytest.raises(SealBroken):
        read_pack(*one_member(content, body, archive.DEFLATED))
    smaller = content + b"a"
    assert read_pack(*one_member(smaller, raw_deflate(smaller), archive.DEFLATED)).members[0][1] == smaller


def test_z1_a_deflate_stream_without_an_end_is_refused() -> None:
    content = b"line\n" * 300
    with pytest.raises(SealBroken):
        read_pack(*one_member(content, raw_deflate(content, zlib.Z_SYNC_FLUSH), archive.DEFLATED))


@pytest.mark.parametrize("change", [-1, 1])
def test_z1_a_stream_of_another_length_is_refused(change: int) -> None:
    content = b"line\n" * 300
    packed = raw_deflate(content + b"\n" if change > 0 else content[:-1])
    with pytest.raises(SealBroken):
        read_pack(*one_member(content, packed, archive.DEFLATED))


def test_a_wrong_check_is_refused() -> None:
    content = b"line\n" * 300
    for body, method in ((content, archive.STORED), (raw_deflate(content), archive.DEFLATED)):
        data, pieces = one_member(content[::-1], body, method)
        with pytest.raises(SealBroken):
            read_pack(data, pieces)


@pytest.mark.parametrize("size", [0xFFFF, 0x10000, 0x10001])
def test_z2_a_comment_of_any_length_is_refused_and_nothing_else(size: int) -> None:
    empty = archive._end(0, 0, 0, b"")
    data = empty[:-2] + struct.pack("<H", size & 0xFFFF) + b"x" * size
    with pytest.raises(SealBroken):
        read_pack(memoryview(data), [])


@pytest.mark.parametrize(
    "comment", [[["0", "changed"]], [[0, b"changed"]], [[0]], [[0, "changed", 1]], [[0.0, "changed"]], {"0": "changed"}]
)
def test_withdrawals_are_read_strictly(comment: object) -> None:
    data = archive._end(0, 0, 0, msgspec.msgpack.encode(comment))
    with pytest.raises(SealBroken):
        read_pack(memoryview(data), [Piece(0, 0, 1)])


# --- compression -----------------------------------------------------------------------------------------------------


def test_what_is_too_small_is_stored() -> None:
    assert deflate(b"a" * 511) is None
    assert deflate(b"a" * 512) is not None
    assert deflate(b"") is None


def test_a_large_piece_is_judged_by_its_middle() -> None:
    """16 KiB of 64 and more: zeros around noise are stored, noise around zeros is tried."""
    kib = 1024
    noise, zeros = CHANCE.randbytes(16 * kib), bytes(16 * kib)
    assert deflate(zeros * 2 + noise + zeros) is None
    assert deflate((zeros * 2 + noise + zeros)[:-1]) is not None
    assert deflate(bytes(64 * kib) + noise + bytes(48 * kib)) is None
    assert deflate(noise + noise + zeros + zeros) is not None
    assert deflate(zeros + zeros + noise[: 8 * kib] + bytes(8 * kib) + zeros) is not None


@pytest.mark.parametrize(("noise", "stored"), [(1700, False), (1950, True)])
def test_what_gains_less_than_a_twentieth_is_stored(noise: int, stored: bool) -> None:
    assert (deflate(CHANCE.randbytes(noise) + bytes(2000 - noise)) is None) is stored


def test_the_level_is_the_quick_one() -> None:
    content = b"".join(b"%d, " % n for n in range(2000))
    assert deflate(content) == isal_zlib.compress(content, 1, -15)
    assert compress._LEVEL == 1


# --- bitmaps ---------------------------------------------------------------------------------------------------------


def files(count: int) -> Manifest:
    manifest = Manifest()
    for number in range(count):
        manifest.add(Entry(EntryKind.FILE, -1, f"{number:03}", 10, 0, ""))
    return manifest


def verdict(bits: bytes, manifest: Manifest) -> list[int]:
    return decode_verdict(msgspec.msgpack.encode({"differing": bits}), manifest, {})


def held(bits: bytes, manifest: Manifest) -> list[int]:
    answer = plan.decode_answer(msgspec.msgpack.encode({"held": bits}), manifest)
    return [index for index in range(len(manifest)) if plan.has_bit(answer.held, index)]


def unwanted(bits: bytes, manifest: Manifest) -> list[int]:
    answer = plan.decode_answer(msgspec.msgpack.encode({"unwanted": bits}), manifest)
    return list(plan.members_of(answer.unwanted))


@pytest.mark.parametrize("read", [verdict, held, unwanted])
def test_n9_a_bitmap_has_no_bit_beyond_its_entries(read: Callable[[bytes, Manifest], list[int]]) -> None:
    """Every single bit of every length up to three bytes."""
    for count in range(1, 25):
        manifest = files(count)
        size = (count + 7) // 8
        for bit in range(8 * size):
            bits = (1 << bit).to_bytes(size, "little")
            if bit < count:
                assert read(bits, manifest) == [bit]
            else:
                with pytest.raises(ProtocolProblem):
                    read(bits, manifest)
        for wrong in (size - 1, size + 1):
            if wrong:
                with pytest.raises(ProtocolProblem):
                    read(b"\x01" + bytes(wrong - 1), manifest)
        assert read(b"", manifest) == []


def test_bitmaps_are_as_short_as_they_can_be() -> None:
    assert [len(plan.bitmap(count, [0])) for count in (1, 7, 8, 9, 16, 17)] == [1, 1, 1, 2, 2, 3]
    assert plan.bitmap(20, []) == b""
    assert plan.bitmap(20, [0, 8, 19]) == b"\x01\x01\x08"
    assert not plan.has_bit(b"", 5)
    assert [plan.has_bit(b"\x05\x80", n) for n in range(16)] == [n in (0, 2, 15) for n in range(16)]


# --- hashes ----------------------------------------------------------------------------------------------------------


def arrived(*payloads: dict[str, object], manifest: Manifest) -> Arrived:
    found = Arrived(manifest)
    for payload in ({"time": "x"}, *payloads):
        found.add(msgspec.msgpack.encode(payload))
    found.finish()
    return found


def a_run(upto: int, hashes: int, *skipped: tuple[int, int]) -> dict[str, object]:
    return {"upto": upto, "skipped": list(skipped), "hashes": b"h" * 32 * hashes}


@pytest.mark.parametrize(
    "runs",
    [
        [a_run(1, 1), a_run(2, 1), a_run(3, 1)],
        [a_run(1, 0, (0, 0)), a_run(3, 1, (1, 5))],
        [a_run(3, 0, (0, 0), (1, 1), (2, 2))],
        [a_run(2, 1, (1, 3)), a_run(3, 0, (2, 4))],
    ],
)
def test_runs_at_their_edges_are_taken(runs: list[dict[str, object]]) -> None:
    assert arrived(*runs, manifest=files(3)).time == "x"


@pytest.mark.parametrize(
    "runs",
    [
        [a_run(0, 0), a_run(3, 3)],
        [a_run(2, 2), a_run(2, 0), a_run(3, 1)],
        [a_run(4, 3)],
        [a_run(2, 2)],
        [a_run(2, 2), a_run(3, 1, (1, 0))],  # of the run before
        [a_run(2, 2, (2, 0)), a_run(3, 1)],  # of the run behind
        [a_run(3, 2, (1, 0), (1, 0))],
        [a_run(3, 1, (2, 0), (1, 0))],
        [a_run(3, 2, (-1, 0))],
        [a_run(3, 2, (1, -1))],
        [a_run(3, 2, (1, 6))],
        [a_run(3, 2)],
        [a_run(3, 4)],
    ],
)
def test_n9_runs_beyond_their_edges_are_refused(runs: list[dict[str, object]]) -> None:
    with pytest.raises(ProtocolProblem):
        arrived(*runs, manifest=files(3))


def test_z3_a_run_tells_of_no_more_entries_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RUN_ENTRIES", 2)
    arrived(a_run(2, 2), a_run(4, 2), a_run(5, 1), manifest=files(5))
    with pytest.raises(ProtocolProblem):
        arrived(a_run(2, 2), a_run(5, 3), manifest=files(5))


@pytest.mark.parametrize(("length", "right"), [(0, False), (1, True), (64, True), (65, False)])
def test_a_time_has_some_length(length: int, right: bool) -> None:
    found = Arrived(files(1))
    payload = msgspec.msgpack.encode({"time": "x" * length})
    if right:
        found.add(payload)
        assert found.time == "x" * length
    else:
        with pytest.raises(ProtocolProblem):
            found.add(payload)


def test_reasons_have_the_numbers_that_other_versions_know() -> None:
    assert {reason.name: reason.value for reason in Reason} == {
        "CHANGED": 0, "VANISHED": 1, "UNREADABLE": 2, "UNWANTED": 3, "NAME": 4, "LINKS": 5,
    }  # fmt: skip


# --- plan and summary ------------------------------------------------------------------------------------------------


def test_a_plan_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs of ten bytes or three pieces."""
    monkeypatch.setattr(limits, "PACK_BYTES", 10)
    monkeypatch.setattr(limits, "PACK_PIECES", 3)
    manifest = Manifest()
    for number, size in enumerate((10, 0, 25, 1, 1, 1, 0)):
        manifest.add(Entry(EntryKind.FILE, -1, str(number), size, 0, ""))
    assert list(plan.plan_packs(manifest, Answer())) == [
        PackPlan(0, [Piece(0, 0, 10)], False),
        PackPlan(1, [Piece(1, 0, 0), Piece(2, 0, 10)], False),
        PackPlan(2, [Piece(2, 10, 10)], False),
        PackPlan(3, [Piece(2, 20, 5), Piece(3, 0, 1), Piece(4, 0, 1)], False),
        PackPlan(4, [Piece(5, 0, 1), Piece(6, 0, 0)], True),
    ]
    exact = Manifest()
    for number in range(2):
        exact.add(Entry(EntryKind.FILE, -1, str(number), 10, 0, ""))
    assert [pack.last for pack in plan.plan_packs(exact, Answer())] == [False, True]


@pytest.mark.parametrize(
    "partial", [[(0, 1)], [(0, 9)], [(0, 1), (1, 1), (2, 9)], [(2, 1)], []]
)  # fmt: skip
def test_what_may_be_there_in_part(partial: list[tuple[int, int]]) -> None:
    answer = plan.decode_answer(msgspec.msgpack.encode({"partial": partial}), files(3))
    assert answer.partial == partial
    assert [(piece.index, piece.offset, piece.length) for piece in next(plan.plan_packs(files(3), answer)).pieces] == [
        (n, dict(partial).get(n, 0), 10 - dict(partial).get(n, 0)) for n in range(3)
    ]


@pytest.mark.parametrize("partial", [[(3, 1)], [(0, 10)], [(1, 1), (1, 1)], [(-1, 1)], [(0, 0)], [(0, -1)]])
def test_what_may_not_be_there_in_part(partial: list[tuple[int, int]]) -> None:
    with pytest.raises(ProtocolProblem):
        plan.decode_answer(msgspec.msgpack.encode({"partial": partial}), files(3))


SUMMARY = {"name": "x", "files": 0, "bytes": 0, "entries": 1}


def test_a_summary_says_no_renewal_where_there_is_none() -> None:
    assert msgspec.msgpack.decode(encode_summary(Summary("x", 0, 0, 1))) == SUMMARY
    assert decode_summary(msgspec.msgpack.encode(SUMMARY)) == Summary("x", 0, 0, 1)


@pytest.mark.parametrize(
    "change",
    [{"files": -1}, {"bytes": -1}, {"entries": 0}, {"files": "1"}, {"name": "x" * 1025}, {"entries": limits.MAX_ENTRIES + 1},
     {"bytes": limits.MAX_TOTAL_BYTES + 1}, {"renewal": b"x" * (limits.TOLD_RENEWAL + 1)}],
)  # fmt: skip
def test_z3_a_summary_beyond_its_caps_refuses_the_offer(change: dict[str, object]) -> None:
    with pytest.raises(OfferRefused):
        decode_summary(msgspec.msgpack.encode({**SUMMARY, **change}))
