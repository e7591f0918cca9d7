"""Scans what will be sent into a manifest: by handles, following no link, and reports what cannot be sent."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from pathlib import Path

from countersign.base import limits
from countersign.base.errors import (
    Cancelled,
    FolderEmpty,
    FolderMissing,
    FolderUnreadable,
    OfferRefused,
    OwnPlace,
    TooMuch,
)
from countersign.base.i18n import N_, _
from countersign.base.printable import printable
from countersign.base.refusals import disk_errors, disk_problem, reason_of
from countersign.disk.dates import EARLIEST, LATEST, clamped
from countersign.disk.folders import Folder, is_link
from countersign.pack.manifest import TOP, Entry, EntryKind, Manifest
from countersign.pack.names import check_component, check_target
from countersign.places.own import Own, OwnPlaces, Secret
from countersign.source.selection import Found, Gathered, Selection
from countersign.trust.private_keys import may_hold_key

_LOOK_EVERY = 1000  # entries
_LOOK_AMONG_NAMES = 64  # the disk returns many names at a time
_LOOK_SECONDS = 0.2  # on a slow disk, a thousand entries take longer than a person waits
_NAME = attrgetter("name")
# looked up once, not for every file
_FILE, _EXECUTABLE = int(EntryKind.FILE), int(EntryKind.EXECUTABLE)
KEEPERS = frozenset({".gitkeep"})  # it keeps SEND_FOLDER in the repository; it is not the user's file
OWN = N_("it is Countersign's own and stays here")
INEXACT = N_("its date is too far away to be sent; it gets the nearest that is possible")


@dataclass
class Scan:
    """The scan's result: entries, and what was left out, with reasons."""

    selection: Selection
    manifest: Manifest = field(default_factory=Manifest)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    left_out: int = 0  # at the person's wish; a folder counts with its content
    keys: list[str] = field(default_factory=list)  # paths of files that look like other private keys; they are sent
    inexact: list[tuple[str, str]] = field(default_factory=list)  # sent, but with another date


def scan_selection(
    selection: Selection, on_progress: Callable[[int, int], None], cancelled: Callable[[], bool], places: OwnPlaces
) -> Scan:
    """Lists what will be sent. Raises FolderMissing, FolderUnreadable, FolderEmpty, OwnPlace, TooMuch, Cancelled."""
    path = selection.place
    try:
        root = selection.open()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FolderMissing(path=path) from error
    except OSError as error:
        raise disk_problem(error, path, FolderUnreadable) from error
    scan = Scan(selection)
    try:
        with disk_errors(path, FolderUnreadable):
            own = places.look()
            _refuse_own(root, path, own)
            scanner = _Scanner(scan, on_progress, cancelled, own)
            scanner.at_home = selection.is_folder and next(root.lineage(), None) == own.send_folder is not None
            scanner.folder(root, TOP, (), 0)
            scanner.check_limits()
    finally:
        root.close()
    if not len(scan.manifest):
        all_is_own = not scan.left_out and any(reason == OWN for _path, reason in scan.skipped)
        raise OwnPlace(path=path) if all_is_own else FolderEmpty(path=path)
    return scan


def _refuse_own(root: Folder, path: Path, own: Own) -> None:
    """Raises OwnPlace if the person chose one of our folders, or something in it."""
    for chosen, folder in root.places() if isinstance(root, Gathered) else [(path, root)]:
        if own.holds(folder):
            raise OwnPlace(path=chosen)


