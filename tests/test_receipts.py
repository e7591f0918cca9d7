"""Receipts from somebody who means harm: nothing in one makes us look elsewhere, believe a sum, or obey a sign."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from countersign.errors import DiskProblem, ReceiptProblem
from countersign.transfer import receipts, settling, status as st
from countersign.transfer.receipt_writing import Spare, write_receipt
from countersign.transfer.receipts import Header, Line, check_receipt
from tests.transfers import Couple, Exchange, fill

DIGEST = hashlib.sha256(b"S").hexdigest()


def header(couple: Couple, **changes: Any) -> Header:
    made = Header(
        format="countersign-receipt/1",
        transfer_id="00" * 16,
        time="2026-01-01T00:00:00+00:00",
        name="x",
        sender="a",
        receiver="b",
        certificate=couple.bob.device.identity.pem.decode(),
        files=1,
        bytes=1,
        skipped=0,
    )
    return msgspec.structs.replace(made, **changes)


def signed(couple: Couple, first: Header, *lines: Line) -> Path:
    return write_receipt(couple.root, first, iter(lines), couple.bob.device.identity.sign, "made")


@pytest.fixture
def beside(couple: Couple) -> Path:
    """An empty folder with a secret beside it and a link that leads out."""
    (couple.root / "secret").write_bytes(b"S")
    folder = couple.root / "folder"
    folder.mkdir()
    (folder / "out").symlink_to(couple.root)
    return folder


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "", "a//b", "a\0b", "..\\secret"])
def test_paths_that_lead_elsewhere_are_refused(couple: Couple, beside: Path, path: str) -> None:
    receipt = signed(couple, header(couple), Line(path, "file", size=1, sha256=DIGEST))
    with pytest.raises(ReceiptProblem):
        check_receipt(receipt, beside)


@pytest.mark.parametrize("published", ["../secret", "/etc/passwd", "", ".."])
def test_names_that_lead_elsewhere_are_refused(couple: Couple, beside: Path, published: str) -> None:
    receipt = signed(couple, header(couple), Line("a", "file", size=1, sha256=DIGEST, published=published))
    with pytest.raises(ReceiptProblem):
        check_receipt(receipt, beside)


def test_no_link_is_followed(couple: Couple, beside: Path) -> None:
    receipt = signed(couple, header(couple), Line("out/secret", "file", size=1, sha256=DIGEST))
    assert check_receipt(receipt, beside).differing


@pytest.mark.parametrize(
    "changes",
    [
        {"files": 2},
        {"bytes": 0},
        {"skipped": 1},
        {"time": "2026\x1b[2K"},
        {"time": "now"},
        {"time": "0001-01-01T00:00:00+14:00"},
        {"time": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_headers_that_lie(couple: Couple, changes: dict[str, Any]) -> None:
    receipt = signed(couple, header(couple, **changes), Line("a", "file", size=1, sha256=DIGEST))
    with pytest.raises(ReceiptProblem):
        check_receipt(receipt, None)


def test_every_changed_byte_is_noticed(couple: Couple) -> None:
    receipt = signed(couple, header(couple), Line("a", "file", size=1, sha256=DIGEST))
    data = receipt.read_bytes()
    check_receipt(receipt, None)
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 1
        receipt.write_bytes(changed)
        with pytest.raises(ReceiptProblem):
            check_receipt(receipt, None)
    for size in range(0, len(data), 50):
        receipt.write_bytes(data[:size])
        with pytest.raises(ReceiptProblem):
            check_receipt(receipt, None)


def test_a_folder_that_is_not_there(couple: Couple) -> None:
    receipt = signed(couple, header(couple), Line("a", "file", size=1, sha256=DIGEST))
    with pytest.raises(DiskProblem):
        check_receipt(receipt, couple.root / "missing")


LIES: dict[str, Callable[[Line], Line]] = {
    "another path": lambda line: msgspec.structs.replace(line, path="other"),
    "another size": lambda line: msgspec.structs.replace(line, size=5),
    "no hash": lambda line: msgspec.structs.replace(line, sha256=None),
    "a short hash": lambda line: msgspec.structs.replace(line, sha256="00"),
    "another name that leads out": lambda line: msgspec.structs.replace(line, published="../x"),
}


@pytest.mark.parametrize("lie", LIES)
def test_the_sender_believes_no_line_that_differs(couple: Couple, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    fill(couple.folder, large=1000)
    entry_line = receipts.entry_line

    def lying(*arguments: Any) -> Line:
        line = entry_line(*arguments)
        return LIES[lie](line) if line.path == "large.bin" else line

    monkeypatch.setattr(settling, "entry_line", lying)
    exchange = Exchange(couple).start().join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "receipt"
    assert not list(couple.alice.device.receipts.iterdir())


def test_the_sender_believes_no_header_that_lies(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    monkeypatch.setattr(settling, "Header", lambda **facts: Header(**{**facts, "files": 999_999, "bytes": -5}))
    exchange = Exchange(couple).start().join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "receipt"


def test_a_receipt_of_another_device_is_not_the_receivers(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    device = couple.bob.device
    other = dataclasses.replace(device.identity, pem=couple.alice.device.identity.pem)
    monkeypatch.setattr(settling.Settlement, "_draft", _written_as(other, settling.Settlement._draft))
    exchange = Exchange(couple).start().join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "receipt"
    end = exchange.receiver.end()
    assert isinstance(end, (st.Done, st.Failed))


def _written_as(identity: object, write: Any) -> Any:
    def written(self: Any, *arguments: Any) -> Any:
        self._device = dataclasses.replace(self._device, identity=identity)
        return write(self, *arguments)

    return written


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_draft_that_the_disk_can_not_take_is_removed_all_the_same(tmp_path: Path) -> None:
    spare = Spare(tmp_path)
    spare.file.close()
    spare.file = open("/dev/full", "wb")  # noqa: SIM115 - closed by remove
    spare.file.write(b"x")  # waits in the buffer, and fails when it is closed
    spare.remove()
    assert list(tmp_path.iterdir()) == []
