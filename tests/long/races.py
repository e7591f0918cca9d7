"""An attacker with write access swaps folders for links, as fast as a separate process can, while we write, publish, compare, read,
list and remove. Nothing is ever written, read or removed behind a link.

A control does the same with plain paths, which shows that the race is real.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from countersign.disk.folders import Folder, Tree, remove_tree
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.pack.plan import Piece
from countersign.places.home import Home
from countersign.places.own import OwnPlaces
from countersign.source.reading import Source, WithdrawnError
from countersign.source.scanning import scan_selection
from countersign.source.selection import Selection
from countersign.target.journal import VERSION, About, Journal
from countersign.target.publishing import _Comparison
from countersign.target.staging import Staging
from tests.long.figures import Figure

ROUNDS = 10_000
SECRET = b"secret of somebody else"
_FOLDERS = 8

# The racer: replaces each folder named d0, d1, ... for a moment with a link to `outside`, again and again.
_RACER = """
import os, sys
root, outside, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
while os.getppid() == int(sys.argv[4]):
    try:
        os.chdir(root)  # the tree may have been removed and made anew
    except OSError:
        continue
    for n in range(count):
        try:
            os.rename(f"d{n}", f"real{n}")
            os.symlink(outside, f"d{n}")
            os.unlink(f"d{n}")
            os.rename(f"real{n}", f"d{n}")
        except OSError:
            try:
                os.rename(f"real{n}", f"d{n}")
            except OSError:
                pass
"""


@contextmanager
def racing(root: Path, outside: Path) -> Iterator[None]:
    """Runs a racer in `root` while the block runs."""
    command = [sys.executable, "-c", _RACER, str(root), str(outside), str(_FOLDERS), str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as racer:
        assert racer.stdout is not None
        assert racer.stdout.readline()
        try:
            yield
        finally:
            racer.kill()


class Arena:
    """A tree of folders d0, d1, ... with a file in each, and a folder outside with the same names and other content."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree, self.outside = root / "tree", root / "outside"
        self.outside.mkdir(parents=True)
        (self.outside / "file").write_bytes(SECRET)
        (self.outside / "precious").write_bytes(SECRET)
        self.manifest = Manifest()
        for number in range(_FOLDERS):
            self.manifest.add(Entry(EntryKind.FOLDER, -1, f"d{number}", 0, 0, ""))
            (self.tree / f"d{number}").mkdir(parents=True)
            file = self.tree / f"d{number}" / "file"
            file.write_bytes(b"x" * len(SECRET))
            os.utime(file, ns=(0, 0))
            self.manifest.add(Entry(EntryKind.FILE, 2 * number, "file", len(SECRET), 0, ""))
        os.utime(self.outside / "file", ns=(0, 0))
        self.digest = hashlib.sha256(b"x" * len(SECRET)).digest()
        self.before = self._outside()

    def make_again(self) -> None:
        """Builds the tree again, by handles: a plain path would be swapped while we use it."""
        self.tree.mkdir(exist_ok=True)
        root = Folder.open_root(self.tree)
        for number in range(_FOLDERS):
            with contextlib.suppress(OSError):  # the racer has moved it away
                root.make_folder(f"d{number}")
                inside = root.folder(f"d{number}")
                try:
                    inside.create_file("file", False).close()
                finally:
                    inside.close()
        root.close()

    def _outside(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.outside.iterdir()}

    def escapes(self) -> int:
        """Counts the names outside that have changed, and restores them."""
        found = set(self._outside().keys() ^ self.before.keys())
        found |= {
            name for name, content in self._outside().items() if name in self.before and content != self.before[name]
        }
        for name in found:
            (self.outside / name).unlink(missing_ok=True)
            if name in self.before:
                (self.outside / name).write_bytes(self.before[name])
        return len(found)


Door = Callable[[Arena, int, random.Random], bool]


def _write(arena: Arena, number: int, chance: random.Random) -> bool:
    """Creates a file in a folder of staging. True if the race was noticed."""
    root = Folder.open_root(arena.tree)
    tree = Tree(arena.manifest, root)
    name = f"new{number}"
    try:
        folder = tree.folder(2 * chance.randrange(_FOLDERS))
        folder.create_file(name, False).close()
        folder.set_folder_time(name, 5)
        folder.remove_file(name)
    except OSError:
        return True
    finally:
        tree.close()
        root.close()
    return False


def _publish(arena: Arena, number: int, chance: random.Random) -> bool:
    """Renames into a target in which names are swapped."""
    source, target = Folder.open_root(arena.root), Folder.open_root(arena.tree)
    (arena.root / "arriving").write_bytes(b"new")
    try:
        source.move("arriving", target, f"d{chance.randrange(_FOLDERS)}")
    except OSError:
        return True
    finally:
        source.close()
        target.close()
    # the name was free between the racer's two steps: give it back
    for path in arena.tree.iterdir():
        if path.is_file():
            path.unlink(missing_ok=True)
    return False


