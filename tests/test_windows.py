"""Both real windows on a virtual screen, driven with real key and mouse events, through the whole ritual."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from countersign.places.home import Home
from countersign.profile import open_profile
from countersign.seal.keytext import new_key
from countersign.target.journal import journals, list_interrupted
from tests.desktop_user import DesktopUser, virtual_screen
from tests.programs import ROOT
from tests.proxy import NarrowLine
from tests.transfers import Couple, fill, make_couple, snapshot
from tests.waiting import wait_until

pytestmark = [pytest.mark.window, pytest.mark.skipif(sys.platform != "linux", reason="drives an X server")]
RIGHT = 780  # where the receiver's window is put
PATIENCE = 6.0  # seconds until a key counts as astray; longer than the three that a side that ends waits for the other


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    with virtual_screen() as name:
        yield name


@pytest.fixture
def user(screen: str) -> Iterator[DesktopUser]:
    made = DesktopUser(screen)
    yield made
    made.close()


@contextmanager
def windows(user: DesktopUser, *commands: list[str]) -> Iterator[list[subprocess.Popen[str]]]:
    """Starts programs with a window; ends them, and fails if any of them complained."""
    environment = {**os.environ, "DISPLAY": user.screen}
    started = [
        subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]  # fmt: skip
    try:
        yield started
    finally:
        said = ""
        for program in started:
            program.terminate()
            out, errors = program.communicate(timeout=20)
            said += out + errors
        assert "Traceback" not in said
        assert "Error" not in said


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def receiver(couple: Couple, port: int) -> list[str]:
    home = str(couple.bob.home.root)
    return ["receiver.py", "--home", home, "--bind", "127.0.0.1", "--port", str(port), "--into", str(couple.into)]


def sender(couple: Couple, port: int) -> list[str]:
    return ["sender.py", "--home", str(couple.alice.home.root), "--to", f"127.0.0.1:{port}"]


@contextmanager
def both(user: DesktopUser, couple: Couple) -> Iterator[None]:
    """The two programs side by side."""
    port = free_port()
    with windows(user, receiver(couple, port), sender(couple, port)):
        yield


def connect(user: DesktopUser) -> str:
    """Both windows are there: reads the code on the right and types it on the left. Gives the key."""
    user.look_at("Ready to receive", RIGHT, 0)
    code = user.copied(4)
    press_until(user, "Send a folder", "Which code do they see", 0)
    type_until(user, "Which code do they see", code, "Read them the key", 0)
    user.look_at("Read them the key", 0, 0)
    return user.copied(19)


def press_until(user: DesktopUser, here: str, wanted: str, x: int) -> None:
    """Return on one screen, until another is there: a main button may not be enabled yet, or be careful."""
    _act_until(user, here, wanted, x, lambda: user.press("Return"))


def type_until(user: DesktopUser, here: str, text: str, wanted: str, x: int) -> None:
    """Types into the field of one screen and presses Return, until another is there.

    More than once only where the keyboard was elsewhere the first time: two programs without a window manager
    between them may both ask for it.
    """

    def act() -> None:
        user.press("a", control=True)
        user.type(text + "\n")

    _act_until(user, here, wanted, x, act)


def escape_until(user: DesktopUser, here: str, wanted: str, x: int) -> None:
    """Escape on one screen, until another is there."""
    _act_until(user, here, wanted, x, lambda: user.press("Escape"))


def _act_until(user: DesktopUser, here: str, wanted: str, x: int, act: Callable[[], None]) -> None:

    def there() -> bool:
        return any(wanted in title for title in user.titles())

    wait_until(lambda: there() or any(here in title for title in user.titles()), 30, here)

    def once() -> bool:
        try:
            if any(here in title for title in user.titles()):
                user.look_at(here, x, 0, seconds=1)
                act()
            return wait_until(there, PATIENCE, wanted)
        except AssertionError:
            return False

    wait_until(once, 60, lambda: f"{wanted} among {user.titles()}")


@dataclass(frozen=True)
class Through:
    """A way to a screen over another one: `open_between` on the first leads to the second, which is put at a place."""

    here: str
    x: int
    open_between: Callable[[], None]
    between: str
    place: tuple[int, int]

    def until(self, user: DesktopUser, wanted: str, *keys: str) -> None:
        """Presses the keys on the second screen, until `wanted` is there; again where a key went astray."""

        def there(title: str) -> bool:
            return any(title in shown for shown in user.titles())

        def once() -> bool:
            try:
                if not there(wanted) and not there(self.between):
                    user.look_at(self.here, self.x, 0, seconds=1)
                    self.open_between()
                if not there(wanted):
                    user.look_at(self.between, *self.place, seconds=2)
                    for key in keys:
                        user.press(key)
                return bool(user.window(wanted, PATIENCE))
            except AssertionError:
                return False

        wait_until(once, 60, lambda: f"{wanted} among {user.titles()}")


def test_the_whole_ritual_by_keyboard(tmp_path: Path, user: DesktopUser) -> None:
    couple = make_couple(tmp_path)
    fill(couple.folder)
    with both(user, couple):
        key = connect(user)
        type_until(user, "Somebody wants to send you something", new_key().lower(), "Checking the key", RIGHT)
        type_until(user, "Somebody wants to send you something", key.lower(), "alice wants to send you", RIGHT)
        press_until(user, "alice wants to send you", "It is all here", RIGHT)
        user.window("It has arrived")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_accepting_with_the_mouse(tmp_path: Path, user: DesktopUser) -> None:
    couple = make_couple(tmp_path)
    fill(couple.folder, large=1000)
    with both(user, couple):
        key = connect(user)
        type_until(user, "Somebody wants to send you something", key.lower(), "alice wants to send you", RIGHT)
        user.look_at("alice wants to send you", RIGHT, 0)
        user.click_main("alice wants to send you")
        user.window("It is all here")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_declining_and_cancelling(tmp_path: Path, user: DesktopUser) -> None:
    couple = make_couple(tmp_path)
    fill(couple.folder, large=1000)
    with both(user, couple):
        connect(user)
        escape_until(user, "Somebody wants to send you something", "You declined", RIGHT)
        press_until(user, "The other person declined", "Send a folder", 0)
        press_until(user, "You declined", "Ready to receive", RIGHT)
        key = connect(user)
        type_until(user, "Somebody wants to send you something", key.lower(), "alice wants to send you", RIGHT)
        escape_until(user, "Waiting for them to accept", "Cancelled", 0)
        user.window("The other person cancelled")
    assert couple.visible() == []


def test_news_that_arrive_while_a_dialog_is_open(tmp_path: Path, user: DesktopUser) -> None:
    """Tk's own dialogs have names that tkinter does not know; the window must live on behind them."""
    couple = make_couple(tmp_path)
    fill(couple.folder, large=1000)
    with both(user, couple):
        user.look_at("Ready to receive", RIGHT, 0)
        code = user.copied(4)
        # another folder: a dialog with the focus
        _act_until(user, "Ready to receive", "Receive into", RIGHT, lambda: user.press("o", control=True))
        user.look_at("Receive into", RIGHT, 640)
        press_until(user, "Send a folder", "Which code do they see", 0)
        type_until(user, "Which code do they see", code, "Read them the key", 0)
        user.window("Somebody wants to send you something")  # the news came in behind the dialog
        user.close_window(user.window("Receive into"))
        wait_until(lambda: not any("Receive into" in title for title in user.titles()), 10, "the dialog to close")
        user.window("Somebody wants to send you something")
        escape_until(user, "Somebody wants to send you something", "You declined", RIGHT)


