"""What a person wants to send: one folder's content, or several files and folders; and what to leave out."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from countersign.base.i18n import _
from countersign.disk.folders import File, Folder


class Found(Protocol):
    """An entry in a folder: from `os.scandir`, or a file or folder that was chosen directly."""

    @property
    def name(self) -> str: ...

    def stat(self, *, follow_symlinks: bool) -> os.stat_result: ...


@dataclass(frozen=True)
class Selection:
    """paths: one folder, whose content is sent; or files and folders, which are sent themselves.

    removed: entries that the person removed, each as its names from the top. patterns: names to leave out everywhere,
    such as `*.tmp` or `node_modules`; a pattern with a slash is a path from the top. Case is ignored.
    """

    paths: tuple[Path, ...]
    removed: frozenset[tuple[str, ...]] = frozenset()
    patterns: tuple[str, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether one folder's content is sent."""
        return len(self.paths) == 1 and not self.paths[0].is_file()

    @property
    def place(self) -> Path:
        """Its location, for people and for the file manager."""
        return self.paths[0] if self.is_folder else self.paths[0].parent

    @property
    def name(self) -> str:
        """Its name in the offer."""
        if len(self.paths) > 1:
            return _("{name} and more").format(name=self.paths[0].name)
        return self.paths[0].resolve().name or str(self.paths[0])

    def open(self) -> Folder:
        """Opens the top for reading. Raises OSError."""
        return Folder.open_root(self.paths[0]) if self.is_folder else Gathered(self.paths)

    @property
    def leaves_some_out(self) -> bool:
        """Whether `leaves_out` can be true for any entry."""
        return bool(self.removed or self.patterns)

    def leaves_out(self, above: tuple[str, ...], name: str) -> bool:
        """Whether an entry is left out; a folder takes its content with it."""
        if self.removed and (*above, name) in self.removed:
            return True
        if not self.patterns:
            return False
        names, paths = _compiled(self.patterns)
        if names is not None and names.match(name.casefold()):
            return True
        return paths is not None and paths.match("/".join((*above, name)).casefold()) is not None


def split_patterns(text: str) -> tuple[str, ...]:
    """Splits typed patterns at commas, semicolons and line ends. A trailing slash is dropped."""
    parts = (part.strip().replace("\\", "/").strip("/") for part in re.split(r"[,;\n]", text))
    return tuple(part for part in parts if part)


@functools.lru_cache(maxsize=8)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    """One regular expression for names and one for paths."""

    def joined(some: list[str]) -> re.Pattern[str] | None:
        return re.compile("|".join(fnmatch.translate(p.casefold()) for p in some)) if some else None

    return joined([p for p in patterns if "/" not in p]), joined([p for p in patterns if "/" in p])


@dataclass(frozen=True)
class _Chosen:
    """A file or folder that was chosen directly, under its unique name among the others."""

    name: str
    parent: Folder
    path: Path

    @property
    def real(self) -> str:
        return self.path.name

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:  # noqa: ARG002 - never followed
        return self.parent.status(self.real)


class Gathered(Folder):
    """Presents files and folders from different places as one folder; read-only."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        """Raises OSError."""
        self._chosen: dict[str, _Chosen] = {}
        with ExitStack() as opened:
            parents: dict[Path, Folder] = {}
            for path in paths:
                if path.parent not in parents:
                    parents[path.parent] = Folder.open_root(path.parent)
                    opened.callback(parents[path.parent].close)
                name = self._free(path.name)
                self._chosen[name] = _Chosen(name, parents[path.parent], path)
            self._close = opened.pop_all()

    def _free(self, name: str) -> str:
        """A free name: two files with one name from two places are both sent."""
        stem, dot, ending = name.rpartition(".")
        if not stem:
            stem, dot, ending = name, "", ""
        names = [name, *(f"{stem} ({n}){dot}{ending}" for n in range(2, len(self._chosen) + 3))]
        return next(one for one in names if one not in self._chosen)

    def _real(self, name: str) -> tuple[Folder, str]:
        chosen = self._chosen.get(name)
        if chosen is None:
            raise FileNotFoundError(name)
        return chosen.parent, chosen.real

    def places(self) -> Iterator[tuple[Path, Folder]]:
        """Each chosen path with its open parent folder."""
        yield from ((chosen.path, chosen.parent) for chosen in self._chosen.values())

    def entries(self) -> Iterator[Found]:  # type: ignore[override]  # what is asked of an entry is in Found
        yield from self._chosen.values()

    def folder(self, name: str) -> Folder:
        parent, real = self._real(name)
        return parent.folder(real)

    def read_file(self, name: str) -> File:
        parent, real = self._real(name)
        return parent.read_file(real)

    def read_small(self, name: str, buffer: memoryview) -> tuple[int, os.stat_result]:
        parent, real = self._real(name)
        return parent.read_small(real, buffer)

    def read_link(self, name: str) -> str:
        parent, real = self._real(name)
        return parent.read_link(real)

    def status(self, name: str) -> os.stat_result:
        parent, real = self._real(name)
        return parent.status(real)

    def close(self) -> None:
        self._close.close()
