"""Real disk faults: full, read-only, gone, and files that change while they are read. Nothing is lost, and the next try works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from countersign.base import limits
from countersign.pack.plan import Piece
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.source.reading import Source
from countersign.source.selection import Selection
from countersign.target import intake
from countersign.target.journal import list_interrupted
from tests.transfers import Couple, Exchange, fill, snapshot

pytestmark = pytest.mark.once

LARGE = 30_000_000


@pytest.fixture(autouse=True)
def _every_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(intake, "_ACK_SECONDS", 0.0)


@contextmanager
def small_disk(place: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of that size, created here and removed afterwards. Skips if that is not allowed."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(place)]
    made = subprocess.run(command, capture_output=True, text=True, check=False) if sys.platform == "linux" else None
    if made is None or made.returncode:
        pytest.skip(f"no file system can be made here: {made.stderr.strip() if made else sys.platform}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def at_progress(exchange: Exchange, size: int, act: object) -> None:
    """Calls `act` once, from the receiver's own thread, when more than `size` bytes are there."""
    before = exchange.receiver.on_status
    done = threading.Event()

    def on_status(status: st.Status) -> None:
        if isinstance(status, st.Progress) and status.bytes_done > size and not done.is_set():
            done.set()
            act()  # type: ignore[operator]
        before(status)

    exchange.receiver.on_status = on_status


