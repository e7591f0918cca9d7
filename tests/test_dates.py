"""Dates that a list or a disk cannot hold: kept as near as possible, and named. No file is lost because of its date."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from countersign.cli.events import event_of
from countersign.disk.dates import set_date
from countersign.disk.folders import Folder
from countersign.pack.manifest import TOP, Entry, EntryKind, Manifest
from countersign.session import status as st
from countersign.wording import lines_of
from tests.test_disks import small_disk
from tests.transfers import Couple, Exchange

SECOND = 10**9
EARLIEST, LATEST = -(1 << 63), (1 << 63) - 1
DATES = {
    "1601": -11_644_473_600 * SECOND,
    "1677": EARLIEST,
    "1969": -86_400 * SECOND + 123_456_700,
    "2040": 2_208_988_800 * SECOND,
    "2300": 10_413_792_000 * SECOND,
    "2446": 15_032_385_535 * SECOND,
}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="each disk takes other dates there")


def dated(path: Path, date: int) -> int:
    """Sets the date of a file, folder or link. Returns what this disk makes of it."""
    os.utime(path, ns=(date, date), follow_symlinks=False)
    return path.lstat().st_mtime_ns


@pytest.mark.parametrize("kind", ["file", "large file", "empty file", "folder", "link"])
@pytest.mark.parametrize("name", DATES)
def test_p14_an_odd_date_stops_nothing_and_is_named(couple: Couple, name: str, kind: str) -> None:
    path = couple.folder / "x"
    if kind == "folder":
        path.mkdir()
        (path / "in").write_text("content")
    elif kind == "link":
        path.symlink_to("there")
        (couple.folder / "there").write_text("content")
    else:
        path.write_bytes(b"x" * {"file": 100, "large file": 9_000_000, "empty file": 0}[kind])
    date = dated(path, DATES[name])
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    sent, received = exchange.sender.end(), exchange.receiver.end()
    assert isinstance(sent, st.Done)
    assert isinstance(received, st.Done)
    assert sent.skipped == received.skipped == ()
    sendable = min(max(date, EARLIEST), LATEST)
    there = (couple.into / "x").lstat().st_mtime_ns
    assert there == sendable  # the same kind of disk
    assert [path for path, _reason in sent.inexact] == (["x"] if sendable != date else [])
    assert exchange.sender.wait(st.Ready).inexact == sent.inexact
    assert received.inexact == ()


def test_p14_a_date_beyond_the_receivers_disk_is_the_nearest_and_named(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses dates outside 1980 to 2107, as FAT does on some systems."""
    lowest, highest = 315_532_800 * SECOND, 4_354_819_198 * SECOND
    utime = os.utime
    ours = set(couple.folder.parent.rglob("*"))

    def narrow(path: object, *, ns: tuple[int, int], **rest: object) -> None:
        if not lowest <= ns[1] <= highest:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        utime(path, ns=ns, **rest)  # type: ignore[arg-type]

    (couple.folder / "d").mkdir()
    for name, date in DATES.items():
        (couple.folder / name).write_text("content")
        (couple.folder / "d" / name).symlink_to("../1601")
        for path in (couple.folder / name, couple.folder / "d" / name):
            dated(path, date)
    dated(couple.folder / "d", DATES["1601"])
    assert ours
    monkeypatch.setattr(os, "utime", narrow)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    received = exchange.receiver.end()
    assert isinstance(received, st.Done)
    assert received.skipped == ()
    named = {path for path, _reason in received.inexact}
    assert {"1601", "1677", "d", "d/1601", "d/1677", "2300", "2446"} <= named
    assert "2040" not in named
    assert (couple.into / "1601").stat().st_mtime_ns == lowest
    assert (couple.into / "2300").stat().st_mtime_ns == highest
    assert (couple.into / "1969").stat().st_mtime_ns == lowest


