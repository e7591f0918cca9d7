"""What the person has chosen in the windows, kept in `state/preferences.json`: looks, language, places. Never a secret.

Both programs write it, each what it changed: a change reads the file again first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from countersign.base import limits
from countersign.base.files import OddFile, read_small, replace_file, set_aside
from countersign.base.i18n import _
from countersign.base.locks import file_lock

LOOKS = ("system", "light", "dark")
_MOST_FOLDERS = 500
_FILE_CAP = 16 * limits.MIB  # so many folders with the longest paths
_T = TypeVar("_T")


class Preferences(msgspec.Struct):
    """The choices. Whatever is missing has its default."""

    version: int = 1
    looks: str = "system"
    language: str = ""  # one of i18n.LANGUAGES, or nothing for the system's
    windows: dict[str, str] = {}  # geometry by program, as Tk writes it
    folder: str = ""  # what was sent last
    into: str = ""  # where the receiver puts what arrives
    addresses: dict[str, str] = {}  # the last address that worked, by peer in hex
    folders: dict[str, str] = {}  # where the things of a receipt went to or came from, by receipt


class PreferenceStore:
    """The choices of one home."""

    def __init__(self, state: Path) -> None:
        self._path = state / "preferences.json"
        self._lock = state / "preferences.lock"
        self.note = ""  # what the person should be told of a damaged file

    def read(self) -> Preferences:
        """The choices; a damaged file is set aside and the defaults count."""
        try:
            found = _decoded(read_small(self._path, _FILE_CAP))
            if found.version != 1 or found.looks not in LOOKS:
                raise msgspec.ValidationError("version")
        except FileNotFoundError:
            return Preferences()
        except (ValueError, RecursionError, OddFile):  # msgspec's errors and json's are ValueErrors
            self.note = _("{file} was damaged and set aside; looks and places are as in the beginning.").format(
                file=set_aside(self._path)
            )
            return Preferences()
        except OSError:  # a choice of looks is no reason to stop
            return Preferences()
        return found

    def change(self, how: Callable[[Preferences], None]) -> None:
        """Changes the choices. Not being able to keep them is no reason to stop."""
        try:
            with file_lock(self._lock):
                found = self.read()
                how(found)
                while len(found.folders) > _MOST_FOLDERS:
                    found.folders.pop(next(iter(found.folders)))
                replace_file(self._path, _encoded(found))
        except (OSError, TimeoutError):
            return


# json, not msgspec.json: a place whose name is not UTF-8 is half a surrogate pair in Python, which only json writes and reads


def _decoded(data: bytes) -> Preferences:
    """Raises ValueError or RecursionError."""
    return msgspec.convert(json.loads(data), Preferences)


def _encoded(chosen: Preferences) -> bytes:
    return json.dumps(msgspec.to_builtins(chosen)).encode()
