"""The formats against known answers: every byte that is written, what is read, and that a changed bit never reads as the same."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from countersign.base.errors import BadKey
from countersign.base.hashing import digest_of
from countersign.seal import keytext
from tests.vectors import make
from tests.vectors.devices import SEEDS
from tests.vectors.formats import FORMATS, Inputs, body_of, flipped, hexed

MOST_FLIPS = 1500  # of one case; larger ones are sampled
NOT_CANONICAL = {("pack", "deflated")}  # several deflated forms are right, so this one is only read
# deflate has bits that nobody reads; a field whose name is not known reads as left out
NEUTRAL_BITS = {("pack", "deflated"), ("answer", "everything")}


def load(name: str) -> Any:
    return json.loads((make.OWN / f"{name}.json").read_text(encoding="utf-8"))


def bytes_in(name: str, case: dict[str, Any]) -> bytes:
    encoded: str = case["encoded"]
    return encoded.encode() if name == "receipt" else hexed(encoded)


CASES = [(name, case) for name in FORMATS for case in load(name)["cases"]]
IDS = [f"{name}: {case['case']}" for name, case in CASES]
KEYS = load("keytext")


def test_every_format_has_a_file_and_every_file_a_case() -> None:
    assert {path.stem for path in make.OWN.iterdir()} == {*FORMATS, "keytext"}
    assert {name for name, _case in CASES} == set(FORMATS)
    assert all(KEYS[part] for part in ("cases", "typed", "slips"))


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_what_is_written_is_the_vector(name: str, case: dict[str, Any]) -> None:
    if (name, case["case"]) not in NOT_CANONICAL:
        assert FORMATS[name].write(case["inputs"]) == bytes_in(name, case)


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_what_is_read_from_the_vector_is_what_was_put_in(name: str, case: dict[str, Any]) -> None:
    read = FORMATS[name].read(case["inputs"], bytes_in(name, case))
    assert read == FORMATS[name].expected(case["inputs"])


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_the_vectors_broken_bit_is_the_named_error(name: str, case: dict[str, Any]) -> None:
    assert case["broken"]["error"] == FORMATS[name].error.__name__
    with pytest.raises(FORMATS[name].error):
        FORMATS[name].read(case["inputs"], flipped(bytes_in(name, case), case["broken"]["bit"]))


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_no_changed_bit_reads_as_the_same(name: str, case: dict[str, Any]) -> None:
    """Where nothing signs or seals the bytes, some changes read as something else; none may end in another error."""
    data, expected = bytes_in(name, case), FORMATS[name].expected(case["inputs"])
    for bit in range(0, 8 * len(data), 8 * len(data) // MOST_FLIPS | 1):
        try:
            read = FORMATS[name].read(case["inputs"], flipped(data, bit))
        except FORMATS[name].error:
            continue
        assert read != expected or (name, case["case"]) in NEUTRAL_BITS, bit


def test_the_script_makes_these_files() -> None:
    made = make.build()
    assert made.pop("keytext") == KEYS
    for name, content in made.items():
        for new, case in zip(content["cases"], load(name)["cases"], strict=True):
            if (name, case["case"]) not in NOT_CANONICAL:
                assert new == case


def test_the_script_keeps_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "OWN", tmp_path)
    monkeypatch.setattr(make, "build", lambda: {"token": {"cases": []}, "code": {"cases": []}})
    (tmp_path / "token.json").write_text("{}")
    monkeypatch.setattr(sys, "argv", ["make"])
    assert make.main() == 1
    assert "token.json differs and was kept" in capsys.readouterr().err
    assert (tmp_path / "token.json").read_text() == "{}"
    monkeypatch.setattr(sys, "argv", ["make", "--replace"])
    assert make.main() == 0
    assert (tmp_path / "token.json").read_text() == (tmp_path / "code.json").read_text()


def test_no_vector_holds_a_key() -> None:
    for path in make.OWN.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "PRIVATE" not in text
        assert not [name for name, seed in SEEDS.items() if seed.hex() in text]


# --- keys that are spoken --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", KEYS["cases"], ids=lambda case: case["key"])
def test_the_check_character_and_the_forms_of_a_key(case: dict[str, Any]) -> None:
    assert keytext.with_check(case["values"]) == case["key"]
    assert keytext.grouped(case["key"]) == case["grouped"]
    assert keytext.spelled(case["key"]) == case["spelled"]


@pytest.mark.parametrize("case", KEYS["typed"], ids=lambda case: repr(case["typed"]))
def test_what_may_be_typed_for_a_key(case: dict[str, Any]) -> None:
    assert keytext.parse_key(case["typed"]) == case["key"]


@pytest.mark.parametrize("case", KEYS["slips"], ids=lambda case: case["slip"])
def test_slips_are_refused(case: dict[str, Any]) -> None:
    assert case["error"] == BadKey.__name__
    with pytest.raises(BadKey):
        keytext.parse_key(case["typed"])


@pytest.mark.parametrize("case", KEYS["cases"], ids=lambda case: case["key"])
def test_a_changed_bit_in_any_character_is_refused(case: dict[str, Any]) -> None:
    for at, char in enumerate(case["key"]):
        for bit in range(5):
            other = keytext.ALPHABET[keytext.ALPHABET.index(char) ^ 1 << bit]
            with pytest.raises(BadKey):
                keytext.parse_key(case["key"][:at] + other + case["key"][at + 1 :])


# --- the vectors by other means than our own code --------------------------------------------------------------------


def inputs_of(name: str) -> list[tuple[Inputs, bytes]]:
    return [(case["inputs"], bytes_in(name, case)) for case in load(name)["cases"]]


def test_fernet_opens_the_tokens() -> None:
    for inputs, data in inputs_of("token"):
        opened = Fernet(base64.urlsafe_b64encode(hexed(inputs["key"]))).decrypt(base64.urlsafe_b64encode(data))
        assert opened.hex() == inputs["plain"]


def test_the_keys_and_proofs_are_the_documents_formulas() -> None:
    for inputs, data in inputs_of("master"):
        salt = hexed(inputs["salt"])
        assert data == hashlib.scrypt(
            inputs["key"][:15].encode(), salt=salt, n=1 << 17, r=8, p=1, maxmem=1 << 28, dklen=32
        )
    stream_keys = {}
    for inputs, data in inputs_of("stream_keys"):
        ids = hexed(inputs["sender_id"] + inputs["receiver_id"])
        info = b"countersign/1 " + inputs["label"].encode() + b"\0" + ids
        extracted = hmac.digest(hexed(inputs["transfer_id"]), hexed(inputs["master"]), "sha256")
        assert data == hmac.digest(extracted, info + b"\1", "sha256")
        stream_keys[inputs["label"]] = data
    for inputs, data in inputs_of("code"):
        names = ("receiver_nonce", "sender_nonce", "sender_id", "receiver_id")
        told = b"countersign/1 code" + b"".join(hexed(inputs[name]) for name in names)
        assert data == hmac.digest(inputs["code"].encode(), told, "sha256")
    for inputs, data in inputs_of("rejoin"):
        told = b"countersign/1 rejoin" + hexed(inputs["receiver_nonce"] + inputs["sender_nonce"])
        assert data == hmac.digest(stream_keys["rejoin"], told, "sha256")


def test_any_unzip_reads_the_packs() -> None:
    for inputs, data in inputs_of("pack"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            found = {name: archive.read(name).hex() for name in archive.namelist()}
        pieces = inputs["pieces"]
        assert found == {f"{index}-{offset}": content for index, offset, _n, content in pieces if content is not None}


def test_receipts_have_the_digest_and_the_signatures_that_are_named() -> None:
    for inputs, data in inputs_of("receipt"):
        body, tail = body_of(inputs), data[len(body_of(inputs)) :]
        assert data.startswith(body)
        assert digest_of(body).hex() == inputs["digest"]
        received, sent = (json.loads(line) for line in tail.splitlines())
        for text, role in ((received["received"], "receiver"), (sent["sent"], "sender")):
            assert base64.b64decode(text).hex() == inputs[f"signature_of_{role}"]