class _Scanner:
    def __init__(
        self, scan: Scan, on_progress: Callable[[int, int], None], cancelled: Callable[[], bool], own: Own
    ) -> None:
        self.at_home = False  # the folder is our own SEND_FOLDER
        self._own = own
        self._sizes = own.sizes
        self._scan = scan
        self._add = scan.manifest.add
        self._add_file = scan.manifest.add_file
        self._leaves_out = scan.selection.leaves_out if scan.selection.leaves_some_out else None
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._names_bytes = 0
        self._reported = -limits.STATUS_SECONDS
        self._seen = 0  # entries, including those not sent
        self._look_at = time.monotonic() + _LOOK_SECONDS

    def folder(self, folder: Folder, parent: int, above: tuple[str, ...], path_bytes: int) -> None:
        for found in self._sorted(folder):
            name = found.name
            self._look()
            if self._leaves_out is not None and self._leaves_out(above, name):
                self._scan.left_out += 1
                continue
            if self.at_home and not above and name in KEEPERS and found.stat(follow_symlinks=False).st_size == 0:
                continue
            try:
                name_bytes = check_component(name)
            except OfferRefused:
                self._skip(above, name, N_("its name cannot be sent"))
                continue
            size = path_bytes + 1 + name_bytes
            if size > limits.MAX_PATH_BYTES:
                self._skip(above, name, N_("its path is too long"))
                continue
            self._names_bytes += name_bytes
            try:
                self._entry(folder, found, parent, above, size)
            except OSError as error:
                self._skip(above, name, reason_of(error))

    def _entry(self, folder: Folder, found: Found, parent: int, above: tuple[str, ...], size: int) -> None:
        status = found.stat(follow_symlinks=False)
        name, mode = found.name, status.st_mode
        if is_link(status):
            self._link(folder, name, parent, above, status)
        elif stat.S_ISREG(mode):
            length, date = status.st_size, status.st_mtime_ns
            # only files of our keys' sizes, or with a key's name, are examined
            if (length in self._sizes or may_hold_key(name, length)) and self._stays(folder, name, above, status):
                return
            if not EARLIEST <= date <= LATEST:
                date = self._date(status, above, name)
            self._add_file(_EXECUTABLE if mode & stat.S_IXUSR else _FILE, parent, name, length, date)
        elif not stat.S_ISDIR(mode):
            self._skip(above, name, N_("it is not a file"))
        elif len(above) >= limits.MAX_DEPTH:
            self._skip(above, name, N_("it lies too deep"))
        else:
            self._folder(folder.folder(name), name, parent, above, size, status)

    def _folder(
        self, inside: Folder, name: str, parent: int, above: tuple[str, ...], size: int, status: os.stat_result
    ) -> None:
        """Takes ownership of `inside`."""
        try:
            if next(inside.lineage(), None) in self._own.folders:
                self._leave(above, name)
                return
            index = self._add(Entry(EntryKind.FOLDER, parent, name, 0, self._date(status, above, name), ""))
            self.folder(inside, index, (*above, name), size)
        finally:
            inside.close()

    def _link(self, folder: Folder, name: str, parent: int, above: tuple[str, ...], status: os.stat_result) -> None:
        target = folder.read_link(name)
        if check_target(target, len(above)):
            self._names_bytes += len(target)
            self._add(Entry(EntryKind.LINK, parent, name, 0, self._date(status, above, name), target))
        else:
            self._skip(above, name, N_("it is a link that leads out of the folder"))

    def _sorted(self, folder: Folder) -> list[Found]:
        """A folder's entries, sorted by name. Reading a very large one takes seconds, so this looks on the way."""
        entries = folder.entries()
        found: list[Found] = list(islice(entries, _LOOK_AMONG_NAMES))
        while some := list(islice(entries, _LOOK_AMONG_NAMES)):
            found += some
            self._look()
        found.sort(key=_NAME)
        return found

    def _look(self) -> None:
        """Called for every entry: now and then checks the limits and for cancellation."""
        self._seen += 1
        now = time.monotonic()
        if self._seen % _LOOK_EVERY and now < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        self.check_limits()
        self._report(now)
        if self._cancelled():
            raise Cancelled

    def _date(self, status: os.stat_result, above: tuple[str, ...], name: str) -> int:
        """The date to send for an entry."""
        date = clamped(status.st_mtime_ns)
        if date != status.st_mtime_ns:
            self._scan.inexact.append((_path(above, name), INEXACT))
        return date

    def _stays(self, folder: Folder, name: str, above: tuple[str, ...], status: os.stat_result) -> bool:
        """Whether a suspect file is ours and stays; reports what looks like another private key."""
        secret = self._own.judge(folder, name, status)
        if secret is Secret.OWN:
            self._leave(above, name)
        elif secret is Secret.KEY:
            self._scan.keys.append(_path(above, name))
        return secret is Secret.OWN

    def _leave(self, above: tuple[str, ...], name: str) -> None:
        """Leaves out one of our files. Raises OwnPlace if the person chose it directly."""
        if not above and not self._scan.selection.is_folder:
            raise OwnPlace(path=self._scan.selection.place / name)
        self._skip(above, name, OWN)

    def check_limits(self) -> None:
        """Raises TooMuch. Call it at the end too: on the way it runs only now and then."""
        manifest = self._scan.manifest
        if len(manifest) > limits.MAX_ENTRIES:
            detail = _("more than {n} entries").format(n=limits.MAX_ENTRIES)
        elif self._names_bytes > limits.MAX_NAMES_BYTES:
            detail = _("too many long names")
        elif manifest.bytes > limits.MAX_TOTAL_BYTES:
            detail = _("too many bytes")
        else:
            return
        raise TooMuch(path=self._scan.selection.place, detail=detail)

    def _report(self, now: float) -> None:
        if now - self._reported >= limits.STATUS_SECONDS:
            self._reported = now
            self._on_progress(self._scan.manifest.files, self._scan.manifest.bytes)

    def _skip(self, above: tuple[str, ...], name: str, reason: str) -> None:
        self._scan.skipped.append((_path(above, name), reason))


def _path(above: tuple[str, ...], name: str) -> str:
    """An entry's path for display."""
    return printable("/".join((*above, name)), 4096)
