"""Finds our folders: beside the scripts or the executable if that is writable, else in the user's home."""

from __future__ import annotations

import os
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from countersign.base.files import PRIVATE_FOLDER, private_folder, remove_spares, tighten
from countersign.base.refusals import disk_errors

VARIABLE = "COUNTERSIGN_HOME"
RECEIVED = "received_folder"


@dataclass(frozen=True)
class Home:
    """The home folder and the folders in it."""

    root: Path

    @property
    def certs(self) -> Path:
        return self.root / "certs"

    @property
    def peers(self) -> Path:
        return self.certs / "peers"

    @property
    def send_folder(self) -> Path:
        return self.root / "SEND_FOLDER"

    @property
    def receipts(self) -> Path:
        return self.root / "receipts"

    @property
    def state(self) -> Path:
        return self.root / "state"

    def prepare(self) -> None:
        """Makes missing folders and tidies existing ones. Raises DiskProblem."""
        with disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            for folder in (self.certs, self.state, self.receipts):
                private_folder(folder)
                tighten(folder, PRIVATE_FOLDER)
            self.peers.mkdir(exist_ok=True)
            for folder in (self.certs, self.peers, self.state, self.receipts):
                remove_spares(folder, time.time())
            self.send_folder.mkdir(exist_ok=True)


def find_home(asked: str | None = None) -> Home:
    """The home set by option or variable, else the default one."""
    wanted = asked or os.environ.get(VARIABLE)
    if wanted:
        return Home(Path(os.path.expanduser(wanted)).absolute())
    beside = program_folder()
    if beside is not None and _can_be_written(beside):
        return Home(beside)
    return Home(Path.home() / "Countersign")


def program_folder() -> Path | None:
    """The folder with the scripts or the executable; None if the package is installed without them."""
    if getattr(sys, "frozen", False):
        folder = Path(sys.executable).resolve().parent
        if sys.platform == "darwin" and folder.name == "MacOS":  # Countersign.app/Contents/MacOS
            return folder.parents[2]
        # each app has its own folder: both share the folder above
        return folder.parent if (folder / "_internal").is_dir() else folder
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / "sender.py").is_file() and (folder / "receiver.py").is_file() else None


def received_folder(home: Home) -> tuple[Path, bool]:
    """(default target folder, whether it is on the Desktop). In the home folder if there is no Desktop."""
    desktop = Path(platformdirs.user_desktop_dir())
    if desktop.is_dir() and os.access(desktop, os.W_OK):
        return desktop / RECEIVED, True
    return home.root / RECEIVED, False


def _can_be_written(folder: Path) -> bool:
    # os.access ignores Windows' access lists, so try it
    probe = folder / f".countersign-{secrets.token_hex(6)}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError:
        return False
    return True
