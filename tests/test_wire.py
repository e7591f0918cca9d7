"""Frames, messages and the state table. Any bytes either parse or raise the one peer error."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings, strategies as some

from countersign.base import limits
from countersign.base.errors import ProtocolProblem
from countersign.base.hashing import DIGEST
from countersign.pack.arrival import Run, Verdict, encode
from countersign.pack.summary import Summary, encode_summary
from countersign.transfer.states import TABLE, State
from countersign.wire import messages as m
from countersign.wire.frames import HEADER, FrameReader, encode_frame
from countersign.wire.states import Conversation
from tests.test_documents import PROTOCOL, table

SEALING = 130  # the most that a token and its inner header add

CASES: list[m.Message] = [
    m.Hello([1], b"n" * 32),
    m.CodeProof(b"p" * 32),
    m.CodeAccepted(),
    m.CodeRefused(2),
    m.Offer(b"t" * 16, b"s" * 16),
    m.KeyAccepted(),
    m.KeyRefused(4),
    m.Received(1, 2, 3),
    m.Waiting(),
    m.Stop("declined"),
    m.Rejoin(b"t" * 16, b"p" * 32),
    m.Sealed(m.Kind.MANIFEST, memoryview(b"token")),
    m.Sealed(m.Kind.PACK, memoryview(b"")),
    m.Sealed(m.Kind.THANKS, memoryview(b"token")),
]


def everything(kind: m.Kind) -> int:
    return m.CAPS[kind]


def encoded(message: m.Message) -> bytes:
    header, body = encode_frame(message)
    return header + bytes(body)


@pytest.mark.parametrize("message", CASES, ids=lambda message: type(message).__name__)
@pytest.mark.parametrize("step", [1, 3, 1 << 20])
def test_frames_whole_in_pieces_and_byte_by_byte(message: m.Message, step: int) -> None:
    data = encoded(message) + encoded(m.Waiting()) + b"\x0e"
    reader = FrameReader(everything)
    found: list[m.Message] = []
    for at in range(0, len(data), step):
        found += reader.feed(data[at : at + step])
    assert found == [message, m.Waiting()]
    assert not reader.between_frames


def test_every_kind_has_a_case_a_type_and_a_cap() -> None:
    assert {m.kind_of(case) for case in CASES} | {m.Kind.ANSWER, m.Kind.RECEIPT, m.Kind.HASHES, m.Kind.VERDICT} == set(
        m.Kind
    )
    assert set(m.CAPS) == set(m.Kind)


@pytest.mark.parametrize("length", [2**31, 2**32 - 1, limits.PACK_CAP + 1])
def test_n2_lengths_are_capped_before_anything_is_allocated(length: int) -> None:
    asked: list[int] = []

    def allocate(_kind: m.Kind, n: int) -> bytearray:
        asked.append(n)
        return bytearray(n)

    reader = FrameReader(everything, allocate)
    with pytest.raises(ProtocolProblem):
        reader.feed(HEADER.pack(m.Kind.PACK, length))
    assert asked == []


def test_n2_each_type_has_its_own_cap() -> None:
    for kind in m.Kind:
        with pytest.raises(ProtocolProblem):
            FrameReader(everything).feed(HEADER.pack(kind, m.CAPS[kind] + 1))


def test_n1_no_large_message_before_its_state() -> None:
    conversation = Conversation(m.Role.RECEIVER, TABLE)
    conversation.sending(m.Kind.HELLO)
    for kind in (m.Kind.PACK, m.Kind.MANIFEST, m.Kind.OFFER, m.Kind.CODE_PROOF):
        with pytest.raises(ProtocolProblem):
            FrameReader(conversation.cap_of).feed(HEADER.pack(kind, 1))


@pytest.mark.parametrize("number", [0, 19, 255])
def test_n9_unknown_types_are_refused(number: int) -> None:
    with pytest.raises(ProtocolProblem):
        FrameReader(everything).feed(HEADER.pack(number, 0))


@given(some.binary(max_size=400))
def test_any_bytes_parse_or_are_the_one_problem(data: bytes) -> None:
    try:
        FrameReader(everything).feed(data)
    except ProtocolProblem:
        pass


@settings(max_examples=400)
@given(some.sampled_from(sorted(m.CONTROL_TYPES)), some.binary(max_size=120))
def test_any_body_parses_or_is_the_one_problem(kind: m.Kind, body: bytes) -> None:
    try:
        m.decode(kind, body)
    except ProtocolProblem:
        pass


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (m.Kind.HELLO, {"versions": [], "nonce": b"n" * 32}),
        (m.Kind.HELLO, {"versions": [1], "nonce": b"n" * 31}),
        (m.Kind.HELLO, {"versions": ["1"], "nonce": b"n" * 32}),
        (m.Kind.HELLO, {"versions": [1]}),
        (m.Kind.CODE_PROOF, {"proof": "p" * 32}),
        (m.Kind.OFFER, {"transfer_id": b"t" * 15, "salt": b"s" * 16}),
        (m.Kind.OFFER, {"transfer_id": b"t" * 16}),
        (m.Kind.STOP, {"code": "x" * 65}),
        (m.Kind.STOP, []),
    ],
)
def test_fields_out_of_range(kind: m.Kind, body: object) -> None:
    with pytest.raises(ProtocolProblem):
        m.decode(kind, msgspec.msgpack.encode(body))


def test_unknown_fields_are_ignored() -> None:
    body = msgspec.msgpack.encode({"code": "busy", "later": [1, 2, {"x": None}]})
    assert m.decode(m.Kind.STOP, body) == m.Stop("busy")


def test_deep_nesting_is_the_one_problem() -> None:
    with pytest.raises(ProtocolProblem):
        m.decode(m.Kind.STOP, b"\x91" * 200_000 + b"\x00")


def test_versions() -> None:
    assert m.common_version([2, 1]) == 1
    assert m.common_version([2, 3]) is None


def test_caps_hold_the_largest_message_of_each_type() -> None:
    assert len(encoded(m.Offer(b"t" * 16, b"s" * 16))) - HEADER.size <= m.CAPS[m.Kind.OFFER]
    run = Run(
        limits.MAX_ENTRIES, [(limits.MAX_ENTRIES - 1, 5)] * limits.RUN_ENTRIES, bytes(limits.RUN_ENTRIES * DIGEST)
    )
    assert len(encode(run)) + SEALING <= m.CAPS[m.Kind.HASHES]
    assert len(encode(Verdict(bytes(limits.MAX_ENTRIES // 8 + 1)))) + SEALING <= m.CAPS[m.Kind.VERDICT]
    summary = Summary("\U0001f600" * limits.SUMMARY_NAME, 2**60, 2**60, limits.MAX_ENTRIES, bytes(limits.TOLD_RENEWAL))
    assert len(encode_summary(summary)) + SEALING <= m.CAPS[m.Kind.MANIFEST]
    assert len(encoded(m.Hello([65535] * 32, b"n" * 32))) - HEADER.size <= m.CAPS[m.Kind.HELLO]


# --- states ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("speaker", list(m.Role))
@pytest.mark.parametrize("kind", list(m.Kind))
def test_n9_what_is_not_in_the_table_ends_the_session(state: State, speaker: m.Role, kind: m.Kind) -> None:
    conversation = Conversation(speaker.other, TABLE)
    conversation.state = state
    after = TABLE.following(state, speaker, kind)
    if after is None:
        assert conversation.cap_of(kind) == -1
        with pytest.raises(ProtocolProblem):
            conversation.received(kind)
        ours = Conversation(speaker, TABLE)
        ours.state = state
        with pytest.raises(AssertionError):
            ours.sending(kind)
    else:
        assert conversation.cap_of(kind) == m.CAPS[kind]
        conversation.received(kind)
        assert conversation.state is after


def test_nothing_follows_the_end() -> None:
    assert not [key for key in TABLE.moves if key[0] is State.CLOSED]
    for kind in m.Kind:
        assert TABLE.following(State.CLOSED, m.Role.SENDER, kind) is None


def test_a_frame_is_laid_out_as_the_document_says() -> None:
    rows = table(PROTOCOL.partition("\n## Frames\n")[2], "bytes")
    assert [width for width, _content in rows] == ["1", "4", "length"]
    (_one, kind), (four, length), (_rest, body) = rows
    assert (kind, body) == ("message type", "body")
    assert length == "length of the body, unsigned, big-endian"
    for message in CASES:
        content = bytes(m.encode_body(message))
        written = bytes([m.kind_of(message)]) + len(content).to_bytes(int(four), "big") + content
        assert encoded(message) == written
        assert FrameReader(everything).feed(written) == [message]
