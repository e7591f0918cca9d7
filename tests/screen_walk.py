"""Walks through both windows and takes a picture of every screen: the work of `python3 -m tests.screens`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from countersign.base import i18n
from countersign.base.i18n import _
from countersign.places.home import Home
from countersign.profile import open_profile
from countersign.seal.keytext import new_key
from tests.desktop_user import DesktopUser, virtual_screen
from tests.programs import ROOT
from tests.proxy import NarrowLine
from tests.test_windows import escape_until, free_port, press_until, type_until
from tests.transfers import Couple, introduce
from tests.waiting import wait_until


class Walk:
    """Goes through both windows and takes a picture at every screen. Titles are named in English and looked up as they are shown."""

    def __init__(self, person: DesktopUser, folder: Path, dpi: int, language: str) -> None:
        self.person = person
        self.folder = folder
        self.right = 800 * dpi // 96
        self._number = 0
        self._dpi = dpi
        i18n.use(language)

    def snap(self, title: str, name: str) -> None:
        self._number += 1
        path = self.folder / f"{self._number:02d} {name}.png"
        title = _(title)
        sizes = [0]

        def drawn() -> bool:
            self.person.picture(title, path)
            sizes.append(path.stat().st_size)
            # an empty window packs into next to nothing; one that is still being drawn grows
            return sizes[-1] > 4000 * self._dpi // 96 and abs(sizes[-1] - sizes[-2]) < sizes[-1] // 50

        wait_until(drawn, 10, f"“{title}” to be drawn")

    def look(self, title: str, right: bool) -> None:
        self.person.look_at(_(title), self.right if right else 0, 0)

    def press_until(self, here: str, wanted: str, right: bool = False) -> None:
        press_until(self.person, _(here), _(wanted), self.right if right else 0)

    def escape_until(self, here: str, wanted: str, right: bool = False) -> None:
        escape_until(self.person, _(here), _(wanted), self.right if right else 0)

    def keys(self, title: str, key: str, wanted: str, right: bool = False) -> None:
        """A shortcut with Control, until its screen is there."""

        def act() -> bool:
            self.look(title, right)
            self.person.press(key, control=True)
            try:
                self.person.window(_(wanted), 2)
            except AssertionError:
                return False
            return True

        wait_until(act, 20, wanted)


def take_pictures(folder: Path, dark: bool, dpi: int, language: str) -> None:
    """Puts a picture of every screen of both windows into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        virtual_screen(1640 * dpi // 96, 1000 * dpi // 96, dpi) as screen,
    ):
        person = DesktopUser(screen)
        try:
            _walk(Walk(person, folder, dpi, language), Path(place), screen, dark)
        finally:
            person.close()


def _couple(place: Path) -> Couple:
    ada, ben = (open_profile(Home(place / name)) for name in ("Ada", "Ben"))
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
    couple = _couple(place)
    into = place / "Desktop" / "received_folder"
    looks = "dark" if dark else "light"
    environment = {**os.environ, "DISPLAY": screen, "COUNTERSIGN_LOOKS": looks, i18n.VARIABLE: i18n.language()}

    @contextmanager
    def started(*command: str) -> Iterator[None]:
        program = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment)
        try:
            yield
        finally:
            program.terminate()
            program.wait()

    port = free_port()
    receiving = ["receiver.py", "--home", str(couple.bob.home.root), "--port", str(port), "--into", str(into)]
    sending = ["sender.py", "--home", str(couple.alice.home.root), "--to", f"127.0.0.1:{port}", "--folder"]
    album = str(couple.alice.home.root / "Holiday in Brittany")
    (place / "empty").mkdir()
    with started("receiver.py", "--home", str(place / "New")):
        _first_time(walk, couple)
    with started(*sending, str(place / "empty")):
        walk.snap("Send a folder", "empty folder")
    with started(*sending, album):
        _look_inside(walk)
    with started(*receiving), started(*sending, album):
        _ritual(walk)
        _afterwards(walk)
    with NarrowLine(port, 700_000) as slow, started(*receiving):
        with started(*sending[:4], f"127.0.0.1:{slow.port}", "--folder", str(_large(place))):
            _interrupted(walk)
        _what_is_left(walk)
    with started(*sending, album):
        walk.look("Send a folder", False)
        walk.press_until("Send a folder", "Nobody answers")
        walk.snap("Nobody answers", "not reachable")