def test_the_button_with_the_focus_is_what_return_means(tmp_path: Path, user: DesktopUser) -> None:
    """From the list of people Tab leads to the button beside; the main one would lead back."""
    couple = make_couple(tmp_path)
    with windows(user, sender(couple, 9)):
        user.window("Send a folder")
        through = Through("Send a folder", 0, lambda: user.press("p", control=True), "People you trust", (0, 0))
        through.until(user, "Add a certificate", "Tab", "Return")


def test_the_first_exchange(tmp_path: Path, user: DesktopUser) -> None:
    """Two homes that know nobody: each saves its certificate, adds the other's, and compares."""
    homes = [Home(tmp_path / name) for name in ("anna", "bert")]
    commands = [
        ["sender.py", "--home", str(homes[0].root)],
        ["receiver.py", "--home", str(homes[1].root), "--port", "0"],
    ]
    for home, command in zip(homes, commands, strict=True):
        with windows(user, command):
            saved = tmp_path / f"{home.root.name}-.pem"
            _act_until(
                user, "Give them your certificate", "Save my certificate", 0, lambda: user.press("s", control=True)
            )
            _answer_dialog(user, "Save my certificate", str(saved))
            wait_until(saved.exists, 10, "the file")
    for home, command, other in zip(homes, commands, ("bert", "anna"), strict=True):
        with windows(user, command):
            press_until(user, "Give them your certificate", "Add theirs", 0)
            press_until(user, "Add theirs", "Add a certificate", 0)
            _answer_dialog(user, "Add a certificate", str(tmp_path / f"{other}-.pem"))
            type_until(user, "Is it really theirs", other, "Countersign", 0)
            wait_until(lambda home=home: open_profile(home).device.peers.all(), 20, "somebody to be trusted")  # type: ignore[misc]
    assert [open_profile(home).device.peers.all()[0].name for home in homes] == ["bert", "anna"]


