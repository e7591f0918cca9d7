"""Resuming with many folders, another disk, edits between tries, several interruptions: what arrives is what was sent, always."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from countersign import limits
from countersign.transfer import adopting, receiving, status as st
from countersign.transfer.adopting import Kept
from countersign.transfer.journal import journals, list_interrupted, read_about
from countersign.transfer.proposal import Decision
from countersign.transfer.recovery import Recovered
from tests.transfers import Couple, Exchange, interrupt, snapshot

LARGE = 24_000_000


@pytest.fixture(autouse=True)
def _every_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(receiving, "_ACK_SECONDS", 0.0)


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
    """Another offered name with a name in common, and the same offered name with none."""
    first, second = tmp_path / "here" / "first", tmp_path / "there" / name
    many_folders(first, 3)
    interrupt(couple, LARGE // 2, folder=first)
    second.mkdir(parents=True)
    (second / ("d0001" if shared else "unlike")).write_text("something else")
    assert Exchange(couple, folder=second).run().codes == ("done", "done")
    [left] = list_interrupted(couple.bob.device.transfers)
    assert left.about.name == "first"
    assert left.bytes_there > LARGE // 2


@pytest.fixture(params=["the same disk", "another disk"])
def earlier(request: pytest.FixtureRequest, couple: Couple) -> Path:
    """Where an earlier try of 20 folders went to; the next one goes to the usual folder."""
    many_folders(couple.folder, 20)
    (couple.folder / "d0004" / "empty").touch()
    disk = couple.root if request.param == "the same disk" else request.getfixturevalue("other_disk")
    interrupt(couple, LARGE // 2, into=disk / "earlier")
    [journal] = journals(couple.bob.device.transfers)
    return read_about(journal).staging_path


@pytest.mark.parametrize("before", [True, False])
def test_f9_what_grew_in_an_earlier_try_is_not_taken_over(couple: Couple, earlier: Path, before: bool) -> None:
    """Its beginning still has the right hash. before: before it is checked, else between check and answer."""
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
    exchange.reception.answers.say("decision", Decision(True))
    assert exchange.join().codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_what_was_touched_in_an_earlier_try_gets_its_own_date(couple: Couple, earlier: Path) -> None:
    os.utime(earlier / "d0003" / "f", (1, 1))
    assert Exchange(couple).run().codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_f9_what_changes_between_check_and_answer_is_not_taken_over(couple: Couple, earlier: Path) -> None:
    """A person may think for long after what is there was hashed."""
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    staged = earlier / "d0003" / "f"
    staged.write_bytes(staged.read_bytes()[::-1])
    exchange.reception.answers.say("decision", Decision(True))
    assert exchange.join().codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_f9_a_file_of_another_folder_is_not_taken_over(
    couple: Couple, earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if we mistook the folder: what the verdict compares is what lies in the new staging folder, not what was meant to."""
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
    """Some file systems number a file anew. Then its hash decides, and nothing is sent again for that."""
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
