"""Receipts of a transfer: both sides keep the same text with both signatures, and it gives checksums."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.cli.commands import checksum_line
from countersign.receipts.checking import check_receipt
from countersign.receipts.format import Countersignature, Notice
from countersign.receipts.history import ReceiptLines, list_past_transfers
from countersign.receipts.writing import Spare
from countersign.session import status as st
from countersign.target import concluding
from countersign.transfer import connections, receiving
from countersign.wire import messages as m
from tests.losing import losing
from tests.transfers import Couple, Exchange, fill

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
