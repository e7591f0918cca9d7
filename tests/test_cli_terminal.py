"""A person at a real terminal: prompts, progress, and names that would forge the screen."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.cli_pair import sender
from tests.programs import Program
from tests.transfers import Couple, snapshot


def test_d1_names_that_would_forge_the_terminal(pair: Couple) -> None:
    shutil.rmtree(pair.folder)
    pair.folder.mkdir()
    evil = "\x1b[2K\x1b]0;owned\x07\u202egpj.exe\u200b\n[red]markup[red]"
    (pair.folder / evil).write_text("x")
    bob = Program(
        "receiver",
        "--bind",
        "127.0.0.1",
        "--port",
        "0",
        "--into",
        str(pair.into),
        "--accept",
        home=pair.bob.home.root,
        json_events=False,
    )
    listening = _wait_for_line(bob, r"port (\d+)")
    code = _wait_for_line(bob, r"Code\s+(\d{4})")
    alice = sender(pair, listening)
    alice.say(code)
    bob.say(str(alice.until("key")["key"]))
    assert (alice.end(), bob.end()) == (0, 0)
    shown = "".join(bob.lines) + bob.errors + alice.errors
    assert not [c for c in shown if c in "\x1b\x07\u202e\u200b"]
    assert pair.visible() == [evil]


def _wait_for_line(program: Program, pattern: str) -> str:
    from tests.waiting import wait_until

    found = wait_until(lambda: re.search(pattern, "".join(program.lines)), 60, pattern)
    return found.group(1)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_person_at_a_terminal(pair: Couple) -> None:
    """The receiver asks for the key, shows the list, then asks; the sender asks for address and code."""
    import pty

    bob, bob_screen = _at_terminal(
        pty, "receiver", pair.bob.home.root, "--bind", "127.0.0.1", "--port", "0", "--into", str(pair.into)
    )
    port, code = bob_screen.find(r"port (\d+)"), bob_screen.find(r"Code\s+(\d{4})")
    alice, alice_screen = _at_terminal(pty, "sender", pair.alice.home.root)
    alice_screen.find(r"(Address)")
    alice_screen.type(f"127.0.0.1:{port}\n")
    alice_screen.find(r"(Code \(four)")
    alice_screen.type(f"{code}\n")
    key = alice_screen.find(r"((?:[0-9A-Z]{4}-){3}[0-9A-Z]{4})")
    bob_screen.find(r"(Key \(sixteen)")
    bob_screen.type("not a key\n")
    bob_screen.find(r"(has a slip)")
    bob_screen.type(f"{key}\n")
    bob_screen.find(r"(and 30 more)")
    bob_screen.find(r"(Accept\?)")
    bob_screen.type("l\n")
    bob_screen.find(r"(run\.sh)")
    bob_screen.type("maybe\n")
    bob_screen.find(r"(type y or n)")
    bob_screen.type("y\n")
    assert alice.wait(60) == 0
    assert bob.wait(60) == 0
    bob_screen.find(r"(Done\.)")
    assert snapshot(pair.into) == snapshot(pair.folder)
    for screen in (bob_screen, alice_screen):
        screen.close()


class _Screen:
    def __init__(self, handle: int) -> None:
        import threading

        self._handle = handle
        self._text = ""
        self._thread = threading.Thread(target=self._read, name="reader", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._handle, 4096)
            except OSError:
                return
            if not data:
                return
            self._text += data.decode("utf-8", "replace")

    def find(self, pattern: str) -> str:
        from tests.waiting import wait_until

        found = wait_until(lambda: re.search(pattern, self._text), 60, lambda: f"{pattern} in {self._text[-400:]}")
        return found.group(1)

    def type(self, text: str) -> None:
        os.write(self._handle, text.encode())

    def close(self) -> None:
        os.close(self._handle)


def _at_terminal(pty: object, role: str, home: Path, *arguments: str):  # type: ignore[no-untyped-def]
    import subprocess

    from tests.programs import ROOT

    mine, theirs = pty.openpty()  # type: ignore[attr-defined]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / f"{role}.py"), "--cli", "--home", str(home), *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    return process, _Screen(mine)
