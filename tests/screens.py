"""`python3 -m tests.screens [FOLDER] [--dark] [--dpi N]`: a picture of every screen of both windows, for eyes.

The folder is `screens` where none is named; git ignores it. With --readme the README's own pictures are made anew.
Run it after `python3 -m tests` has set up the environment, with that environment's Python.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from countersign.home import Home
from countersign.seal.keytext import new_key
from countersign.setting import open_setting
from tests.people import Person, virtual_screen
from tests.programs import ROOT
from tests.test_windows import free_port, press_until
from tests.transfers import Couple, introduce
from tests.waiting import wait_until


class Walk:
    """Goes through both windows and takes a picture at every screen."""

    def __init__(self, person: Person, folder: Path, dpi: int) -> None:
        self.person = person
        self.folder = folder
        self.right = 720 * dpi // 96
        self._number = 0
        self._dpi = dpi

    def snap(self, title: str, name: str) -> None:
        self._number += 1
        path = self.folder / f"{self._number:02d} {name}.png"

        sizes = [0]

        def drawn() -> bool:
            self.person.picture(title, path)
            sizes.append(path.stat().st_size)
            # an empty window packs into next to nothing; one that is still being drawn grows
            return sizes[-1] > 6000 * self._dpi // 96 and abs(sizes[-1] - sizes[-2]) < sizes[-1] // 50

        wait_until(drawn, 10, f"“{title}” to be drawn")

    def look(self, title: str, right: bool) -> None:
        self.person.look_at(title, self.right if right else 0, 0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.screens")
    parser.add_argument("folder", nargs="?", default=str(ROOT / "screens"))
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--dpi", type=int, default=96)
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        virtual_screen(1500 * options.dpi // 96, 1000 * options.dpi // 96, options.dpi) as screen,
    ):
        person = Person(screen)
        try:
            _walk(Walk(person, folder, options.dpi), Path(place), screen, options.dark)
        finally:
            person.close()
    if options.readme:
        pictures = ROOT / "docs" / "pictures"
        pictures.mkdir(exist_ok=True)
        for name, source in (("receiver", "ready"), ("sender", "key")):
            [found] = folder.glob(f"?? {source}.png")
            (pictures / f"{name}.png").write_bytes(found.read_bytes())
    return 0


def _couple(place: Path) -> Couple:
    ada, ben = (open_setting(Home(place / name)) for name in ("Ada", "Ben"))
    introduce(ada, ben, "Ben")
    introduce(ben, ada, "Ada")
    album = ada.home.root / "Holiday in Brittany"
    for day in (
        "Monday – the coast",
        "Tuesday – Saint-Malo",
        "Wednesday – a very long name for a day with rain, crêpes and cider",
    ):
        (album / day).mkdir(parents=True)
        for number in range(1, 9):
            (album / day / f"IMG_{number:04d}.jpg").write_bytes(os.urandom(180_000 + number * 9973))
    (album / "photo\u202egpj.exe").write_bytes(b"x")
    (album / "Notes.txt").write_text("…")
    return Couple(place, ada, ben)


def _walk(walk: Walk, place: Path, screen: str, dark: bool) -> None:
    person = walk.person
    couple = _couple(place)
    into = place / "Desktop" / "received_folder"
    environment = {**os.environ, "DISPLAY": screen, **({"COUNTERSIGN_LOOKS": "dark"} if dark else {})}

    def start(*command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment)

    new = start("receiver.py", "--home", str(place / "New"))
    walk.look("Get to know each other", False)
    walk.snap("Get to know each other", "first time")
    new.terminate()
    new.wait()
    port = free_port()
    receiving = [
        "receiver.py",
        "--home",
        str(couple.bob.home.root),
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--into",
        str(into),
    ]
    album = str(couple.alice.home.root / "Holiday in Brittany")
    sending = ["sender.py", "--home", str(couple.alice.home.root), "--to", f"127.0.0.1:{port}", "--folder"]
    empty = place / "empty"
    empty.mkdir()
    alone = start(*sending, str(empty))
    walk.look("Send a folder", False)
    walk.snap("Send a folder", "empty folder")
    alone.terminate()
    alone.wait()
    programs = [start(*receiving), start(*sending, album)]
    try:
        _ritual(walk, person)
    finally:
        for program in programs:
            program.terminate()
            program.wait()
    failing = start(*sending, album)
    walk.look("Send a folder", False)
    press_until(person, "Send a folder", "Nobody answers", 0)
    walk.snap("Nobody answers", "not reachable")
    failing.terminate()
    failing.wait()


def _ritual(walk: Walk, person: Person) -> None:
    walk.look("Ready to receive", True)
    code = person.copied(4)
    walk.snap("Ready to receive", "ready")
    walk.look("Send a folder", False)
    walk.snap("Send a folder", "start")
    press_until(person, "Send a folder", "Which code do they see", 0)
    walk.look("Which code do they see", False)
    walk.snap("Which code do they see", "code")
    person.type(f"{(int(code) + 1) % 10000:04d}\n")
    person.window("Checking the code")
    walk.look("Which code do they see", False)
    walk.snap("Which code do they see", "wrong code")
    person.type(code + "\n")
    walk.look("Read them the key", False)
    walk.snap("Read them the key", "key")
    key = person.copied(19)
    walk.look("Somebody wants to send you something", True)
    walk.snap("Somebody wants to send you something", "asked for the key")
    person.type(new_key()[:15].lower() + "u")
    walk.snap("Somebody wants to send you something", "a slip")
    for _n in range(20):
        person.press("BackSpace")
    person.type(key.lower() + "\n")
    walk.look("Ada wants to send you", True)
    walk.snap("Ada wants to send you", "list")
    walk.snap("Waiting for them to accept", "waiting for them")
    press_until(person, "Ada wants to send you", "It has arrived", walk.right)
    walk.snap("It has arrived", "sent")
    walk.look("It is all here", True)
    walk.snap("It is all here", "received")


if __name__ == "__main__":
    sys.exit(main())
