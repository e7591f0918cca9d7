"""Measures how long Tk is busy in both programs during a transfer: the work of `python3 -m tests.ui_latency`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from countersign import app
from countersign.ui.views import window as views
from tests.desktop_user import DesktopUser, virtual_screen
from tests.programs import ROOT
from tests.test_windows import RIGHT, connect, free_port, press_until, receiver, sender, type_until
from tests.transfers import make_couple
from tests.waiting import wait_until


class IdleMeter:
    """Runs in a program's own process: after every idle moment it asks for the next one a millisecond later."""

    def __init__(self, window: views.AppWindow, path: Path) -> None:
        self._window = window
        self._path = path
        self._last = time.perf_counter()
        self._gaps: list[float] = []
        self._ask()

    def _ask(self) -> None:
        self._window.root.after(1, lambda: self._window.root.after_idle(self._idle))

    def _idle(self) -> None:
        now = time.perf_counter()
        if self._window.shown() == "moving":
            self._gaps.append(now - self._last)
        elif self._gaps and self._window.shown() == "done":
            worst = sorted(self._gaps)
            told = {"idle": len(worst), "longest": worst[-1], "median": worst[len(worst) // 2]}
            self._path.with_suffix(".new").write_text(json.dumps(told))
            self._path.with_suffix(".new").replace(self._path)
            self._gaps = []
        self._last = now
        self._ask()


def _child(path: Path, role: str, arguments: list[str]) -> int:
    plain = views.AppWindow.run

    def run(self: views.AppWindow, *rest: object) -> None:
        self.root.after(100, lambda: IdleMeter(self, path))
        plain(self, *rest)  # type: ignore[arg-type]

    views.AppWindow.run = run  # type: ignore[method-assign, assignment]
    return app.main(role, arguments)


def measure(place: Path, size: int) -> dict[str, dict[str, float]]:
    """Sends one file of `size` random bytes from window to window; what the meters of both found, in seconds."""
    couple = make_couple(place)
    with open(couple.folder / "film.mkv", "wb") as file:
        for _part in range(size >> 20):
            file.write(os.urandom(1 << 20))
    port = free_port()
    found: dict[str, dict[str, float]] = {}
    with virtual_screen() as screen:
        user = DesktopUser(screen)
        programs = []
        for role, command in (("receiver", receiver(couple, port)), ("sender", sender(couple, port))):
            line = [sys.executable, "-m", "tests.idle_meter", str(place / role), role, *command[1:]]
            programs.append(
                subprocess.Popen(line, cwd=ROOT, env={**os.environ, "DISPLAY": screen, "COUNTERSIGN_LANGUAGE": "en"})
            )
        try:
            key = connect(user)
            type_until(user, "Somebody wants to send you something", key.lower(), "alice wants to send you", RIGHT)
            press_until(user, "alice wants to send you", "It is all here", RIGHT)
            for role in ("sender", "receiver"):
                wait_until((place / f"{role}").exists, 30, f"the {role}'s meter")
                found[role] = json.loads((place / role).read_text())
        finally:
            user.close()
            for program in programs:
                program.terminate()
                program.wait(20)
    return found


if __name__ == "__main__":
    sys.exit(_child(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