def test_f2_a_disk_that_is_really_full(couple: Couple) -> None:
    """It had room when the person accepted; then something else filled it."""
    fill(couple.folder, large=LARGE)
    before = snapshot(couple.folder)
    with small_disk(couple.root / "disk", 48) as disk:
        into = disk / "received_folder"
        exchange = Exchange(couple, into=into)
        other = disk / "somebody else's"
        at_progress(exchange, LARGE // 3, lambda: fill_up(other))
        exchange.run()
        assert exchange.codes == ("peer_disk", "disk_full")
        assert os.listdir(into) == []
        [left] = list_interrupted(couple.bob.device.transfers)
        assert left.bytes_there > LARGE // 4
        other.unlink()
        again = Exchange(couple, into=into).run()
        assert again.codes == ("done", "done")
        end = again.sender.end()
        assert isinstance(end, st.Done)
        assert end.wire_bytes < LARGE * 0.8
        assert snapshot(into) == before == snapshot(couple.folder)


def fill_up(file: Path) -> None:
    with open(file, "wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(1 << 20))
        except OSError:  # full, as intended
            pass


def test_f2_a_disk_that_becomes_read_only(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    before = snapshot(couple.folder)
    with small_disk(couple.root / "disk", 100) as disk:
        into = disk / "received_folder"
        exchange = Exchange(couple, into=into)

        def lock() -> None:
            # files open for writing prevent a remount as read-only; a failing disk does not wait for them
            for name in os.listdir(disk):
                subprocess.run(["mount", "--bind", str(disk / name), str(disk / name)], check=True)
                subprocess.run(["mount", "-o", "remount,ro,bind", str(disk / name)], check=True)

        at_progress(exchange, LARGE // 3, lock)
        try:
            exchange.run()
        finally:
            for name in os.listdir(disk):
                subprocess.run(["umount", str(disk / name)], check=False, capture_output=True)
        assert exchange.sender.code() in ("peer_disk", "done")
        assert exchange.receiver.code() in ("disk", "done")
        assert os.listdir(into) == [] or exchange.receiver.code() == "done"
        shutil.rmtree(into)
        assert Exchange(couple, into=into).run().codes == ("done", "done")
        assert snapshot(into) == before == snapshot(couple.folder)


def test_f2_the_target_is_removed_during_the_transfer(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    before = snapshot(couple.folder)
    exchange = Exchange(couple)
    at_progress(exchange, LARGE // 3, couple.into.rmdir)
    exchange.run()
    assert exchange.codes == ("peer_disk", "disk")
    assert not couple.into.exists()
    assert list_interrupted(couple.bob.device.transfers)
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == before
    end = again.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.2  # everything was already there


def test_f2_staging_is_removed_during_the_transfer(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    at_progress(exchange, LARGE // 3, lambda: shutil.rmtree(couple.bob.device.state / "staging"))
    exchange.run()
    assert exchange.codes == ("peer_disk", "disk")
    assert couple.visible() == []
    assert Exchange(couple).run().codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_f4_the_source_is_removed_during_the_transfer(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=LARGE)
    (couple.folder / "zz.bin").write_bytes(bytes(3 * limits.PACK_BYTES))
    read, removed = Source.read, threading.Event()

    def removing(self: Source, piece: Piece, buffer: memoryview) -> memoryview:
        found = read(self, piece, buffer)
        if not removed.is_set():
            removed.set()
            shutil.rmtree(couple.folder)
        return found

    monkeypatch.setattr(Source, "read", removing)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    for heard in (exchange.sender, exchange.receiver):
        end = heard.end()
        assert isinstance(end, st.Done)
        assert {"large.bin", "zz.bin"} & {path for path, _reason in end.skipped}
    assert "zz.bin" not in couple.visible()


def test_f4_files_rewritten_all_the_time_are_whole_or_not_there(couple: Couple) -> None:
    """Every version of a file repeats one letter, so a mixture would show."""
    size = 3_000_000
    for number in range(6):
        (couple.folder / f"{number}").write_bytes(b"a" * size)
    stopping = threading.Event()

    def rewrite() -> None:
        letter = 0
        while not stopping.is_set():
            letter = (letter + 1) % 26
            for number in range(3):
                (couple.folder / f"{number}").write_bytes(bytes([97 + letter]) * size)

    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    thread = threading.Thread(target=rewrite, daemon=True)
    thread.start()
    try:
        exchange.reception.answers.decision.give(Decision(True))
        exchange.join()
    finally:
        stopping.set()
        thread.join(20)
    assert exchange.codes == ("done", "done")
    for path in couple.into.iterdir():
        content = path.read_bytes()
        assert content == content[:1] * size, f"{path.name} is a mixture"
    assert {"3", "4", "5"} <= set(couple.visible())


def test_f2_a_file_that_is_larger_than_this_computer_allows(couple: Couple) -> None:
    """RLIMIT_FSIZE, in a child process: the one file is left out and reported, the others arrive."""
    if sys.platform == "win32":
        pytest.skip("there is no such limit")
    fill(couple.folder, large=LARGE)
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000));"
        "from countersign.seal import keys; keys.SCRYPT_N = 128;"
        "from countersign.app import main; sys.exit(main('receiver'))"
    )
    root = Path(__file__).resolve().parents[1]
    arguments = [
        "--cli",
        "--json",
        "--home",
        str(couple.bob.home.root),
        "--bind",
        "127.0.0.1",
        "--port",
        "0",
        "--accept",
    ]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments, "--into", str(couple.into)],
        cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as receiver:  # fmt: skip
        try:
            done = _send_to(couple, receiver)
        finally:
            receiver.kill()
    assert [entry["path"] for entry in done["skipped"]] == ["large.bin"]
    assert set(couple.visible()) == set(os.listdir(couple.folder)) - {"large.bin"}


def _send_to(couple: Couple, receiver: subprocess.Popen[str]) -> dict[str, list[dict[str, str]]]:
    import json

    from countersign.transport.addresses import Address
    from tests.transfers import Heard

    assert receiver.stdout is not None
    assert receiver.stdin is not None
    listening = json.loads(receiver.stdout.readline())
    heard = Heard()
    session = couple.alice.sending(
        Selection((couple.folder,)), Address("127.0.0.1", listening["port"]), None, heard.report
    )

    def on_status(status: st.Status) -> None:
        if isinstance(status, st.NeedCode):
            session.answers.code.give(listening["code"])

    heard.on_status = on_status
    thread = threading.Thread(target=session.run, daemon=True)
    thread.start()
    receiver.stdin.write(heard.wait(st.KeyShown).key + "\n")
    receiver.stdin.flush()
    thread.join(60)
    assert heard.code() == "done"
    for line in receiver.stdout:
        event: dict[str, list[dict[str, str]]] = json.loads(line)
        if event["event"] == "done":  # type: ignore[comparison-overlap]
            return event
    raise AssertionError("the receiver did not come to an end")
