"""Fixtures. A test fails if it leaves a thread or an open file behind, or if an error is logged."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.base import i18n
from countersign.seal import keys
from tests.transfers import Couple, make_couple
from tests.waiting import wait_until

# tests read what the programs print, in child processes too
os.environ[i18n.VARIABLE] = "en"


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
    """Open regular files and sockets of this process, if the system lists them."""
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
    """Key derivation at a thousandth of its cost. The tests of keys and of whole processes use the real one."""
    monkeypatch.setattr(keys, "SCRYPT_N", 1 << 7)


@pytest.fixture
def couple(tmp_path: Path, quick_key: None) -> Couple:
    """Two computers that know each other."""
    return make_couple(tmp_path)