def test_p14_a_disk_that_clamps_or_wraps_silently_is_noticed(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    """ext4 with small inodes keeps 32 bits of seconds. Newer kernels clamp, older ones cut the bits off."""
    utime = os.utime
    for wraps in (False, True):

        def silent(path: object, *, ns: tuple[int, int], wraps: bool = wraps, **rest: object) -> None:
            seconds = ns[1] // SECOND
            cut = (seconds + (1 << 31)) % (1 << 32) - (1 << 31)
            seconds = cut if wraps else min(max(seconds, -(1 << 31)), (1 << 31) - 1)
            utime(path, ns=(seconds * SECOND, seconds * SECOND), **rest)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "utime", utime)
        dates = {"late": DATES["2300"], "early": DATES["1677"], "fine": 1_600_000_000 * SECOND}
        for name, date in dates.items():
            (couple.folder / name).write_text(f"content {wraps}")
            dated(couple.folder / name, date)
        early = (couple.folder / "early").stat().st_mtime_ns
        monkeypatch.setattr(os, "utime", silent)
        into = couple.root / f"into {wraps}"
        exchange = Exchange(couple, into=into).run()
        assert exchange.codes == ("done", "done")
        received = exchange.receiver.end()
        assert isinstance(received, st.Done)
        assert {path for path, _reason in received.inexact} == {"late"} | ({"early"} if early == EARLIEST else set())
        assert (into / "late").stat().st_mtime_ns // SECOND == (1 << 31) - 1
        assert (into / "early").stat().st_mtime_ns // SECOND == -(1 << 31)
        assert (into / "fine").stat().st_mtime_ns == dates["fine"]


@pytest.mark.parametrize(("wanted", "kept"), [(DATES["2446"] // 2, 5 * 10**18), (EARLIEST, -3 * 10**18)])
def test_p14_where_a_disk_ends_elsewhere_its_own_end_is_the_nearest(wanted: int, kept: int) -> None:
    """A disk that clamps to dates that are in no list of ours."""
    there: list[int] = []
    set_date(wanted, lambda date: there.append(min(max(date, -3 * 10**18), 5 * 10**18)), lambda: there[-1])
    assert there == [kept]


def test_p14_what_goes_wrong_with_any_date_is_still_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text("content")

    def fails(*_args: object, **_rest: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "utime", fails)
    root = Folder.open_root(tmp_path)
    for date in (0, EARLIEST):
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            root.set_folder_time("x", date)
    root.close()


def test_p14_common_dates_are_set_once_and_never_looked_at(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        (couple.folder / f"{number}").write_text("content")
    calls: list[object] = []
    utime = os.utime

    def counting(*args: object, **rest: object) -> None:
        calls.append(args)
        utime(*args, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "utime", counting)
    Exchange(couple).run()
    assert len(calls) == 5


def test_p14_a_list_takes_every_date_that_has_a_place_in_it() -> None:
    manifest = Manifest()
    for name, date in (("a", EARLIEST), ("b", LATEST)):
        manifest.add(Entry(EntryKind.FILE, TOP, name, 0, date, ""))
    assert list(manifest.mtimes) == [EARLIEST, LATEST]


@pytest.mark.skipif(sys.platform != "linux", reason="a disk in memory that holds every date")
@pytest.mark.parametrize("date", [EARLIEST, *DATES.values()])
def test_p14_dates_of_a_disk_that_holds_them_all(couple: Couple, tmp_path: Path, date: int) -> None:
    """tmpfs keeps what ext4 cannot, so the receiver's disk decides."""
    with small_disk(tmp_path / "disk", 8) as folder:
        names = {"file", "folder", "link"}
        (folder / "file").write_text("content")
        (folder / "folder").mkdir()
        (folder / "link").symlink_to("file")
        for name in names:
            assert dated(folder / name, date) == date
        exchange = Exchange(couple, folder=folder).run()
    assert exchange.codes == ("done", "done")
    sent, received = exchange.sender.end(), exchange.receiver.end()
    assert isinstance(sent, st.Done)
    assert isinstance(received, st.Done)
    sendable = min(max(date, EARLIEST), LATEST)
    assert {path for path, _reason in sent.inexact} == (names if date != sendable else set())
    probe = tmp_path / "probe"
    probe.write_text("")
    best = dated(probe, sendable)  # what this system's own call makes of it
    for name in names:
        assert (couple.into / name).lstat().st_mtime_ns == best
    assert {path for path, _reason in received.inexact} == (names if best != sendable else set())
    event = event_of(received)
    assert event is not None
    assert len(event["inexact"]) == len(received.inexact)
    assert ("could not be kept" in "\n".join(lines_of(received))) == bool(received.inexact)
