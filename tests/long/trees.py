"""Random trees and random edits of them, the same for the same seed.

They hold what bugs hide in: the same file names in many folders, files of one size and time with different contents, names that
sort oddly, sizes next to every boundary.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

from countersign.base import limits
from countersign.disk.folders import LINKS_WORK
from countersign.pack.names import check_target, local_problem, system_of

MOST_FOLDERS = 3_000
_DAY = 86_400 * 1_000_000_000
_NOW = 1_700_000_000_123_456_789
_PLAIN = ("f", "g", "data", "notes.txt", "index", "a", "b")  # few, so that most folders hold the same names
_HARD = (
    "a", "a.b", "a b", "a-b", "ab", "A", "Ab", "a.", "a..", "...", "..a", "-rf", "--", "-", " lead", "trail ", "it's", 'say "so"',
    "~", "$HOME", "*", "wh?t", "a:b", "con", "NUL.txt", "name (2)", "name (2).txt", ".hidden", "tab\there", "new\nline", "\u00e9",
    "e\u0301", "n\u0303o\u0308", "\u5199\u771f", "\u0395\u03bb\u03bb\u03ac\u03b4\u03b1", "\u05e9\u05dc\u05d5\u05dd", "\u0915\u094d\u0937",
    "\U0001f642", "\u202eabc", "\ufb01", "%41", "x.tar.gz", "#1", "1", "10", "2",
)  # fmt: skip
_LONG = ("x" * 255, "x" * 254 + "y", "\u5199" * 85, "\u00fc" * 127 + ".", "l" * 251 + ".txt")
_POSIX = sys.platform != "win32"
_DEEPEST = 40 if _POSIX else 4
_LONGEST_PATH = 1_500 if _POSIX else 100  # of names in a tree: longer ones would only test pathlib


class RandomTree:
    """A folder with different contents each time. `anchor`: a top name that no edit removes."""

    def __init__(
        self, root: Path, seed: str, *, pack: int, room: int = 1_200_000, most_folders: int = MOST_FOLDERS
    ) -> None:
        """pack: size of a pack in bytes, whose boundaries matter. room: about how many bytes all files may have."""
        self.root = root
        self.chance = random.Random(seed)
        self._room = room
        self._small = (0, 0, 1, 2, 17, 17, 17, 100, 1_000, 4_095, 4_096, 4_097)
        kib = limits.KIB
        self._large = tuple(
            around + more for around in (64 * kib, 256 * kib, pack, 3 * pack) for more in (-1, 0, 1)
        )  # fmt: skip
        self._contents: dict[int, list[bytes]] = {}  # of earlier files by size, so that some are reused
        self._one_time = self.chance.choice((None, None, _NOW))  # all with one time, and small ones with one size
        self._one_size = self.chance.choice((None, 17)) if self._one_time else None
        self.folders = 0
        root.mkdir(parents=True, exist_ok=True)
        for entry in list(os.scandir(root)):
            remove(Path(entry.path))
        self._fill(most_folders)
        self.anchor = min(os.listdir(root))

    # --- making ------------------------------------------------------------------------------------------------------

    def _fill(self, most_folders: int) -> None:
        chance = self.chance
        wanted = min(most_folders, chance.choices(
            (chance.randint(1, 16), chance.randint(17, 100), chance.randint(101, 800), chance.randint(801, MOST_FOLDERS)),
            (45, 38, 14, 3),
        )[0])  # fmt: skip
        shape = chance.choice(("flat", "deep", "any"))
        folders = [self.root]
        while self.folders < wanted:
            parent = folders[-1] if shape == "deep" else self.root if shape == "flat" else chance.choice(folders)
            if len(parent.relative_to(self.root).parts) >= _DEEPEST:
                parent = self.root
            folder = self._free(parent, f"d{self.folders:04d}" if chance.random() < 0.7 else None)
            folder.mkdir()
            folders.append(folder)
            self.folders += 1
        for folder in folders:
            for _n in range(chance.choice((0, 1, 1, 2) if wanted > 100 else (0, 1, 1, 2, 3, 8))):
                self._file(folder)
        for _n in range(chance.choice((0, 0, 1, 3))):
            self._file(chance.choice(folders), chance.choice(self._large))
        if chance.random() < 0.05:
            self._many(folders)
        if LINKS_WORK:
            for _n in range(chance.choice((0, 1, 3))):
                self._link(chance.choice(folders), folders)
        for path in [self.root / name for name in self._all()]:
            self._set_time(path)

    def _many(self, folders: list[Path]) -> None:
        """Enough small files that two threads create them."""
        folder = self.chance.choice(folders)
        for number in range(700):
            path = folder / f"{number:03d}"
            if not os.path.lexists(path):
                path.write_bytes(self.chance.randbytes(17))

    def _file(self, folder: Path, size: int | None = None) -> Path:
        chance = self.chance
        if size is None:
            size = chance.choice(self._large if chance.random() < 0.04 else self._small)
        if size > self._room:
            size = 17
        path = self._free(folder)
        path.write_bytes(self._content(self._one_size if self._one_size and size < 4_000 else size))
        self._room -= size
        if _POSIX and chance.random() < 0.1:
            path.chmod(0o755)
        return path

    def _content(self, size: int) -> bytes:
        """Random bytes, compressible text, or the content of an earlier file."""
        chance = self.chance
        earlier = self._contents.setdefault(size, [])
        if earlier and chance.random() < 0.1:
            return chance.choice(earlier)
        made = (
            chance.randbytes(size)
            if chance.random() < 0.8
            else (b"line %d\n" % chance.randrange(10**6) * (size // 6 + 1))[:size]
        )
        if len(earlier) < 4:
            earlier.append(made)
        return made

    def _link(self, folder: Path, folders: list[Path]) -> None:
        depth = len(folder.relative_to(self.root).parts)
        target = self.chance.choice(folders).relative_to(self.root).as_posix()
        path = self._free(folder)
        path.symlink_to("/".join([*[".."] * depth, target]) if target != "." else "nowhere")

    def _free(self, folder: Path, name: str | None = None) -> Path:
        """A path in a folder that is free on every system; the name is sometimes a hard one."""
        chance = self.chance
        taken = {_key(entry) for entry in os.listdir(folder)}
        for number in range(1_000):
            if name is None or number:
                kind = chance.random()
                name = chance.choice(_PLAIN if kind < 0.55 else _HARD if kind < 0.97 else _LONG)
            if number > 20:
                name = f"{chance.randrange(10**9)}"
            fits = len(os.fsencode(folder.relative_to(self.root))) + len(name.encode()) < _LONGEST_PATH
            if fits and _key(name) not in taken and local_problem(name, system_of(sys.platform)) is None:
                return folder / name
        raise AssertionError(f"no free name in {folder}")

    def _set_time(self, path: Path) -> None:
        chance = self.chance
        date = self._one_time if self._one_time is not None else chance.choice(
            (_NOW, _NOW, _NOW + 1, _NOW - chance.randrange(_DAY), chance.randrange(_NOW), 1, 0, -1 if _POSIX else 0,
             -_DAY * 3 + 7 if _POSIX else _DAY, 2_000_000_000_999_999_999)
        )  # fmt: skip
        _set_time(path, date if _POSIX else max(0, date) // 100 * 100)

    def add_file(self, name: str, size: int) -> None:
        """A file at the top with incompressible content; nothing if the name is taken."""
        path = self.root / name
        if not os.path.lexists(path):
            path.write_bytes(self.chance.randbytes(size))

    # --- editing -----------------------------------------------------------------------------------------------------

    def edit(self) -> list[str]:
        """Changes a few things and names them. `hidden` is a change of contents that keeps size and time."""
        acts: dict[str, Callable[[], bool]] = {
            "hidden": self._hide, "contents": self._rewrite, "size": self._resize, "rename": self._rename, "remove": self._remove,
            "add": self._add, "other kind": self._other_kind, "touch": self._touch, "swap": self._swap, "exec": self._exec,
        }  # fmt: skip
        weights = (3, *[1] * (len(acts) - 1))
        done = []
        for name in self.chance.choices(list(acts), weights, k=self.chance.choice((1, 1, 2, 4, 8))):
            if acts[name]():
                done.append(name)
        self._drop_links_out()
        return done

    def _drop_links_out(self) -> None:
        """Drops links that lead out of the tree after a move: no sender would send them."""
        for name in self._all(stat.S_ISLNK):
            if not check_target(os.readlink(self.root / name), name.count(os.sep)):
                (self.root / name).unlink()

    def _all(self, test: Callable[[int], bool] = lambda _mode: True) -> list[str]:
        """Paths of all entries whose mode passes the test, in a fixed order, a folder's entries before the folder."""
        found = []
        for folder, folders, files in os.walk(self.root, topdown=False):
            for name in sorted((*folders, *files)):
                path = os.path.join(folder, name)
                if test(os.lstat(path).st_mode):
                    found.append(os.path.relpath(path, self.root))
        return sorted(found, key=lambda path: (-path.count(os.sep), path))

    def _some(self, test: Callable[[int], bool] = lambda _mode: True, *, anchor: bool = True) -> Path | None:
        names = [name for name in self._all(test) if anchor or name != self.anchor]
        return self.root / self.chance.choice(names) if names else None

    def _hide(self) -> bool:
        """Changes contents but keeps size and time: of one file, or of every third."""
        names = [name for name in self._all(stat.S_ISREG) if os.lstat(self.root / name).st_size]
        if not names:
            return False
        chosen = names[::3] if self.chance.random() < 0.3 else [self.chance.choice(names)]
        for name in chosen:
            _change(self.root / name, self.chance, back=True)
        return True

    def _rewrite(self) -> bool:
        """Changes contents but keeps the size; the time shows it."""
        path = self._some(stat.S_ISREG)
        return path is not None and _change(path, self.chance, back=False)

    def _resize(self) -> bool:
        path = self._some(stat.S_ISREG)
        if path is None:
            return False
        before = path.lstat()
        path.write_bytes(
            self.chance.randbytes(self.chance.choice((before.st_size + 1, max(0, before.st_size - 1), 0, 17)))
        )
        if self.chance.random() < 0.5:
            _set_time(path, before.st_mtime_ns)
        return True

    def _rename(self) -> bool:
        path = self._some(anchor=False)
        if path is None:
            return False
        into = self.root / self.chance.choice([".", *self._all(stat.S_ISDIR)])
        if into == path or path in into.parents:
            into = path.parent
        if len(into.relative_to(self.root).parts) >= _DEEPEST // 2:
            into = self.root
        path.rename(self._free(into))
        return True

    def _remove(self) -> bool:
        path = self._some(anchor=False)
        if path is not None:
            remove(path)
        return path is not None

    def _add(self) -> bool:
        folder = self.root / self.chance.choice([".", *self._all(stat.S_ISDIR)])
        if self.chance.random() < 0.3 and len(folder.relative_to(self.root).parts) < _DEEPEST:
            folder = self._free(folder)
            folder.mkdir()
        self._room = max(self._room, 300_000)
        self._set_time(self._file(folder))
        return True

    def _other_kind(self) -> bool:
        """A file becomes a folder, or the other way round."""
        path = self._some(lambda mode: not stat.S_ISLNK(mode))
        if path is None:
            return False
        before, was_file = path.lstat(), path.is_file()
        remove(path)
        if was_file:
            path.mkdir()
            self._file(path)
        else:
            path.write_bytes(self._content(17))
        _set_time(path, before.st_mtime_ns)
        return True

    def _touch(self) -> bool:
        path = self._some()
        if path is not None:
            self._set_time(path)
        return path is not None

    def _swap(self) -> bool:
        """Two files swap places, with their times."""
        one, other = self._some(stat.S_ISREG), self._some(stat.S_ISREG)
        if one is None or other is None or one == other:
            return False
        aside = self._free(self.root, "aside")
        for source, target in ((one, aside), (other, one), (aside, other)):
            source.rename(target)
        return True

    def _exec(self) -> bool:
        path = self._some(stat.S_ISREG) if _POSIX else None
        if path is not None:
            path.chmod(path.stat().st_mode ^ 0o111)
        return path is not None


def remove(path: Path) -> None:
    """Removes a file, a link, or a folder with everything in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _change(path: Path, chance: random.Random, *, back: bool) -> bool:
    """Changes one byte or all of them."""
    before = path.lstat()
    if not before.st_size:
        return False
    content = bytearray(path.read_bytes())
    if chance.random() < 0.5:
        content[chance.randrange(len(content))] ^= 1 + chance.randrange(255)
    else:
        content[:] = bytes(byte ^ 0x5A for byte in content)
    path.write_bytes(content)
    date = before.st_mtime_ns if back else before.st_mtime_ns + chance.choice((1, -1, _DAY)) * (1 if _POSIX else 100)
    _set_time(path, date)
    return True


def _set_time(path: Path, date: int) -> None:
    if not path.is_symlink():
        os.utime(path, ns=(date, date))
    elif os.utime in os.supports_follow_symlinks:
        os.utime(path, ns=(date, date), follow_symlinks=False)


def _key(name: str) -> str:
    """Names with the same key may be the same name to this system."""
    return name if sys.platform == "linux" else unicodedata.normalize("NFD", name).casefold()
