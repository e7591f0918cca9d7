"""A disk that fails as a test says, whichever call would open or create the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from countersign.disk.folders import Folder

READING = ("read_file", "read_small")
MAKING = ("create_file", "create_small", "append_file", "make_folder", "make_link")


def refuse(
    monkeypatch: pytest.MonkeyPatch, calls: tuple[str, ...], number: int, when: Callable[[Folder, str], bool]
) -> None:
    """These calls fail with this errno when `when` is true of the folder and the name in it."""

    def failing(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(self: Folder, name: str, *rest: Any) -> Any:
            if when(self, name):
                raise OSError(number, os.strerror(number))
            return call(self, name, *rest)

        return called

    for name in calls:
        monkeypatch.setattr(Folder, name, failing(getattr(Folder, name)))
