"""Tokens, streams and keys against published vectors and `cryptography`'s own Fernet."""

from __future__ import annotations

import base64
import binascii
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken
from hypothesis import given, settings, strategies as some

from countersign.base.errors import SealBroken
from countersign.seal import keys, token
from countersign.seal.keys import KeyRing, Label
from countersign.seal.stream import Opener, Sealer, Stream, StreamReader, StreamWriter
from tests.test_documents import PROTOCOL, table

VECTORS = Path(__file__).resolve().parent / "vectors"
UNTIMED = {"far-future TS (unacceptable clock skew)", "expired TTL"}  # we do not check the time, so these open
TEXT_ONLY = {"invalid base64"}  # says nothing of a token in binary


def fernet(name: str) -> list[dict[str, Any]]:
    """The cases in one file of the Fernet specification."""
    cases: list[dict[str, Any]] = json.loads((VECTORS / "fernet" / name).read_text(encoding="utf-8"))
    assert cases
    return cases


def binary(text: str) -> bytes:
    return base64.urlsafe_b64decode(text)


SECRET = binary(fernet("generate.json")[0]["secret"])


@pytest.mark.parametrize("case", fernet("generate.json"), ids=lambda case: case["src"])
def test_the_specifications_token_is_made_byte_for_byte(case: dict[str, Any]) -> None:
    now = int(datetime.datetime.fromisoformat(case["now"]).timestamp())
    made = token.seal(binary(case["secret"]), [case["src"].encode()], now, iv=bytes(case["iv"]))
    assert base64.urlsafe_b64encode(made).decode() == case["token"]


@pytest.mark.parametrize("case", fernet("verify.json"), ids=lambda case: case["src"])
def test_the_specifications_token_is_opened(case: dict[str, Any]) -> None:
    assert bytes(token.open_token(binary(case["secret"]), binary(case["token"]))) == case["src"].encode()


@pytest.mark.parametrize("case", fernet("invalid.json"), ids=lambda case: case["desc"])
def test_the_specifications_invalid_tokens_are_refused(case: dict[str, Any]) -> None:
    if case["desc"] in TEXT_ONLY:
        with pytest.raises(binascii.Error):
            base64.b64decode(case["token"], altchars=b"-_", validate=True)
    elif case["desc"] in UNTIMED:
        expected = Fernet(case["secret"]).decrypt(case["token"])  # without a lifetime it does not check the time either
        assert token.open_token(binary(case["secret"]), binary(case["token"])) == expected
    else:
        with pytest.raises(SealBroken):
            token.open_token(binary(case["secret"]), binary(case["token"]))


def test_every_exception_of_ours_is_a_case_of_the_specification() -> None:
    assert {case["desc"] for case in fernet("invalid.json")} >= UNTIMED | TEXT_ONLY


FERNET_KEY = some.binary(min_size=32, max_size=32)


@given(FERNET_KEY, some.binary(max_size=200), some.integers(0, 200))
def test_our_tokens_open_with_fernet(key: bytes, data: bytes, at: int) -> None:
    made = token.seal(key, [data[:at], data[at:]], 1)
    assert Fernet(base64.urlsafe_b64encode(key)).decrypt(base64.urlsafe_b64encode(made)) == data


@given(FERNET_KEY, some.binary(max_size=200))
def test_fernets_tokens_open_with_ours(key: bytes, data: bytes) -> None:
    made = base64.urlsafe_b64decode(Fernet(base64.urlsafe_b64encode(key)).encrypt(data))
    assert token.open_token(key, made) == data


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 31, 32, 4096, 1 << 20])
def test_kept_buffers_give_the_same_as_fresh_ones(size: int) -> None:
    key, data = b"k" * 32, bytes(size)
    out, plain = bytearray(8), bytearray(8)
    made = token.seal(key, [data], 7, out)
    assert len(made) == token.token_size(size)
    assert token.open_token(key, made, plain) == data


