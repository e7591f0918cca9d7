"""Receipts: what is accepted verifies for ever, and nothing in one makes us look elsewhere or obey."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from countersign.base.errors import DiskProblem, ReceiptProblem
from countersign.base.hashing import digest_of
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.receipts.checking import check_receipt
from countersign.receipts.format import Countersignature, Header, Here, Line, Notice, is_time, time_text
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Stream, StreamWriter
from countersign.trust.certificate import LARGEST_RSA
from countersign.trust.fingerprint import DeviceId
from countersign.wire import messages as m
from tests.long.signing import body_of, facts_of, signature_of, signed_receipt
from tests.transfers import Couple

FILE = Line("a", "file", size=1, blake3=digest_of(b"S").hex())


def one_file() -> Manifest:
    manifest = Manifest()
    manifest.add(Entry(EntryKind.FILE, -1, "a", 1, 0, ""))
    return manifest


def header(couple: Couple, **changes: Any) -> Header:
    made, _lines = facts_of(
        one_file(), couple.alice.device.identity.pem.decode(), couple.bob.device.identity.pem.decode()
    )
    return msgspec.structs.replace(made, **changes)


def signed(couple: Couple, first: Header, *lines: Line) -> Path:
    alice, bob = couple.alice.device.identity, couple.bob.device.identity
    path = couple.root / "made.receipt"
    path.write_bytes(signed_receipt(first, lines, bob.sign, alice.sign))
    return path


@pytest.fixture
def beside(couple: Couple) -> Path:
    """An empty folder with a secret beside it and a link that leads out."""
    (couple.root / "secret").write_bytes(b"S")
    folder = couple.root / "folder"
    folder.mkdir()
    (folder / "out").symlink_to(couple.root)
    return folder


def test_a_right_one_verifies(couple: Couple) -> None:
    checked = check_receipt(signed(couple, header(couple), FILE), None)
    assert checked.countersigned
    assert checked.sender == couple.alice.device.identity.id
    assert checked.receiver == couple.bob.device.identity.id
    assert checked.files == 1


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "", "a/b", "..", "a\0b", "..\\secret"])
def test_names_that_lead_elsewhere_are_refused(couple: Couple, beside: Path, name: str) -> None:
    receipt = signed(couple, header(couple), msgspec.structs.replace(FILE, name=name))
    with pytest.raises(ReceiptProblem):
        check_receipt(receipt, beside)


def test_no_link_is_followed(couple: Couple, beside: Path) -> None:
    lines = Line("out", "folder"), Line("secret", "file", 0, 1, FILE.blake3)
    checked = check_receipt(signed(couple, header(couple, entries=2), *lines), beside)
    assert {path for path, _wrong in checked.differing} == {"out", "out/secret"}


@pytest.mark.parametrize(
    "changes",
    [
        {"files": 2},
        {"bytes": 0},
        {"skipped": 1},
        {"entries": 2},
        {"time": "2026\x1b[2K"},
        {"time": "now"},
        {"time": "0001-01-01T00:00:00+14:00"},
        {"time": "9999-12-31T23:59:59-14:00"},
        {"time": "2026-01-01T00:00:00"},
        {"time": "2026-01-01x00:00:00+00:00"},
        {"time": "2026-01-01T00:00+00:00"},
        {"time": "2026-01-01T00:00:00Z"},
        {"time": "20260101T000000+0000"},
        {"time": "2026-W01-1T00:00:00+00:00"},
        {"time": "2026-01-01T00:00:00.5+00:00"},
        {"time": "2026-01-01T00:00:00+00:00:01"},
        {"time": "2026-13-01T00:00:00+00:00"},
        {"time": "\u0662026-01-01T00:00:00+00:00"},
        {"transfer_id": "x"},
        {"transfer_id": "\x1b[2K" + "0" * 28},
        {"sender": "00" * 32},
        {"receiver": "00" * 32},
        {"sender_certificate": ""},
        {"receiver_certificate": "-----BEGIN"},
        {"format": "countersign-receipt/1"},
        {"name": "x" * 2000},
    ],
)
def test_r2_headers_that_lie(couple: Couple, changes: dict[str, Any]) -> None:
    receipt = signed(couple, header(couple, **changes), FILE)
    with pytest.raises(ReceiptProblem):
        check_receipt(receipt, None)


@pytest.mark.parametrize(
    "line",
    [
        Line("a", "file"),
        Line("a", "file", size=1),
        Line("a", "file", size=-1, blake3=FILE.blake3),
        Line("a", "file", size=1, blake3="00"),
        Line("a", "file", size=1, blake3="XY" * 32),
        Line("a", "file", size=1, blake3=FILE.blake3, target="x"),
        Line("a", "file", size=1, blake3=FILE.blake3, skipped="changed"),
        Line("a", "file", skipped="whatever \x1b[2K"),
        Line("a", "pipe", size=1, blake3=FILE.blake3),
        Line("a", "folder", size=1),
        Line("a", "link"),
        Line("a", "link", target="/etc/passwd"),
        Line("a", "file", 0, 1, FILE.blake3),
        Line("a", "file", 5, 1, FILE.blake3),
    ],
)
def test_r2_lines_that_cannot_be(couple: Couple, line: Line) -> None:
    counts = {"files": int(line.skipped is None and line.size is not None), "skipped": int(line.skipped is not None)}
    receipt = signed(couple, header(couple, **counts, bytes=max(0, line.size or 0) * counts["files"]), line)
    with pytest.raises(ReceiptProblem):
        check_receipt(receipt, None)


@pytest.mark.parametrize("offset", [0, 3600, -12 * 3600, 5025, 1])
def test_a_time_of_any_zone_is_one_that_is_accepted(offset: int) -> None:
    zone = datetime.timezone(datetime.timedelta(seconds=offset))
    moment = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=zone)
    assert is_time(time_text(moment))
    assert datetime.datetime.fromisoformat(time_text(moment)) == moment


def rewritten(couple: Couple, change: Callable[[bytes], bytes]) -> Path:
    """A receipt whose lines are other bytes that say the same, signed as they stand."""
    alice, bob = couple.alice.device.identity, couple.bob.device.identity
    body = change(body_of(header(couple), [FILE]))
    path = couple.root / "rewritten.receipt"
    received = msgspec.json.encode({"received": signature_of(body, m.Role.RECEIVER, bob.sign)})
    sent = msgspec.json.encode({"sent": signature_of(body, m.Role.SENDER, alice.sign)})
    path.write_bytes(body + received + b"\n" + sent + b"\n")
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(b'"name":"a"', b'"name": "a"'),
        lambda body: body.replace(b'"name":"a"', b'"name":"\\u0061"'),
        lambda body: body.replace(b'"name":"a"', b'"name":"b","name":"a"'),
        lambda body: body.replace(b'"name":"a"', b'"name":"a","more":1'),
        lambda body: body.replace(b'"kind":"file"', b'"kind":"file","parent":-1'),
        lambda body: body.replace(b"\n", b"\r\n", 1),
        lambda body: body.replace(b"\n", b"\n\n", 1),
        lambda body: body + b'{"signature":"AA=="}\n',
    ],
)
def test_r2_one_receipt_has_one_form(couple: Couple, change: Callable[[bytes], bytes]) -> None:
    assert check_receipt(rewritten(couple, lambda body: body), None).countersigned
    with pytest.raises(ReceiptProblem):
        check_receipt(rewritten(couple, change), None)


@pytest.mark.parametrize("which", ["received", "sent"])
def test_r2_signatures_doubled_swapped_or_by_another(couple: Couple, which: str) -> None:
    alice, bob = couple.alice.device.identity, couple.bob.device.identity
    facts = header(couple), [FILE]
    right = signed_receipt(*facts, bob.sign, alice.sign)
    line = next(line for line in right.splitlines(keepends=True) if line.startswith(f'{{"{which}"'.encode()))
    path = couple.root / "x.receipt"
    wrong = [
        right + line,
        signed_receipt(*facts, alice.sign, bob.sign),
        signed_receipt(*facts, bob.sign, bob.sign),
        signed_receipt(*facts, lambda data: bob.sign(b"else"), alice.sign),
        right.replace(line, b""),
        right.replace(line, f'{{"{which}":"*"}}\n'.encode()),
        right.replace(line, f'{{"{which}":""}}\n'.encode()),
        right[:-1],
    ]
    for number, data in enumerate(wrong):
        path.write_bytes(data)
        if which == "sent" and number == 4:
            assert not check_receipt(path, None).countersigned  # the line was lost before the sender could sign
            continue
        with pytest.raises(ReceiptProblem):
            check_receipt(path, None)


@pytest.mark.parametrize(("name", "here"), [("b", "c"), ("a", "../x"), ("a", ""), ("a", "/x")])
def test_names_beside_the_signatures_are_checked(couple: Couple, name: str, here: str) -> None:
    data = signed_receipt(header(couple), [FILE], couple.bob.device.identity.sign)
    path = couple.root / "x.receipt"
    path.write_bytes(data + msgspec.json.encode(Here(here, name)) + b"\n")
    with pytest.raises(ReceiptProblem):
        check_receipt(path, None)


def test_every_changed_byte_is_noticed(couple: Couple) -> None:
    receipt = signed(couple, header(couple), FILE)
    data = receipt.read_bytes()
    check_receipt(receipt, None)
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 1
        receipt.write_bytes(changed)
        with pytest.raises(ReceiptProblem):
            check_receipt(receipt, None)
    for size in range(0, data.rindex(b'{"sent"'), 50):
        receipt.write_bytes(data[:size])
        with pytest.raises(ReceiptProblem):
            check_receipt(receipt, None)


def test_a_folder_that_is_not_there(couple: Couple) -> None:
    with pytest.raises(DiskProblem):
        check_receipt(signed(couple, header(couple), FILE), couple.root / "missing")


def test_the_largest_signature_fits_every_cap() -> None:
    """An RSA key of 8192 bits signs with 1024 bytes."""
    signature = bytes(LARGEST_RSA // 8)
    ring = KeyRing(b"k" * 32, b"t" * 16, DeviceId(b"a" * 32), DeviceId(b"b" * 32))
    for kind, stream, payload in (
        (m.Kind.RECEIPT, Stream.RECEIPT, Notice("2026-01-01T00:00:00+00:00", signature, True)),
        (m.Kind.THANKS, Stream.THANKS, Countersignature(signature)),
    ):
        data = msgspec.msgpack.encode(payload)
        assert msgspec.msgpack.decode(data, type=type(payload), strict=True) == payload
        assert len(StreamWriter(ring, stream).write(data, True, 1)) <= m.CAPS[kind]
        data = msgspec.msgpack.encode(msgspec.structs.replace(payload, signature=signature + b"x"))
        with pytest.raises(msgspec.DecodeError):
            msgspec.msgpack.decode(data, type=type(payload), strict=True)
