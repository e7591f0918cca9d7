"""Resuming with many folders, another disk, edits between tries, several interruptions: what arrives is always what was sent."""

from __future__ import annotations

import errno
import os
import random
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from countersign.base import limits
from countersign.receipts.checking import check_receipt
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.source.comparing import Comparison
from countersign.source.hashing import SentHashes
from countersign.target import adopting, intake
from countersign.target.adopting import Kept
from countersign.target.journal import journals, list_interrupted, read_about
from countersign.target.recovery import Recovered
from countersign.transfer import connections
from tests.failing_disk import READING, refuse
from tests.transfers import Couple, Exchange, interrupt, snapshot

LARGE = 24_000_000


@pytest.fixture(autouse=True)
def _every_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(intake, "_ACK_SECONDS", 0.0)


@pytest.fixture
def other_disk() -> Iterator[Path]:
    """A folder on another file system."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
        pytest.skip("needs a second file system")
    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder)


def many_folders(root: Path, count: int) -> None:
    """One small file in each of many folders, and a large one at the end."""
    for number in range(count):
        folder = root / f"d{number:04d}"
        folder.mkdir(parents=True)
        (folder / "f").write_text(f"content of file {number}\n" * (1 + number % 7))
    (root / "zz-large.bin").write_bytes(os.urandom(LARGE))


@pytest.mark.parametrize("count", [17, 20, 101])
def test_f9_a_resume_on_another_disk_has_the_right_contents(couple: Couple, other_disk: Path, count: int) -> None:
    many_folders(couple.folder, count)
    interrupt(couple, LARGE // 2, into=other_disk / "received")
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


@pytest.mark.parametrize("count", [17, 49, 101])
def test_f9_a_resume_after_edits_has_the_right_contents(couple: Couple, count: int) -> None:
    many_folders(couple.folder, count)
    interrupt(couple, LARGE // 2)
    for number in range(0, count, 3):
        (couple.folder / f"d{number:04d}" / "f").write_text(f"edited {number}")
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_f9_an_older_try_of_the_same_folder_is_replaced_though_a_name_of_it_vanished(couple: Couple) -> None:
    many_folders(couple.folder, 20)
    interrupt(couple, LARGE // 2)
    shutil.rmtree(couple.folder / "d0003")
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    assert not list_interrupted(couple.bob.device.transfers)


@pytest.mark.parametrize(("name", "shared"), [("another", True), ("first", False)])
def test_f9_an_older_try_of_another_folder_stays(couple: Couple, tmp_path: Path, name: str, shared: bool) -> None:
    """Another offer with a top name in common, and an offer of the same name with none in common."""
    first, second = tmp_path / "here" / "first", tmp_path / "there" / name
    many_folders(first, 3)
    interrupt(couple, LARGE // 2, folder=first)
    second.mkdir(parents=True)
    (second / ("d0001" if shared else "unlike")).write_text("something else")
    assert Exchange(couple, folder=second).run().codes == ("done", "done")
    [left] = list_interrupted(couple.bob.device.transfers)
    assert left.about.name == "first"
    assert left.bytes_there > LARGE // 2


# --- edited with the same size and time ------------------------------------------------------------------------------


def edit_unseen(path: Path) -> None:
    """Changes the content, but keeps size and date."""
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[0] ^= 0xFF
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides reconnect at once."""
    monkeypatch.setattr(connections, "_PAUSES", (0.05,))


def ended_well_and_equal(couple: Couple, exchange: Exchange) -> None:
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    assert len(exchange.sender.all(st.KeyShown)) == 1  # nothing was retyped
    assert len(exchange.sender.all(st.NeedCode)) == 1
    for device in (couple.alice.device, couple.bob.device):
        [receipt] = list(device.receipts.iterdir())
        assert check_receipt(receipt, couple.folder).countersigned
        assert not check_receipt(receipt, couple.into).differing