def test_s2_a_flipped_bit_at_any_byte_is_the_same_error() -> None:
    made = bytes(token.seal(SECRET, [b"some content that is longer than a block"], 7))
    for at in range(len(made)):
        for bit in (1, 128):
            bad = bytearray(made)
            bad[at] ^= bit
            with pytest.raises(SealBroken) as caught:
                token.open_token(SECRET, bad)
            assert caught.value.facts == {}


@given(some.binary(max_size=300))
def test_any_bytes_open_or_are_broken(data: bytes) -> None:
    with pytest.raises(SealBroken):
        token.open_token(SECRET, data)


def test_tokens_cut_anywhere_are_broken() -> None:
    made = token.seal(SECRET, [b"x" * 100], 7)
    for size in range(len(made)):
        with pytest.raises(SealBroken):
            token.open_token(SECRET, made[:size])
    with pytest.raises(InvalidToken):
        Fernet(base64.urlsafe_b64encode(SECRET)).decrypt(base64.urlsafe_b64encode(made[:50]))


# --- streams ---------------------------------------------------------------------------------------------------------


def ring(transfer: bytes = b"t" * 16, master: bytes = b"m" * 32, receiver: bytes = b"b" * 32) -> KeyRing:
    return KeyRing(master, transfer, b"a" * 32, receiver)


def frames(count: int, kind: Stream = Stream.PACK, of: KeyRing | None = None) -> list[memoryview]:
    writer = StreamWriter(of or ring(), kind)
    return [writer.write(f"frame {n}".encode(), n == count - 1, 5) for n in range(count)]


def read_all(tokens: list[memoryview], kind: Stream = Stream.PACK) -> list[bytes]:
    reader = StreamReader(ring(), kind)
    found = [bytes(reader.read(item)) for item in tokens]
    assert reader.ended
    return found


def test_a_stream_is_read_as_it_was_written() -> None:
    assert read_all(frames(3)) == [b"frame 0", b"frame 1", b"frame 2"]


@settings(max_examples=300)
@given(some.permutations(range(5)), some.lists(some.integers(0, 4), max_size=7))
def test_s1_any_other_order_choice_or_number_is_refused(order: list[int], chosen: list[int]) -> None:
    tokens = frames(5)
    for picked in (order, chosen):
        if picked == [0, 1, 2, 3, 4]:
            continue
        with pytest.raises((SealBroken, AssertionError)):
            read_all([tokens[n] for n in picked])


def test_s1_nothing_is_accepted_after_the_last() -> None:
    reader = StreamReader(ring(), Stream.PACK)
    for item in frames(2):
        reader.read(item)
    for extra in (frames(3)[2], frames(1)[0]):
        with pytest.raises(SealBroken):
            reader.read(extra)


@pytest.mark.parametrize(
    "other",
    [ring(transfer=b"u" * 16), ring(master=b"n" * 32), ring(receiver=b"c" * 32)],
    ids=["transfer", "key", "device"],
)
def test_s1_a_frame_of_another_transfer_key_or_device_is_refused(other: KeyRing) -> None:
    with pytest.raises(SealBroken):
        StreamReader(ring(), Stream.PACK).read(frames(1, of=other)[0])


def test_s1_a_frame_of_another_stream_is_refused() -> None:
    for kind in (Stream.MANIFEST, Stream.ANSWER, Stream.RECEIPT):
        with pytest.raises(SealBroken):
            StreamReader(ring(), Stream.PACK).read(frames(1, kind)[0])


def test_a_token_without_room_for_its_header_is_refused() -> None:
    key = ring().stream_key(Label.PACK)
    with pytest.raises(SealBroken):
        Opener(ring(), Stream.PACK).open_frame(0, token.seal(key, [b"short"], 1))


def test_a_last_flag_is_nought_or_one() -> None:
    key = ring().stream_key(Label.PACK)
    inner = b"t" * 16 + bytes([Stream.PACK]) + bytes(8) + b"\x02"
    with pytest.raises(SealBroken):
        Opener(ring(), Stream.PACK).open_frame(0, token.seal(key, [inner], 1))