def _answer_dialog(user: DesktopUser, title: str, path: str) -> None:
    """Types a path into a file dialog of Tk's own; it may lie over the program's window."""

    def once() -> bool:
        try:
            user.look_at(title, 0, 640, seconds=1)
            user.press("a", control=True)
            user.type(path + "\n")
            return wait_until(closed, PATIENCE, title)
        except AssertionError:
            return closed()

    def closed() -> bool:
        return not any(title in shown for shown in user.titles())

    wait_until(once, 60, "the dialog to close")


def test_cancelled_midway_resumed_and_in_the_history(tmp_path: Path, user: DesktopUser) -> None:
    couple = make_couple(tmp_path)
    fill(couple.folder, large=60_000_000)
    port = free_port()
    with NarrowLine(port, 1_000_000) as slow, windows(user, receiver(couple, port), sender(couple, slow.port)):
        key = connect(user)
        type_until(user, "Somebody wants to send you something", key.lower(), "alice wants to send you", RIGHT)
        press_until(user, "alice wants to send you", "Receiving", RIGHT)
        wait_until(lambda: _arrived(couple), 30, "something to arrive")
        _stop(user)
        press_until(user, "Cancelled", "Ready to receive", RIGHT)
        _act_until(user, "Ready to receive", "Interrupted transfers", RIGHT, lambda: user.press("i", control=True))
    [kept] = list_interrupted(couple.bob.device.transfers)
    assert kept.bytes_there > 0
    with both(user, couple):
        key = connect(user)
        type_until(user, "Somebody wants to send you something", key.lower(), "alice wants to send you", RIGHT)
        press_until(user, "alice wants to send you", "It is all here", RIGHT)
        escape_until(user, "It has arrived", "Send a folder", 0)
        _look_at_the_last_receipt(user)
    assert snapshot(couple.into) == snapshot(couple.folder)
    assert not list_interrupted(couple.bob.device.transfers)


def _stop(user: DesktopUser) -> None:
    """Escape during a transfer, and yes to the question. The other one's title tells, too."""
    through = Through("Receiving", RIGHT, lambda: user.press("Escape"), "Stop", (RIGHT + 100, 300))
    through.until(user, "ancelled", "Tab", "Return")


def test_a_question_is_taken_back_when_the_transfer_ends(tmp_path: Path, user: DesktopUser) -> None:
    couple = make_couple(tmp_path)
    fill(couple.folder, large=12_000_000)
    port = free_port()
    with NarrowLine(port, 1_000_000) as slow, windows(user, receiver(couple, port), sender(couple, slow.port)):
        key = connect(user)
        type_until(user, "Somebody wants to send you something", key.lower(), "alice wants to send you", RIGHT)
        press_until(user, "alice wants to send you", "Receiving", RIGHT)
        _act_until(user, "Receiving", "Stop", RIGHT, lambda: user.press("Escape"))
        user.window("It is all here", 60)
        wait_until(lambda: "Stop" not in user.titles(), 10, "the question to be taken back")
        escape_until(user, "It is all here", "Ready to receive", RIGHT)  # the keyboard is back
    assert snapshot(couple.into) == snapshot(couple.folder)


def _look_at_the_last_receipt(user: DesktopUser) -> None:
    """The sender's history, its first line, and Return."""
    through = Through("Send a folder", 0, lambda: user.press("h", control=True), "History", (0, 0))
    through.until(user, "Receipt", "Down", "Return")


def _arrived(couple: Couple) -> bool:
    """Whether the journal of a transfer under way names content."""
    logs = [folder / "log" for folder in journals(couple.bob.device.transfers)]
    return any(log.exists() and log.stat().st_size for log in logs)


def test_closing_the_window_ends_the_program(tmp_path: Path, user: DesktopUser) -> None:
    couple = make_couple(tmp_path)
    with windows(user, receiver(couple, 0)) as [bob]:
        window = user.window("Ready to receive")
        user.close_window(window)
        assert bob.wait(20) == 0