def _read(arena: Arena, _number: int, chance: random.Random) -> bool:
    """Reads a piece of the sender's file: never the content behind a link."""
    source = Source(Selection((arena.tree,)), arena.manifest)
    try:
        content = source.read(Piece(2 * chance.randrange(_FOLDERS) + 1, 0, len(SECRET)), memoryview(bytearray(64)))
        assert bytes(content) != SECRET, "a secret was read"
    except WithdrawnError:
        return True
    finally:
        source.close()
    return False


def _list(arena: Arena, _number: int, _chance: random.Random) -> bool:
    """Lists the sender's folder: nothing from outside is in the list."""
    own = OwnPlaces(Home(arena.root / "home"), None, b"")
    scan = scan_selection(Selection((arena.tree,)), lambda *_a: None, lambda: False, own)
    assert "precious" not in scan.manifest.names, "a name from outside was listed"
    return len(scan.manifest) != 2 * _FOLDERS


def _remove(arena: Arena, _number: int, _chance: random.Random) -> bool:
    """Removes a tree in which folders are swapped: what is behind the links stays."""
    try:
        remove_tree(arena.tree)
    except OSError:
        return True
    finally:
        arena.make_again()
    return False


def _compare(arena: Arena, _number: int, chance: random.Random) -> bool:
    """Compares: content behind a link never counts as the same as what arrived."""
    staging = arena_staging(arena)
    target = Folder.open_root(arena.tree)
    try:
        index = 2 * chance.randrange(_FOLDERS)
        return not _Comparison(staging).same(index, target, arena.manifest.names[index])
    finally:
        target.close()
        staging.remove()


def arena_staging(arena: Arena) -> Staging:
    """A staging whose files all hold the secret's content, so only the files outside would compare as the same."""
    path = arena.root / f".staging-{time.monotonic_ns()}"
    path.mkdir()
    about = About(
        VERSION,
        "00",
        "x",
        "x",
        b"x",
        os.fsencode(path),
        0.0,
        len(arena.manifest),
        arena.manifest.files,
        arena.manifest.bytes,
    )
    staging = Staging(arena.manifest, path, Journal.begin(arena.root / "transfers", about, arena.manifest), {})
    staging.make_folders(lambda: None)
    for index in range(1, len(arena.manifest), 2):
        staging.write([(Piece(index, 0, len(SECRET)), SECRET)], [])
    return staging


def _never_the_same(arena: Arena, number: int, chance: random.Random) -> bool:
    noticed = _compare(arena, number, chance)
    assert noticed, "what lies outside was called the same"
    return True


# the operation, and its share of the rounds
DOORS: dict[str, tuple[Door, float]] = {
    "write": (_write, 0.35), "publish": (_publish, 0.2), "read": (_read, 0.25), "list": (_list, 0.1), "remove": (_remove, 0.07),
    "compare": (_never_the_same, 0.03),
}  # fmt: skip


def race(rounds: int, name: str, door: Door) -> tuple[int, int]:
    """(escapes, rounds in which the race was noticed) of one operation."""
    chance = random.Random(rounds)
    escapes = noticed = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        arena = Arena(Path(folder))
        with racing(arena.tree, arena.outside):
            for number in range(rounds):
                noticed += door(arena, number, chance)
                if number % 50 == 0:
                    escapes += arena.escapes()
        escapes += arena.escapes()
        if name == "remove":
            shutil.rmtree(arena.tree, ignore_errors=True)
    return escapes, noticed


def control(rounds: int) -> int:
    """The same as `_write`, but with plain paths. Returns how often it wrote outside."""

    def naive(arena: Arena, number: int, chance: random.Random) -> bool:
        place = arena.tree / f"d{chance.randrange(_FOLDERS)}"
        with contextlib.suppress(OSError):
            if not place.is_symlink():  # checked first, then opened
                (place / f"new{number}").write_bytes(b"x")
        return False

    return race(rounds, "control", naive)[0]


def run(runs: int | None, first: int = 0) -> Figure:
    """`runs` rounds over all operations."""
    rounds = ROUNDS if runs is None else runs
    escapes = noticed = done = 0
    for name, (door, share) in DOORS.items():
        count = max(1, round(rounds * share))
        out, seen = race(count + first, name, door)
        escapes, noticed, done = escapes + out, noticed + seen, done + count
        print(f"  {name}: {count} rounds, {seen} met the swap, {out} escapes", flush=True)
    naive = control(max(200, rounds // 5))
    text = f"{done} rounds at {len(DOORS)} doors, {noticed} of them met the swap; escapes {escapes} (the control with plain paths: {naive})"
    return Figure(text, escapes == 0 and ((noticed > 0 and naive > 0) or runs is not None))