@pytest.mark.parametrize("edited", [["d0003/f"], ["zz-large.bin"], ["d0000/f", "d0005/f", "d0019/f", "zz-large.bin"]])
def test_f9_an_edit_that_nobody_sees_is_sent_within_the_same_session(
    couple: Couple, soon: None, edited: list[str]
) -> None:
    """The receiver holds, wholly or in part, what was there before the edit."""
    many_folders(couple.folder, 20)
    large = couple.folder / "zz-large.bin"
    large.write_bytes(os.urandom(3 * LARGE))
    interrupt(couple, LARGE // 2)
    [left] = list_interrupted(couple.bob.device.transfers)
    begun = next(left.about.staging_path.rglob("zz-large.bin"))
    assert 0 < begun.stat().st_size < large.stat().st_size
    for name in edited:
        edit_unseen(couple.folder / name)
    again = Exchange(couple).run()
    assert again.sender.all(st.Reconnecting)
    ended_well_and_equal(couple, again)
    assert not list_interrupted(couple.bob.device.transfers)
    end = again.sender.end()
    assert isinstance(end, st.Done)
    assert end.files == 21


def test_f9_a_file_edited_once_more_while_it_is_sent_again(
    couple: Couple, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is compared is what was sent: a later edit is not a disk fault."""
    many_folders(couple.folder, 17)
    interrupt(couple, LARGE // 2)
    edit_unseen(couple.folder / "d0003" / "f")
    begin = SentHashes.begin
    connections: list[object] = []

    def editing(self: SentHashes, in_part: object) -> None:
        connections.append(in_part)
        if len(connections) == 2:
            edit_unseen(couple.folder / "d0003" / "f")
        begin(self, in_part)  # type: ignore[arg-type]

    monkeypatch.setattr(SentHashes, "begin", editing)
    again = Exchange(couple).run()
    assert len(connections) == 2
    ended_well_and_equal(couple, again)


def test_f9_nothing_is_judged_before_the_sender_has_read_again_what_is_held(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow disk at the sender is waited for; a hash that is not known yet would look like a difference."""
    many_folders(couple.folder, 17)
    interrupt(couple, LARGE // 2)
    judged = threading.Event()
    too_early: list[bool] = []
    judge, read_again = Comparison.judge, SentHashes.read_again

    def judging(self: Comparison, *arguments: Any) -> None:
        judged.set()
        judge(self, *arguments)

    def slow(self: SentHashes, *arguments: Any) -> None:
        too_early.append(judged.wait(1.0))
        read_again(self, *arguments)

    monkeypatch.setattr(Comparison, "judge", judging)
    monkeypatch.setattr(SentHashes, "read_again", slow)
    again = Exchange(couple).run()
    assert too_early == [False]
    assert not again.sender.all(st.Reconnecting)
    ended_well_and_equal(couple, again)


@pytest.mark.parametrize("trouble", ["vanished", "unreadable", "changed"])
def test_f9_a_held_file_that_cannot_be_read_any_more_is_never_called_arrived(
    couple: Couple, soon: None, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    many_folders(couple.folder, 17)
    interrupt(couple, LARGE // 2)
    lost = couple.folder / "d0003" / "f"
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    if trouble == "vanished":
        lost.unlink()
    elif trouble == "changed":
        lost.write_text("another size than before, by far")
    else:
        refuse_reading(monkeypatch, lost.parent)
    exchange.reception.answers.decision.give(Decision(True))
    exchange.join()
    assert exchange.codes == ("done", "done")
    for heard in (exchange.sender, exchange.receiver):
        end = heard.end()
        assert isinstance(end, st.Done)
        assert [path for path, _reason in end.skipped] == ["d0003/f"]
    assert not (couple.into / "d0003" / "f").exists()
    assert (couple.into / "zz-large.bin").read_bytes() == (couple.folder / "zz-large.bin").read_bytes()
    [receipt] = list(couple.alice.device.receipts.iterdir())
    assert check_receipt(receipt, couple.into).skipped == [("d0003/f", trouble)]


def refuse_reading(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Nothing in this folder can be opened, even by root."""
    there = folder.stat().st_ino
    refuse(monkeypatch, READING, errno.EACCES, lambda inside, _name: inside.status(".").st_ino == there)


@pytest.mark.once
@pytest.mark.parametrize("seed", range(3))
def test_f10_many_interruptions_with_changes_between_always_end_equal(
    couple: Couple, soon: None, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    count = chance.choice([17, 33, 70])
    many_folders(couple.folder, count)
    for round_ in range(3):
        into = couple.into if chance.random() < 0.5 else tmp_path / f"elsewhere {round_}"
        interrupt(couple, LARGE * (round_ + 2) // 6, into=into)
        change(couple.folder, chance)
    again = Exchange(couple).run()
    ended_well_and_equal(couple, again)


def change(root: Path, chance: random.Random) -> None:
    """Edits some files, with and without a trace; some go, some come, one becomes a folder."""
    files = sorted(path for path in root.rglob("f") if path.is_file())
    picked = chance.sample(files, 8)
    for path in picked[:3]:
        edit_unseen(path)
    picked[3].write_text("edited")
    picked[4].unlink()
    (picked[5].parent / "new").write_bytes(chance.randbytes(5000))
    picked[6].unlink()
    picked[6].mkdir()
    (picked[6] / "inside").write_text("x")
    shutil.rmtree(picked[7].parent)
    if chance.random() < 0.5:
        edit_unseen(root / "zz-large.bin")


@pytest.fixture(params=["the same disk", "another disk"])
def earlier(request: pytest.FixtureRequest, couple: Couple) -> Path:
    """Where an earlier try of 20 folders went. The next one goes to the usual folder."""
    many_folders(couple.folder, 20)
    (couple.folder / "d0004" / "empty").touch()
    disk = couple.root if request.param == "the same disk" else request.getfixturevalue("other_disk")
    interrupt(couple, LARGE // 2, into=disk / "earlier")
    [journal] = journals(couple.bob.device.transfers)
    return read_about(journal).staging_path


@pytest.mark.parametrize("before", [True, False])
def test_f9_what_grew_in_an_earlier_try_is_not_taken_over(couple: Couple, earlier: Path, before: bool) -> None:
    """Its beginning still has the right hash. before: it grows before the check, else between check and answer."""
    staged = [earlier / "d0003" / "f", earlier / "d0004" / "empty"]

    def grow() -> None:
        for path in staged:
            path.write_bytes(path.read_bytes() + b"more")

    if before:
        grow()
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    if not before:
        grow()
    exchange.reception.answers.decision.give(Decision(True))
    assert exchange.join().codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_what_was_touched_in_an_earlier_try_gets_its_own_date(couple: Couple, earlier: Path) -> None:
    os.utime(earlier / "d0003" / "f", (1, 1))
    assert Exchange(couple).run().codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_f9_what_changes_between_check_and_answer_is_not_taken_over(couple: Couple, earlier: Path) -> None:
    """A person may think for a long time after the held files were hashed."""
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    staged = earlier / "d0003" / "f"
    staged.write_bytes(staged.read_bytes()[::-1])
    exchange.reception.answers.decision.give(Decision(True))
    assert exchange.join().codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_f9_a_file_of_another_folder_is_not_taken_over(
    couple: Couple, earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if we mistake the folder: the verdict compares what is in the new staging folder, not what should be."""
    kept = Recovered._kept

    def of_the_next(self: Recovered, new: int, old: int, movable: bool) -> Kept:
        item = kept(self, new, old, movable)
        folders = self.past.manifest.folders()
        after = folders[(folders.index(item.parent) + 1) % len(folders)] if item.name == "f" else item.parent
        return replace(item, parent=after)

    monkeypatch.setattr(Recovered, "_kept", of_the_next)
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    assert not earlier.exists()


@pytest.mark.parametrize("numbered_anew", [False, True])
def test_what_is_moved_is_hashed_again_only_where_it_may_be_another_file(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, numbered_anew: bool
) -> None:
    """Some file systems give a moved file a new number. Then its hash decides, and nothing is sent again because of that."""
    many_folders(couple.folder, 5)
    interrupt(couple, LARGE // 2)
    asked: list[bool] = []
    has_hash = adopting._has_hash

    def counted(kept: Kept, *arguments: Any) -> bool:
        asked.append(has_hash(kept, *arguments))
        return asked[-1]

    monkeypatch.setattr(adopting, "_has_hash", counted)
    if numbered_anew:
        monkeypatch.setattr(adopting, "mark_of", lambda _status: 0)
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    assert asked == [True] * 6 * numbered_anew
    assert again.receiver.all(st.Progress)[0].bytes_done > LARGE // 2
