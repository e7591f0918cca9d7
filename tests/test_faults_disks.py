"""Faults that were found once, of disks and what they refuse: each is here so that it stays mended."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.session import status as st
from tests.faults import LARGE, list_of_journals
from tests.transfers import Couple, Exchange, fill, interrupt, snapshot

pytestmark = pytest.mark.usefixtures("every_progress")


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    shared = Path("/dev/shm")
    if sys.platform != "linux" or not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


def test_resuming_into_another_file_system(couple: Couple, other_disk: Path) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 2)
    exchange = Exchange(couple, into=other_disk / "received_folder").run()
    assert exchange.codes == ("done", "done")
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.7
    assert snapshot(other_disk / "received_folder") == snapshot(couple.folder)
    assert not list_of_journals(couple)


def test_receiving_into_another_file_system_than_the_home(couple: Couple, other_disk: Path) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, into=other_disk / "received_folder").run()
    assert exchange.codes == ("done", "done")
    assert os.listdir(other_disk) == ["received_folder"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs a Unix")
def test_f2_a_full_disk_keeps_what_has_arrived(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from countersign.disk.direct import LargeWriter
    from countersign.disk.folders import File

    fill(couple.folder, large=LARGE)
    written = []
    write = LargeWriter.write

    def filling(self: LargeWriter, file: File, data: memoryview, position: int) -> int:
        written.append(len(data))
        if sum(written) > LARGE // 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, file, data, position)

    with monkeypatch.context() as full:
        full.setattr(LargeWriter, "write", filling)
        exchange = Exchange(couple).run()
    assert exchange.codes == ("peer_disk", "disk_full")
    assert couple.visible() == []
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    end = again.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.7


def test_a_name_that_the_disk_refuses_is_left_out_and_told(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from countersign.disk.folders import File, Folder

    fill(couple.folder, large=1000)
    create, make = Folder.create_file, Folder.make_folder

    def create_file(self: Folder, name: str, executable: bool) -> File:
        if name == "run.sh":
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return create(self, name, executable)

    def make_folder(self: Folder, name: str) -> None:
        if name == "b":
            raise OSError(errno.EILSEQ, os.strerror(errno.EILSEQ))
        make(self, name)

    monkeypatch.setattr(Folder, "create_file", create_file)
    monkeypatch.setattr(Folder, "make_folder", make_folder)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    skipped = {path for path, _reason in end.skipped}
    assert {"run.sh", "a/b", "a/b/c", "a/b/c/000.txt"} <= skipped
    assert (couple.into / "large.bin").exists()


def test_the_renames_fall_back_where_the_system_has_no_exclusive_one(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows' own rename is exclusive")
    import errno

    from countersign.disk import posix as disk_posix

    monkeypatch.setattr(disk_posix, "_rename_exclusive", lambda *_a: errno.ENOSYS)
    fill(couple.folder, large=1000)
    assert Exchange(couple).run().codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    (couple.into / "run.sh").write_text("mine")
    (couple.into / "a" / "mine").write_text("mine")
    assert Exchange(couple).run().codes == ("done", "done")
    assert (couple.into / "run.sh").read_text() == "mine"
    assert (couple.into / "run (2).sh").exists()
    assert (couple.into / "a (2)").is_dir()
