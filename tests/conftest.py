"""Fixtures. Every test fails that leaves a thread or an open file behind, or lets an error be logged.

A run fails that leaves a new file in the checkout: a test that starts a program names its home.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.base import i18n, limits
from countersign.seal import keys
from countersign.target import intake
from countersign.transfer import connections
from tests.transfers import Couple, fill, make_couple
from tests.waiting import wait_until

# tests read what the programs say, in processes of their own too
os.environ[i18n.VARIABLE] = "en"
ROOT = Path(__file__).resolve().parents[1]
# what tools and Python itself keep beside the code
CACHES = ("__pycache__", ".git", ".venv", ".coverage", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache")
_CHECKOUT = pytest.StashKey[set[str]]()


def _in_checkout(folder: str = str(ROOT)) -> set[str]:
    """The paths of everything in the checkout except caches."""
    found = set()
    for entry in os.scandir(folder):
        if not entry.name.startswith(CACHES):
            found.add(os.path.relpath(entry.path, ROOT))
            if entry.is_dir(follow_symlinks=False):
                found |= _in_checkout(entry.path)
    return found


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # xdist's workers end before the run does
        session.config.stash[_CHECKOUT] = _in_checkout()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run if the checkout holds anything that was not there when it began."""
    before = session.config.stash.get(_CHECKOUT, None)
    new = sorted(_in_checkout() - before) if before is not None else []
    if new:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        assert reporter is not None
        reporter.write_line("")
        reporter.write_line(f"the tests left this in the checkout: {', '.join(new)}", red=True)


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    threads = set(threading.enumerate())
    handles = _open_files()
    with caplog.at_level(logging.INFO):
        yield
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not errors, errors
    wait_until(
        lambda: not [t for t in threading.enumerate() if t not in threads and t.name not in ("input", "reader")],
        10,
        lambda: f"threads to end: {[t.name for t in threading.enumerate() if t not in threads]}",
    )
    wait_until(lambda: len(_open_files() - handles) == 0, 5, lambda: f"files to be closed: {_open_files() - handles}")


def _open_files() -> set[str]:
    """Open regular files and sockets of this process, where the system lists them."""
    if sys.platform != "linux":
        return set()
    found = set()
    for handle in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{handle}")
        except OSError:
            continue
        if (
            target.startswith(("socket:", "/"))
            and not target.startswith(("/dev", "/proc"))
            and ".hypothesis" not in target
        ):
            found.add(f"{handle}:{target}")
    return found


@pytest.fixture
def quick_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key derivation at a thousandth of its cost; the tests of keys and of whole processes use the real one."""
    monkeypatch.setattr(keys, "SCRYPT_N", 1 << 7)


@pytest.fixture
def couple(tmp_path: Path, quick_key: None) -> Couple:
    """Two computers that know each other."""
    return make_couple(tmp_path)


@pytest.fixture
def pair(tmp_path: Path) -> Couple:
    """Two computers that know each other, and a folder with a large file in it; key derivation at its whole cost."""
    couple = make_couple(tmp_path)
    fill(couple.folder, large=3_000_000)
    return couple


@pytest.fixture
def every_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told and packs are acknowledged at once, not a few times a second."""
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(intake, "_ACK_SECONDS", 0.0)


@pytest.fixture
def quick_dialing(every_progress: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that lost its line dials again at once."""
    monkeypatch.setattr(connections, "_PAUSES", (0.05,))
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 20.0)