def _large(place: Path) -> Path:
    folder = place / "Film"
    folder.mkdir()
    (folder / "film.mkv").write_bytes(os.urandom(30_000_000))
    return folder


def _first_time(walk: Walk, couple: Couple) -> None:
    walk.look("Give them your certificate", False)
    walk.snap("Give them your certificate", "first time")
    walk.press_until("Give them your certificate", "Add theirs")
    walk.snap("Add theirs", "add theirs")
    walk.press_until("Add theirs", "Add a certificate")
    walk.person.look_at(_("Add a certificate"), 0, 640)
    theirs = couple.root / "ada.pem"  # a path that can be typed
    theirs.write_bytes(couple.alice.device.identity.pem)
    walk.person.type(f"{theirs}\n")
    walk.snap("Is it really theirs?", "compare")


def _look_inside(walk: Walk) -> None:
    walk.keys("Send a folder", "l", "What will be sent")
    walk.look("What will be sent", False)
    walk.person.press("Right")
    walk.snap("What will be sent", "contents")
    walk.person.press("Tab")
    walk.person.type("*.txt")
    walk.snap("What will be sent", "left out")


def _ritual(walk: Walk) -> None:
    person = walk.person
    walk.look("Ready to receive", True)
    code = person.copied(4)
    walk.snap("Ready to receive", "ready")
    walk.look("Send a folder", False)
    walk.snap("Send a folder", "start")
    walk.press_until("Send a folder", "Which code do they see?")
    walk.look("Which code do they see?", False)
    walk.snap("Which code do they see?", "code")
    person.type(f"{(int(code) + 1) % 10000:04d}\n")
    person.window(_("Checking the code …"))
    walk.look("Which code do they see?", False)
    walk.snap("Which code do they see?", "wrong code")
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
    heading = _("{peer} wants to send you {amount}").format(peer="Ada", amount="").strip()
    person.look_at(heading, walk.right, 0)
    person.press("Right")
    person.press("Down")
    person.press("Down")
    walk.snap(heading, "list")
    walk.snap("Waiting for them to accept …", "waiting for them")
    press_until(person, heading, _("It has arrived"), walk.right)
    walk.snap("It has arrived", "sent")
    walk.look("It is all here", True)
    walk.snap("It is all here", "received")


def _afterwards(walk: Walk) -> None:
    """What both windows tell when nothing is going on."""
    person = walk.person
    walk.escape_until("It has arrived", "Send a folder")
    walk.keys("Send a folder", "h", "History")
    walk.look("History", False)
    person.press("Down")
    walk.snap("History", "history")
    walk.press_until("History", "Receipt")
    walk.snap("Receipt", "receipt")
    walk.keys("Receipt", "p", "People you trust")
    walk.snap("People you trust", "people")
    person.press("Down")
    walk.look("People you trust", False)
    walk.escape_until("It is all here", "Ready to receive", True)
    walk.look("Ready to receive", True)
    person.press("F1")
    walk.snap("When nothing gets through", "firewall")
    person.press("F10")
    walk.snap("When nothing gets through", "menu")


def _interrupted(walk: Walk) -> None:
    person = walk.person
    walk.look("Ready to receive", True)
    code = person.copied(4)
    walk.press_until("Send a folder", "Which code do they see?")
    type_until(person, _("Which code do they see?"), code, _("Read them the key"), 0)
    walk.look("Read them the key", False)
    key = person.copied(19)
    heading = _("{peer} wants to send you {amount}").format(peer="Ada", amount="").strip()
    type_until(person, _("Somebody wants to send you something"), key.lower(), heading, walk.right)
    press_until(person, heading, _("Receiving"), walk.right)
    wait_until(lambda: any("2" in title and "%" in title for title in person.titles()), 30, "20 %")
    walk.snap("Sending", "sending")
    walk.snap("Receiving", "receiving")
    walk.look("Receiving", True)
    person.press("Escape")
    walk.snap("Stop", "question")
    person.look_at(_("Stop"), walk.right + 100, 300)
    person.press("Tab")
    person.press("Return")
    person.window(_("Cancelled."))


def _what_is_left(walk: Walk) -> None:
    walk.snap("Cancelled.", "cancelled")
    walk.press_until("Cancelled.", "Ready to receive", True)
    walk.keys("Ready to receive", "i", "Interrupted transfers", True)
    walk.person.press("Down")
    walk.snap("Interrupted transfers", "interrupted")
