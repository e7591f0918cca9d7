"""Tokens, keys and streams at their edges: forged ones whose tag is right, buffers of every size, and numbers that may never change."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from countersign.base.errors import BadKey, SealBroken
from countersign.seal import keytext, token
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Opener, Order, Sealer, Stream

KEY = b"s" * 16 + b"e" * 16
BLOCK = 16


def tagged(body: bytes) -> bytes:
    """A token of any body whose tag is right: what only somebody with the key can make."""
    return body + hmac.digest(KEY[:16], body, hashlib.sha256)


HEAD = b"\x80" + bytes(8) + b"i" * BLOCK


@pytest.mark.parametrize("extra", [b"", b"x", b"x" * 15, b"x" * 17, b"x" * 31, b"x" * 33])
def test_a_token_without_whole_blocks_is_broken_though_its_tag_is_right(extra: bytes) -> None:
    with pytest.raises(SealBroken):
        token.open_token(KEY, tagged(HEAD + extra))


@pytest.mark.parametrize("short", [b"", b"\x80", HEAD[:9], HEAD[:-1]])
def test_a_token_without_a_head_is_broken_though_its_tag_is_right(short: bytes) -> None:
    with pytest.raises(SealBroken):
        token.open_token(KEY, tagged(short))


@pytest.mark.parametrize("version", [0x00, 0x7F, 0x81])
def test_another_version_is_broken_though_its_tag_is_right(version: int) -> None:
    good = bytes(token.seal(KEY, [b"x"], 1))
    assert bytes(token.open_token(KEY, good)) == b"x"
    with pytest.raises(SealBroken):
        token.open_token(KEY, tagged(bytes([version]) + good[1 : -token.TAG]))


def test_every_padding_is_read_and_no_other() -> None:
    """The last byte of the block before is the last of the next block's plain text, turned by as much."""
    for size in range(BLOCK + 1):
        made = bytes(token.seal(KEY, [b"p" * size], 1))
        assert token.open_token(KEY, made) == b"p" * size
    made = bytes(token.seal(KEY, [b"p" * BLOCK], 1, iv=bytes(BLOCK)))
    body = bytearray(made[: -token.TAG])
    at = len(body) - BLOCK - 1  # turns the padding's last byte, 16, into others
    for pad in (0, 17, 32, 255):
        bad = bytearray(body)
        bad[at] ^= BLOCK ^ pad
        with pytest.raises(SealBroken):
            token.open_token(KEY, tagged(bytes(bad)))


def test_the_sizes_are_those_of_the_format() -> None:
    assert (token.HEAD, token.BLOCK, token.TAG, token.SMALLEST) == (25, 16, 32, 73)
    assert [token.token_size(n) for n in (0, 1, 15, 16, 17)] == [73, 73, 73, 89, 89]


@pytest.mark.parametrize("length", [0, 5, 16, 100])
def test_a_token_is_made_in_a_buffer_of_any_size(length: int) -> None:
    size = token.token_size(length)
    for room in range(size - BLOCK - 2, size + 2 * BLOCK + 2):
        out = bytearray(max(0, room))
        made = token.seal(KEY, [b"x" * length], 1, out)
        assert made.obj is out
        assert token.open_token(KEY, made) == b"x" * length
        made.release()
        assert len(out) == max(room, size + BLOCK)


def test_a_token_without_a_buffer_gets_one_just_large_enough() -> None:
    made = token.seal(KEY, [b"x" * 100], 1)
    assert isinstance(made.obj, bytearray)
    assert len(made.obj) == token.token_size(100) + BLOCK


def test_a_plaintext_goes_into_the_buffer_that_has_just_enough_room() -> None:
    made = bytes(token.seal(KEY, [b"x" * 20], 1))
    enough, little = bytearray(2 * BLOCK + BLOCK), bytearray(2 * BLOCK + BLOCK - 1)
    assert token.open_token(KEY, made, enough).obj is enough
    plain = token.open_token(KEY, made, little)
    assert plain == b"x" * 20
    assert plain.obj is not little
    assert isinstance(plain.obj, bytearray)
    assert len(plain.obj) == len(enough)


def test_the_time_is_written_into_a_token() -> None:
    assert bytes(token.seal(KEY, [b""], 0x0102030405060708)[1:9]) == bytes(range(1, 9))


# --- streams ---------------------------------------------------------------------------------------------------------


def ring() -> KeyRing:
    return KeyRing(b"m" * 32, b"t" * 16, b"a" * 32, b"b" * 32)


def test_streams_have_the_numbers_that_other_versions_know() -> None:
    assert {stream.name: stream.value for stream in Stream} == {
        "MANIFEST": 1, "ANSWER": 2, "PACK": 3, "RECEIPT": 4, "HASHES": 5, "VERDICT": 6, "THANKS": 7,
    }  # fmt: skip


def test_a_frame_of_no_payload_is_opened() -> None:
    made = Sealer(ring(), Stream.PACK).seal(0, True, [], 1)
    last, payload = Opener(ring(), Stream.PACK).open_frame(0, made)
    assert (last, bytes(payload)) == (True, b"")


def test_an_order_counts_from_nought_to_the_last() -> None:
    order = Order()
    assert [order.take() for _n in range(3)] == [0, 1, 2]
    assert order.next == 3
    order.ended = True
    with pytest.raises(SealBroken):
        order.take()


# --- the spoken key --------------------------------------------------------------------------------------------------


def doubled(value: int) -> int:
    """Times a in GF(32): x^5 = x^2 + 1."""
    high, rest = divmod(value, 16)
    return (2 * rest) ^ (0b00101 if high else 0)


def check_sum(values: list[int]) -> int:
    """The sum of a^i * value_i over GF(32), worked out from the end (Horner)."""
    total = 0
    for value in reversed(values):
        total = doubled(total) ^ value
    return total


@pytest.mark.parametrize("fifteen", [[0] * 15, [31] * 15, list(range(15)), [1] + [0] * 14, [0] * 14 + [1]])
def test_the_check_character_is_that_of_the_protocol(fifteen: list[int]) -> None:
    key = keytext.with_check(fifteen)
    values = [keytext.ALPHABET.index(c) for c in key]
    assert values[:15] == fifteen
    assert check_sum(values) == 0
    assert keytext.parse_key(key) == key


def test_the_key_of_noughts_is_noughts() -> None:
    assert keytext.with_check([0] * 15) == "0" * 16
    with pytest.raises(BadKey):
        keytext.parse_key("0" * 15 + "1")
