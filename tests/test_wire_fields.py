"""Fields at their last good value and one beyond; numbers that may never change; what a `stop` says; the rules of every table."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from countersign.base import limits
from countersign.base.errors import (
    Busy,
    Cancelled,
    DeclinedHere,
    DiskFull,
    IdentityDamaged,
    PeerStopped,
    ProtocolProblem,
    ReceiptProblem,
)
from countersign.transfer.states import TABLE, State
from countersign.wire import messages as m
from countersign.wire.frames import HEADER, FrameReader
from countersign.wire.states import Conversation
from countersign.wire.stops import problem_of_stop, stop_code

N32, N16 = b"n" * 32, b"t" * 16
HELLO: dict[str, Any] = {"versions": [1], "nonce": N32}
RECEIVED: dict[str, Any] = {"packs": 1, "files": 2, "bytes": 3}

GOOD: list[tuple[m.Kind, dict[str, Any]]] = [
    (m.Kind.HELLO, {**HELLO, "versions": [0]}),
    (m.Kind.HELLO, {**HELLO, "versions": [65535]}),
    (m.Kind.HELLO, {**HELLO, "versions": [1] * 32}),
    (m.Kind.CODE_REFUSED, {"tries_left": 0}),
    (m.Kind.CODE_REFUSED, {"tries_left": 255}),
    (m.Kind.KEY_REFUSED, {"tries_left": 255}),
    (m.Kind.RECEIVED, {**RECEIVED, "bytes": 0}),
    (m.Kind.RECEIVED, {**RECEIVED, "bytes": limits.MAX_TOTAL_BYTES}),
    (m.Kind.STOP, {"code": "x" * 64}),
    (m.Kind.STOP, {"code": ""}),
    (m.Kind.WAITING, {}),
    (m.Kind.WAITING, {"paused": True}),
    (m.Kind.REJOIN, {"transfer_id": N16, "proof": N32}),
]

BAD: list[tuple[m.Kind, dict[str, Any]]] = [
    (m.Kind.HELLO, {**HELLO, "versions": [-1]}),
    (m.Kind.HELLO, {**HELLO, "versions": [65536]}),
    (m.Kind.HELLO, {**HELLO, "versions": [1] * 33}),
    (m.Kind.HELLO, {**HELLO, "versions": []}),
    (m.Kind.HELLO, {**HELLO, "nonce": N32 + b"n"}),
    (m.Kind.HELLO, {**HELLO, "nonce": N32[1:]}),
    (m.Kind.CODE_REFUSED, {"tries_left": -1}),
    (m.Kind.CODE_REFUSED, {"tries_left": 256}),
    (m.Kind.CODE_REFUSED, {"tries_left": "2"}),
    (m.Kind.RECEIVED, {**RECEIVED, "packs": -1}),
    (m.Kind.RECEIVED, {**RECEIVED, "bytes": limits.MAX_TOTAL_BYTES + 1}),
    (m.Kind.RECEIVED, {**RECEIVED, "files": "2"}),
    (m.Kind.STOP, {"code": "x" * 65}),
    (m.Kind.WAITING, {"paused": 1}),
    (m.Kind.REJOIN, {"transfer_id": N16[1:], "proof": N32}),
    (m.Kind.REJOIN, {"transfer_id": N16 + b"t", "proof": N32}),
    (m.Kind.OFFER, {"transfer_id": N16, "salt": N16 + b"s"}),
    (m.Kind.CODE_PROOF, {"proof": N32 + b"p"}),
]


@pytest.mark.parametrize(("kind", "fields"), GOOD)
def test_fields_at_the_end_of_their_range_are_read(kind: m.Kind, fields: dict[str, Any]) -> None:
    message = m.decode(kind, msgspec.msgpack.encode(fields))
    assert {name: getattr(message, name) for name in fields} == fields


@pytest.mark.parametrize(("kind", "fields"), BAD)
def test_fields_one_beyond_are_refused(kind: m.Kind, fields: dict[str, Any]) -> None:
    with pytest.raises(ProtocolProblem):
        m.decode(kind, msgspec.msgpack.encode(fields))


def test_waiting_says_no_pause_unless_it_does() -> None:
    assert m.decode(m.Kind.WAITING, msgspec.msgpack.encode({})) == m.Waiting(False)


@pytest.mark.parametrize("kind", list(m.Kind))
def test_a_body_as_long_as_its_cap_is_read_to_its_end(kind: m.Kind) -> None:
    reader = FrameReader(lambda _kind: 5)
    assert reader.feed(HEADER.pack(kind, 5)) == []
    with pytest.raises(ProtocolProblem):
        FrameReader(lambda _kind: 5).feed(HEADER.pack(kind, 6))


def test_between_frames_is_where_nothing_of_a_next_one_is() -> None:
    reader = FrameReader(lambda _kind: 9)
    frame = HEADER.pack(m.Kind.PACK, 2) + b"xy"
    for at in range(len(frame)):
        assert reader.between_frames is (at == 0)
        reader.feed(frame[at : at + 1])
    assert reader.between_frames is True


def test_types_have_the_numbers_that_other_versions_know() -> None:
    assert {kind.name: kind.value for kind in m.Kind} == {
        "HELLO": 1, "CODE_PROOF": 2, "CODE_ACCEPTED": 3, "CODE_REFUSED": 4, "OFFER": 5, "MANIFEST": 6, "KEY_ACCEPTED": 7, "KEY_REFUSED": 8,
        "ANSWER": 9, "PACK": 10, "RECEIVED": 11, "RECEIPT": 12, "THANKS": 13, "WAITING": 14, "STOP": 15, "REJOIN": 16, "HASHES": 17,
        "VERDICT": 18,
    }  # fmt: skip


# --- states ----------------------------------------------------------------------------------------------------------


def allowed(kind: m.Kind) -> set[tuple[State, m.Role, State]]:
    """Who may say this where, and where it leads."""
    found = set()
    for state in State:
        for role in m.Role:
            after = TABLE.following(state, role, kind)
            if after is not None:
                assert isinstance(after, State)
                found.add((state, role, after))
    return found


def test_stop_ends_every_state_that_both_have_begun() -> None:
    """And the receiver's may be its first word."""
    inside = {(state, role, State.CLOSED) for state in State for role in m.Role}
    inside -= {(State.CLOSED, role, State.CLOSED) for role in m.Role}
    assert allowed(m.Kind.STOP) == inside - {(State.START, m.Role.SENDER, State.CLOSED)}


