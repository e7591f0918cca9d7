"""The plan of packs, and the answer that it follows."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, strategies as some

from countersign.base import limits
from countersign.base.errors import ProtocolProblem
from countersign.pack import plan
from countersign.pack.manifest import Manifest
from countersign.pack.plan import Answer, Piece
from tests.manifests import file, folder, manifest_of

# --- plan ------------------------------------------------------------------------------------------------------------


def pieces(made: Manifest, answer: Answer | None = None) -> list[plan.PackPlan]:
    return list(plan.plan_packs(made, answer or Answer()))


@given(some.lists(some.integers(0, 3 * limits.PACK_BYTES), max_size=8))
def test_a_plan_covers_every_byte_once_in_order(sizes: list[int]) -> None:
    made = manifest_of(*[file(f"{n:03d}", size=size) for n, size in enumerate(sizes)])
    packs = pieces(made)
    assert [pack.number for pack in packs] == list(range(len(packs)))
    assert [pack.last for pack in packs] == [False] * (len(packs) - 1) + [True]
    joined = [piece for pack in packs for piece in pack.pieces]
    for index, size in enumerate(sizes):
        mine = [piece for piece in joined if piece.index == index]
        assert sum(piece.length for piece in mine) == size
        assert [piece.offset for piece in mine] == [sum(p.length for p in mine[:n]) for n in range(len(mine))]
    for pack in packs:
        assert sum(piece.length for piece in pack.pieces) <= limits.PACK_BYTES
        assert len(pack.pieces) <= limits.PACK_PIECES
    assert [pack for pack in packs[:-1] if not pack.pieces] == []


def test_a_plan_of_nothing_is_one_pack_without_pieces() -> None:
    assert pieces(manifest_of(folder("a"))) == [plan.PackPlan(0, [], True)]


def test_a_plan_leaves_out_what_is_held_and_begins_where_it_was_cut() -> None:
    made = manifest_of(file("a", size=10), file("b", size=10), file("c", size=10), file("d", size=10))
    answer = Answer(plan.bitmap(4, [0]), plan.bitmap(4, [1]), [(2, 4)])
    [pack] = pieces(made, answer)
    assert pack.pieces == [Piece(2, 4, 6), Piece(3, 0, 10)]
    assert plan.decode_answer(plan.encode_answer(answer), made) == answer


@pytest.mark.parametrize(
    "answer",
    [
        {"held": b"\x00\x00"}, {"held": b"\x10"}, {"unwanted": b"\xff"}, {"partial": [[0, 10]]}, {"partial": [[4, 1]]},
        {"partial": [[0, 0]]}, {"partial": [[1, 1], [0, 1]]}, {"partial": [[0, 1], [0, 2]]}, {"partial": [[3, 1]]},
        {"held": b"\x01", "partial": [[0, 1]]}, {"unwanted": b"\x01", "partial": [[0, 1]]}, {"held": "x"}, [], {"partial": [[-1, 1]]},
    ],
)  # fmt: skip
def test_answers_that_do_not_fit(answer: object) -> None:
    made = manifest_of(file("a", size=10), file("b", size=10), file("c", size=10), folder("d"))
    with pytest.raises(ProtocolProblem):
        plan.decode_answer(msgspec.msgpack.encode(answer), made)


@given(some.binary(max_size=60))
def test_any_answer_parses_or_is_the_one_problem(data: bytes) -> None:
    try:
        plan.decode_answer(data, manifest_of(file("a", size=10)))
    except ProtocolProblem:
        pass


# --- archive ---------------------------------------------------------------------------------------------------------


@given(some.sets(some.integers(0, 99)))
def test_what_stands_in_a_bitmap(indices: set[int]) -> None:
    assert list(plan.members_of(plan.bitmap(100, sorted(indices)))) == sorted(indices)