def test_stream_keys_differ_by_label_and_transfer() -> None:
    found = {ring().stream_key(label) for label in Label} | {ring(transfer=b"u" * 16).stream_key(Label.PACK)}
    assert len(found) == len(Label) + 1
    assert all(len(key) == 32 for key in found)


def test_a_frame_is_sealed_apart_from_its_neighbours() -> None:
    sealer, opener = Sealer(ring(), Stream.PACK), Opener(ring(), Stream.PACK)
    last, payload = opener.open_frame(9, sealer.seal(9, True, [b"x"], 1))
    assert (last, bytes(payload)) == (True, b"x")
    with pytest.raises(SealBroken):
        opener.open_frame(8, sealer.seal(9, True, [b"x"], 1))


def test_rejoin_proofs_belong_to_two_nonces() -> None:
    assert len({ring().rejoin_proof(a, b) for a in (b"1", b"2") for b in (b"3", b"4")}) == 4


def test_scrypt_is_that_of_the_protocol() -> None:
    import hashlib

    key = "0123456789ABCDE0"
    expected = hashlib.scrypt(key[:15].encode(), salt=b"s" * 16, n=1 << 17, r=8, p=1, maxmem=1 << 28, dklen=32)
    assert keys.stretch(key, b"s" * 16) == expected


def test_no_text_form_shows_a_key() -> None:
    assert "m" * 8 not in repr(ring())


def test_a_token_holds_what_the_document_says() -> None:
    rows = table(PROTOCOL.partition("\n## Sealed frames\n")[2], "bytes")
    *widths, rest = [width for width, _content in rows]
    assert rest == "rest"
    values = (b"t" * 16, bytes([Stream.PACK]), (7).to_bytes(8, "big"), b"\x01")
    assert [len(value) for value in values] == [int(width) for width in widths]
    made = Sealer(ring(), Stream.PACK).seal(7, True, [b"payload"], 1)
    assert token.open_token(ring().stream_key(Label.PACK), made) == b"".join(values) + b"payload"


# --- Wycheproof ------------------------------------------------------------------------------------------------------


def _wycheproof(name: str) -> list[tuple[dict[str, object], dict[str, str]]]:
    groups = json.loads((VECTORS / "wycheproof" / name).read_text(encoding="utf-8"))["testGroups"]
    cases = [(group, case) for group in groups for case in group["tests"]]
    assert cases
    return cases


def test_hkdf_of_wycheproof() -> None:
    for _group, case in _wycheproof("hkdf_sha256_test.json"):
        secret, salt, info = (bytes.fromhex(case[name]) for name in ("ikm", "salt", "info"))
        size = int(case["size"])
        if case["result"] == "invalid":
            with pytest.raises(ValueError, match=r"."):
                keys.hkdf_sha256(secret, salt, info, size)
        else:
            assert keys.hkdf_sha256(secret, salt, info, size).hex() == case["okm"]


def test_aes_cbc_of_wycheproof_through_our_tokens() -> None:
    """Each valid CBC vector with a key of 128 bits becomes a token whose ciphertext must be the vector's."""
    done = 0
    for group, case in _wycheproof("aes_cbc_pkcs5_test.json"):
        assert group["keySize"] == 128
        key, iv, message, cipher = (bytes.fromhex(case[name]) for name in ("key", "iv", "msg", "ct"))
        if case["result"] == "valid":
            made = token.seal(b"s" * 16 + key, [message], 1, iv=iv)
            assert bytes(made[token.HEAD : -token.TAG]) == cipher
            assert token.open_token(b"s" * 16 + key, made) == message
            done += 1
        else:
            with pytest.raises(SealBroken):
                token.open_token(b"s" * 16 + key, _token_of(key, iv, cipher))
    assert done


def _token_of(key: bytes, iv: bytes, cipher: bytes) -> bytes:
    import hashlib
    import hmac

    body = b"\x80" + bytes(8) + iv + cipher
    return body + hmac.digest(b"s" * 16, body, hashlib.sha256)
