"""Receipts: what is accepted verifies for ever, both sides sign, and nothing in one makes us look elsewhere or obey."""

from __future__ import annotations

import datetime
import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from countersign.base.errors import DiskProblem, ReceiptProblem
from countersign.base.hashing import digest_of
from countersign.cli.commands import checksum_line
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.receipts.checking import check_receipt
from countersign.receipts.format import Countersignature, Header, Here, Line, Notice, is_time, time_text
from countersign.receipts.history import ReceiptLines, list_past_transfers
from countersign.receipts.writing import Spare
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Stream, StreamWriter
from countersign.session import status as st
from countersign.target import concluding
from countersign.transfer import connections, receiving
from countersign.trust.certificate import LARGEST_RSA
from countersign.trust.fingerprint import DeviceId
from countersign.wire import messages as m
from tests.long.signing import body_of, facts_of, signature_of, signed_receipt
from tests.losing import losing
from tests.transfers import Couple, Exchange, fill

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


# --- of a transfer ---------------------------------------------------------------------------------------------------


def receipts_of(exchange: Exchange) -> tuple[Path, Path]:
    sent, got = exchange.sender.end(), exchange.receiver.end()
    assert isinstance(sent, st.Done)
    assert isinstance(got, st.Done)
    assert sent.receipt is not None
    assert got.receipt is not None
    return sent.receipt, got.receipt


def test_both_sides_keep_the_same_text_with_both_signatures(couple: Couple) -> None:
    fill(couple.folder, large=5_000_000)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    sent, got = receipts_of(exchange)
    assert sent.read_bytes() == got.read_bytes()
    for receipt, folder in ((sent, couple.folder), (got, couple.into)):
        checked = check_receipt(receipt, folder)
        assert checked.countersigned
        assert not checked.differing
    for device in (couple.alice.device, couple.bob.device):
        [listed] = list_past_transfers(device.receipts, device.identity.ids)
        assert listed.name == "SEND_FOLDER"


def test_r2_names_that_are_taken_stay_with_the_receiver(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    couple.into.mkdir(parents=True)
    (couple.into / "run.sh").write_text("mine")
    (couple.into / "large.bin").write_bytes((couple.folder / "large.bin").read_bytes())
    exchange = Exchange(couple).run()
    sent, got = receipts_of(exchange)
    end, theirs = exchange.receiver.end(), exchange.sender.end()
    assert isinstance(end, st.Done)
    assert isinstance(theirs, st.Done)
    assert dict(end.renamed) == {"run.sh": "run (2).sh"}
    assert end.kept == ("large.bin",)
    assert not theirs.renamed_there
    assert not theirs.renamed
    assert not theirs.kept
    assert b"(2)" not in sent.read_bytes()
    assert got.read_bytes().startswith(sent.read_bytes().partition(b'{"received"')[0])
    lines = ReceiptLines(got)
    assert lines.here == {"run.sh": "run (2).sh"}
    lines.close()
    assert not check_receipt(got, couple.into).differing


def test_the_sender_learns_of_other_names_where_the_person_allows_it(couple: Couple) -> None:
    from countersign.session.proposal import Decision

    fill(couple.folder, large=1000)
    couple.into.mkdir(parents=True)
    (couple.into / "run.sh").write_text("mine")
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    exchange.reception.answers.decision.give(Decision(True, tell_renamed=True))
    exchange.join()
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert end.renamed_there


def test_a_receipt_without_thanks_is_good_and_says_so(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    losing(monkeypatch, m.Kind.THANKS, 1000)
    monkeypatch.setattr(connections, "_PAUSES", (30.0,))
    monkeypatch.setattr(receiving, "_THANKS_SECONDS", 0.1)
    exchange = Exchange(couple).start()
    got = exchange.receiver.wait(st.Done)
    exchange.session.controls.cancel()
    exchange.join()
    assert got.receipt is not None
    assert not check_receipt(got.receipt, couple.into).countersigned


LIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another time": lambda facts: {**facts, "time": "2020-01-01T00:00:00+00:00"},
    "another signature": lambda facts: {**facts, "signature": b"x" * 70},
    "no signature": lambda facts: {**facts, "signature": b""},
}


@pytest.mark.parametrize("lie", LIES)
def test_the_sender_believes_no_notice_that_lies(couple: Couple, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    fill(couple.folder, large=1000)
    notice = Notice

    def lying(time: str, signature: bytes, renamed: bool) -> Any:
        return notice(**LIES[lie]({"time": time, "signature": signature, "renamed": renamed}))

    monkeypatch.setattr(concluding, "Notice", lying)
    exchange = Exchange(couple).start().join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "receipt"
    assert not list(couple.alice.device.receipts.iterdir())


def test_the_receiver_believes_no_countersignature_of_another(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    from countersign.source import comparing

    fill(couple.folder, large=1000)
    monkeypatch.setattr(
        comparing, "Countersignature", lambda _own: m_countersignature(couple.bob.device.identity.sign(b"x"))
    )
    exchange = Exchange(couple).run()
    got = exchange.receiver.end()
    assert isinstance(got, st.Done)  # all is in its place; only the signature is worth nothing
    assert got.receipt is not None
    assert not check_receipt(got.receipt, couple.into).countersigned


def m_countersignature(signature: bytes) -> Any:
    from countersign.receipts.format import Countersignature

    return Countersignature(signature)


def test_what_a_computer_cannot_make_is_told_by_its_own_reason(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links on Windows were told as names that cannot be kept."""
    monkeypatch.setattr("countersign.target.proposing.LINKS_WORK", False)
    fill(couple.folder, large=1000)
    exchange = Exchange(couple).run()
    sent, _got = receipts_of(exchange)
    assert dict(check_receipt(sent, None).skipped) == {"link": "links", "a/up": "links"}


# --- checksums -------------------------------------------------------------------------------------------------------


def test_checksums_are_those_of_sha256sum(couple: Couple) -> None:
    fill(couple.folder, large=3_000_000)
    (couple.folder / "line\nend").write_text("x")
    exchange = Exchange(couple).run()
    _sent, got = receipts_of(exchange)
    lines: list[str] = []
    check_receipt(got, couple.into, lambda name, digest: lines.append(checksum_line(name, digest)))
    assert len(lines) == sum(1 for path in couple.into.rglob("*") if path.is_file() and not path.is_symlink())
    assert any(line.startswith("\\") for line in lines)
    digest = hashlib.sha256((couple.into / "large.bin").read_bytes()).hexdigest()
    assert f"{digest}  large.bin\n" in lines
    sums = couple.root / "sums"
    sums.write_text("".join(lines), encoding="utf-8")
    done = subprocess.run(["sha256sum", "-c", "--quiet", str(sums)], cwd=couple.into, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_draft_that_the_disk_cannot_take_is_removed_all_the_same(tmp_path: Path) -> None:
    spare = Spare(tmp_path)
    spare.file.close()
    spare.file = open("/dev/full", "wb")  # noqa: SIM115 - closed by remove
    spare.file.write(b"x")  # waits in the buffer, and fails when it is closed
    spare.remove()
    assert list(tmp_path.iterdir()) == []


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
