"""What is to be sent becomes a manifest: by handles, following no link, reporting what can not be sent."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter

from countersign import limits
from countersign.errors import Cancelled, FolderEmpty, FolderMissing, FolderUnreadable, OfferRefused, TooMuch
from countersign.i18n import N_, _
from countersign.pack.manifest import TOP, Entry, EntryKind, Manifest
from countersign.pack.names import check_component, check_target
from countersign.printable import printable
from countersign.transfer.dates import clamped
from countersign.transfer.disk import Folder, is_link
from countersign.transfer.selection import Found, Selection

_LOOK_EVERY = 1000  # entries
_NAME = attrgetter("name")
# looked up once, and not for every file
_FILE, _EXECUTABLE = int(EntryKind.FILE), int(EntryKind.EXECUTABLE)
KEEPERS = frozenset({".gitkeep"})  # what keeps SEND_FOLDER in a repository is nobody's file
INEXACT = N_("its date is too far away to be sent; it gets the nearest that is possible")


@dataclass
class Scan:
    """What was found: entries, and what was left out with its reason."""

    selection: Selection
    manifest: Manifest = field(default_factory=Manifest)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    left_out: int = 0  # by the person's own wish; with a folder goes all that is in it
    inexact: list[tuple[str, str]] = field(default_factory=list)  # sent, but not with their own date


def scan_selection(
    selection: Selection, on_progress: Callable[[int, int], None], cancelled: Callable[[], bool]
) -> Scan:
    """Lists what is to be sent. Raises FolderMissing, FolderUnreadable, FolderEmpty, TooMuch, Cancelled."""
    path = selection.place
    try:
        root = selection.open()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FolderMissing(path=path) from error
    except OSError as error:
        raise FolderUnreadable(path=path, reason=error.strerror or error) from error
    scan = Scan(selection)
    try:
        scanner = _Scanner(scan, on_progress, cancelled)
        scanner.folder(root, TOP, (), 0)
        scanner.check_limits()
    except OSError as error:
        raise FolderUnreadable(path=path, reason=error.strerror or error) from error
    finally:
        root.close()
    if not len(scan.manifest):
        raise FolderEmpty(path=path)
    return scan


class _Scanner:
    def __init__(self, scan: Scan, on_progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> None:
        self._scan = scan
        self._leaves_out = scan.selection.leaves_out if scan.selection.leaves_some_out else None
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._names_bytes = 0
        self._reported = -limits.STATUS_SECONDS

    def folder(self, folder: Folder, parent: int, above: tuple[str, ...], path_bytes: int) -> None:
        for found in sorted(folder.entries(), key=_NAME):
            name = found.name
            if self._leaves_out is not None and self._leaves_out(above, name):
                self._scan.left_out += 1
                continue
            if not above and name in KEEPERS and found.stat(follow_symlinks=False).st_size == 0:
                continue
            try:
                name_bytes = check_component(name)
            except OfferRefused:
                self._skip(above, name, N_("its name can not be sent"))
                continue
            size = path_bytes + 1 + name_bytes
            if size > limits.MAX_PATH_BYTES:
                self._skip(above, name, N_("its path is too long"))
                continue
            self._names_bytes += name_bytes
            try:
                self._entry(folder, found, parent, above, size)
            except OSError as error:
                self._skip(above, name, error.strerror or str(error))

    def _entry(self, folder: Folder, found: Found, parent: int, above: tuple[str, ...], size: int) -> None:
        status = found.stat(follow_symlinks=False)
        name, mode = found.name, status.st_mode
        if is_link(status):
            self._link(folder, name, parent, above, status)
        elif stat.S_ISREG(mode):
            kind = _EXECUTABLE if mode & stat.S_IXUSR else _FILE
            self._add(Entry(kind, parent, name, status.st_size, self._date(status, above, name), ""))
        elif not stat.S_ISDIR(mode):
            self._skip(above, name, N_("it is not a file"))
        elif len(above) >= limits.MAX_DEPTH:
            self._skip(above, name, N_("it lies too deep"))
        else:
            inside = folder.folder(name)
            try:
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

    def _date(self, status: os.stat_result, above: tuple[str, ...], name: str) -> int:
        """The date of an entry as it is sent."""
        date = clamped(status.st_mtime_ns)
        if date != status.st_mtime_ns:
            self._scan.inexact.append((_path(above, name), INEXACT))
        return date

    def _add(self, entry: Entry) -> int:
        index = self._scan.manifest.add(entry)
        if index % _LOOK_EVERY == 0:
            self.check_limits()
            self._report()
            if self._cancelled():
                raise Cancelled
        return index

    def check_limits(self) -> None:
        """Raises TooMuch. To be asked at the end too: on the way it is only looked at now and then."""
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

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported >= limits.STATUS_SECONDS:
            self._reported = now
            self._on_progress(self._scan.manifest.files, self._scan.manifest.bytes)

    def _skip(self, above: tuple[str, ...], name: str, reason: str) -> None:
        self._scan.skipped.append((_path(above, name), reason))


def _path(above: tuple[str, ...], name: str) -> str:
    """The path of an entry for people."""
    return printable("/".join((*above, name)), 4096)