def test_waiting_changes_no_state() -> None:
    inside = [state for state in State if state not in (State.START, State.CLOSED)]
    assert allowed(m.Kind.WAITING) == {(state, role, state) for state in inside for role in m.Role}


def test_all_else_is_in_the_table_and_nowhere_else() -> None:
    for kind in set(m.Kind) - {m.Kind.STOP, m.Kind.WAITING}:
        expected = {(state, role, after) for (state, role, said), after in TABLE.moves.items() if said is kind}
        assert allowed(kind) == expected


@pytest.mark.parametrize(("role", "other"), [(m.Role.SENDER, m.Role.RECEIVER), (m.Role.RECEIVER, m.Role.SENDER)])
def test_a_conversation_knows_both_ends(role: m.Role, other: m.Role) -> None:
    assert role.other is other
    conversation = Conversation(role, TABLE)
    receives = role is m.Role.RECEIVER
    assert conversation.may_say(m.Kind.HELLO) is receives
    assert conversation.cap_of(m.Kind.HELLO) == (-1 if receives else limits.HELLO_CAP)
    with pytest.raises(ProtocolProblem if receives else AssertionError):
        (conversation.received if receives else conversation.sending)(m.Kind.HELLO)
    assert conversation.state is State.START


def test_a_conversation_says_where_it_is() -> None:
    conversation = Conversation(m.Role.SENDER, TABLE)
    for state in State:
        conversation.state = state
        assert conversation.is_in_data is (state is State.DATA)


# --- stops -----------------------------------------------------------------------------------------------------------


def test_what_is_told_of_our_own_problems() -> None:
    assert stop_code(DeclinedHere()) == "declined"
    assert stop_code(DiskFull(path="x", reason="full")) == "disk"
    assert stop_code(Busy()) == "busy"
    assert stop_code(Cancelled()) == "cancelled"
    assert stop_code(IdentityDamaged(detail="x", folder="y")) in ("peer_stopped", "disk")
    assert stop_code(PeerStopped()) == "peer_stopped"


def test_what_a_stop_is_to_its_reader() -> None:
    assert type(problem_of_stop("busy")) is Busy
    assert type(problem_of_stop("a word of later")) is PeerStopped
    assert type(problem_of_stop("receipt")) is ReceiptProblem
