"""The receiver's staging folder: verified pieces become files under a random name of ours, invisible until published.

It lies on the file system of the target, outside of it where that can be. One thread writes. Nothing here is
named by the peer but through the manifest, whose names were checked.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from countersign import limits
from countersign.errors import SealBroken
from countersign.hashing import DIGEST, Hasher, digest_of, new_hasher
from countersign.pack.archive import Buffer, Member
from countersign.pack.manifest import EntryKind, Manifest, places_of
from countersign.pack.plan import Answer, bitmap
from countersign.pack.reasons import BY_WORD, Reason
from countersign.transfer import adopting
from countersign.transfer.adopting import Kept
from countersign.transfer.creating import MANY, Creator, complete_file
from countersign.transfer.dates import INEXACT_HERE, inexact_dates
from countersign.transfer.disk import (
    BY_PATH,
    LINKS_WORK,
    File,
    Folder,
    disk_problem,
    is_about_one_name,
    remove_tree,
)
from countersign.transfer.disk_direct import LargeWriter
from countersign.transfer.journal import Journal, Record, new_staging_name, remove_journal

log = logging.getLogger(__name__)

_PAGE_OF_CACHE = 4096  # what the smallest file takes
_HASHED_ASIDE = 256 * limits.KIB  # from here on handing it to another thread costs less than it gains


def choose_staging(into: Path, state: Path) -> Path:
    """Makes a staging folder from which names can be moved to `into`: ours, else beside it, else in it.

    Raises OSError. `into` must be there.
    """
    target = Folder.open_root(into)
    try:
        for parent in (state / "staging", into.parent, into):
            staging = parent / new_staging_name()
            try:
                parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                staging.mkdir(mode=0o700)
            except OSError:
                if parent == into:
                    raise
                continue
            folder = Folder.open_root(staging)
            movable = folder.can_move_to(target)
            folder.close()
            if movable:
                return staging
            staging.rmdir()
    finally:
        target.close()
    raise OSError(f"no place beside {into} to receive into")


class Staging:
    """What has arrived of one manifest."""

    def __init__(self, manifest: Manifest, path: Path, journal: Journal, unwanted: Mapping[int, Reason]) -> None:
        self.manifest = manifest
        self.path = path
        self.journal = journal
        self.skipped: dict[int, Reason] = dict(unwanted)
        self.inexact: dict[int, str] = {}  # here, but not with their own date
        self.digests = bytearray(DIGEST * len(manifest))
        self.complete = bytearray(len(manifest))
        self.files_done = self.bytes_done = 0
        self.hashing_seconds = 0.0
        self.hashed_aside = 0.0  # seconds of these beside a write
        self.cached_bytes = 0  # that the system's cache was given, all in all
        self._large = LargeWriter()
        self._beside = ThreadPoolExecutor(1, "beside")  # a thread that is made when it is needed
        self._root = Folder.open_root(path)
        self._creator = Creator(manifest, self._root)
        self._tree = self._creator.tree
        self._begun: _Begun | None = None  # the file that is being written
        self._parked: dict[int, _Begun] = {}  # files begun by an earlier try or connection, until their turn comes
        self._logged: list[tuple[int, bytes]] = []

    # --- before the data ------------------------------------------------------------------------------------------

    def make_folders(self, on_progress: Callable[[], None]) -> None:
        """Makes every wanted folder. Raises DiskProblem, and what `on_progress` raises: it is called for each."""
        for index in self.manifest.folders():
            on_progress()
            if self._is_wanted(index):
                self._entry(index, lambda parent, name, _index: parent.make_folder(name))

    def adopt(self, kept: list[Kept], on_progress: Callable[[], None]) -> None:
        """Takes over files that an earlier try received, and that are still what was verified. Raises OSError.

        The journal says so before they move: whatever it tells is compared with the disk, so too early is harmless.
        """
        complete = [(item.index, item.digest) for item in kept if item.hasher is None]
        begun = [(item.index, item.size, item.digest) for item in kept if item.hasher is not None]
        self.journal.add(Record(complete, begun + self._begun_now()))
        for item in kept:
            name = self.manifest.names[item.index]
            parent = self._tree.folder(self.manifest.parents[item.index])
            mtime = self.manifest.mtimes[item.index]
            take = adopting.move if item.movable else self._copy
            if not take(item, parent, name, mtime, on_progress):
                log.info("something changed in an earlier try's folder; it is sent again")
                continue
            self.bytes_done += item.size
            if item.hasher is not None:
                self._parked[item.index] = _Begun(
                    item.index, _opened_at(parent, name, item.size), item.size, item.hasher
                )
            else:
                self._mark_complete(item.index, item.digest)

    def _copy(self, kept: Kept, parent: Folder, name: str, mtime: int, on_progress: Callable[[], None]) -> bool:
        """For a target on another file system than the earlier try's."""
        executable = self.manifest.kinds[kept.index] == EntryKind.EXECUTABLE
        copied = adopting.copy(kept, parent, name, executable, lambda file: complete_file(file, mtime), on_progress)
        if copied and BY_PATH:
            parent.set_folder_time(name, mtime)
        return copied

    def digest(self, index: int) -> bytes:
        """The hash of a complete file."""
        return bytes(self.digests[DIGEST * index : DIGEST * (index + 1)])

    def has(self, index: int) -> bool:
        """Whether this entry is complete here, or begun by an earlier try."""
        return bool(self.complete[index]) or index in self._parked

    def answer(self) -> Answer:
        """What to tell the sender that is here. Raises DiskProblem."""
        if self._begun is not None:
            self._parked[self._begun.index], self._begun = self._begun, None
        try:
            for begun in self._parked.values():  # a write that was cut short has left the file longer
                begun.file.cut_to(begun.size)
        except OSError as error:
            raise disk_problem(error, self.path) from error
        held = bitmap(len(self.manifest), [i for i, done in enumerate(self.complete) if done])
        unwanted = bitmap(len(self.manifest), [i for i in self.skipped if not self.complete[i]])
        return Answer(held, unwanted, [(index, self._parked[index].size) for index in sorted(self._parked)])

    # --- data ------------------------------------------------------------------------------------------------------

    def write(
        self, members: Iterable[Member], withdrawn: Iterable[tuple[int, str]], digests: dict[int, bytes] | None = None
    ) -> None:
        """Takes what one pack brought, in order. Raises DiskProblem, or SealBroken for what no plan can bring.

        digests: the hashes of members that are hashed already, by index.
        """
        digests = digests or {}
        for index, reason in withdrawn:  # first: a begun file that ends here makes room for those behind it
            if index not in self.skipped:
                self.skip(index, BY_WORD[reason])
        wanted = [member for member in members if member[0].index not in self.skipped]
        if len(digests) >= MANY:  # each a file of its own: it does not matter which is first
            self._write_many([member for member in wanted if member[0].index in digests], digests)
            wanted = [member for member in wanted if member[0].index not in digests]
        for piece, content in wanted:
            try:
                self._write_piece(piece.index, piece.offset, content, digests.get(piece.index))
            except OSError as error:
                self._failed(piece.index, error)
        self.flush()

    def skip(self, index: int, reason: Reason) -> None:
        """Gives up an entry; what has arrived of it is dropped."""
        self.skipped[index] = reason
        begun = self._taken_up(index)
        if begun is not None:
            self.bytes_done -= begun.size
            begun.file.close()
            self._tree.folder(self.manifest.parents[index]).remove_file(self.manifest.names[index])

    def drop(self, indices: Iterable[int]) -> None:
        """Removes complete files that are not what was sent; they are wanted again. Raises DiskProblem."""
        for index in indices:
            try:
                self._tree.folder(self.manifest.parents[index]).remove_file(self.manifest.names[index])
            except OSError as error:
                raise disk_problem(error, self.path) from error
            self.complete[index] = 0
            self.files_done -= 1
            self.bytes_done -= self.manifest.sizes[index]

    def _taken_up(self, index: int) -> _Begun | None:
        """The begun file of this entry, if it is the one in hand or a parked one."""
        if self._begun is not None and self._begun.index == index:
            begun, self._begun = self._begun, None
            return begun
        return self._parked.pop(index, None)

    def flush(self) -> None:
        """Writes the journal up to here."""
        try:
            self.journal.add(Record(self._logged, self._begun_now()))
        except OSError as error:
            raise disk_problem(error, self.journal.folder) from error
        self._logged = []

    def _begun_now(self) -> list[tuple[int, int, bytes]]:
        items = [*self._parked.values(), *([self._begun] if self._begun is not None else [])]
        return [(item.index, item.size, item.hasher.copy().digest()) for item in items]

    def digests_of(self, members: Iterable[Member]) -> dict[int, bytes]:
        """The hashes of small files that are here in one piece, by index. On any thread."""
        sizes = self.manifest.sizes
        return {
            piece.index: digest_of(content)
            for piece, content in members
            if len(content) == sizes[piece.index] and len(content) < _HASHED_ASIDE
        }

    def _write_piece(self, index: int, offset: int, content: Buffer, digest: bytes | None) -> None:
        if self._begun is None and not self._parked and len(content) == self.manifest.sizes[index]:
            self._write_whole(index, content, digest)
            return
        begun = self._begun if self._begun is not None else self._parked.pop(index, None)
        if begun is None:
            if offset:
                raise SealBroken
            executable = self.manifest.kinds[index] == EntryKind.EXECUTABLE
            parent = self._tree.folder(self.manifest.parents[index])
            file = parent.create_file(self.manifest.names[index], executable)
            begun = _Begun(index, file, 0, new_hasher())
        self._begun = begun
        if begun.index != index or begun.size != offset:
            raise SealBroken
        if content:
            begun.hasher = self._write_hashed(begun.file, begun.hasher, content, begun.size)
            begun.size += len(content)
            self.bytes_done += len(content)
        if begun.size == self.manifest.sizes[index]:
            self._end_begun(begun)

    def _write_whole(self, index: int, content: Buffer, digest: bytes | None) -> None:
        """A file that comes in one piece: nothing of it is kept where this fails."""
        if digest is not None:
            self._creator.one(index, File.write, content)
            self.cached_bytes += max(_PAGE_OF_CACHE, len(content))
            self._log_whole(index, digest)
            return
        hasher = new_hasher()

        def write(file: File, content: Buffer) -> None:
            nonlocal hasher
            hasher = self._write_hashed(file, hasher, content)

        self._creator.one(index, write, content)
        self._log_whole(index, hasher.digest())

    def _write_many(self, members: list[Member], digests: dict[int, bytes]) -> None:
        """Many files that come whole and are hashed already."""
        made = self._creator.many(members, self._beside)
        sizes = [self.manifest.sizes[index] for index in made.done]
        self.cached_bytes += sum(max(_PAGE_OF_CACHE, size) for size in sizes)
        self.bytes_done += sum(sizes)
        for index in made.done:
            self._log_complete(index, digests[index])
        for index, error in made.refused:
            self._failed(index, error)

    def _log_whole(self, index: int, digest: bytes) -> None:
        self.bytes_done += self.manifest.sizes[index]
        self._log_complete(index, digest)

    def _write_hashed(self, file: File, hasher: Hasher, content: Buffer, position: int = 0) -> Hasher:
        """Writes where the file stands, at `position`; gives the hash that goes on with the content.

        What was handed in stays good where writing fails.

        A large piece is hashed on another thread while it is written.
        """
        if len(content) < _HASHED_ASIDE:
            if content:
                file.write(content)
            after, seconds = _hashed(hasher, content)
            self.hashing_seconds += seconds
            return after
        job = self._beside.submit(_hashed, hasher, content)
        try:
            self.cached_bytes += self._large.write(file, content, position)
        finally:
            after, seconds = job.result()  # not before: whoever lent us the content wants it back
        self.hashing_seconds += seconds
        self.hashed_aside += seconds
        return after

    def _end_begun(self, begun: _Begun) -> None:
        index = begun.index
        complete_file(begun.file, self.manifest.mtimes[index])
        begun.file.close()
        self._begun = None
        if BY_PATH:
            parent, name = self._tree.folder(self.manifest.parents[index]), self.manifest.names[index]
            try:
                parent.set_folder_time(name, self.manifest.mtimes[index])
            except OSError:
                parent.remove_file(name)
                self.bytes_done -= begun.size
                raise
        self._log_complete(index, begun.hasher.digest())

    def _log_complete(self, index: int, digest: bytes) -> None:
        self._mark_complete(index, digest)
        self._logged.append((index, digest))

    def _mark_complete(self, index: int, digest: bytes) -> None:
        self.complete[index] = 1
        self.digests[DIGEST * index : DIGEST * (index + 1)] = digest
        self.files_done += 1

    def _failed(self, index: int, error: OSError) -> None:
        if not is_about_one_name(error):
            raise disk_problem(error, self.path) from error
        self.skip(index, Reason.NAME)

    # --- after the data --------------------------------------------------------------------------------------------

    def complete_tree(self, on_progress: Callable[[], None]) -> None:
        """Links last, then the folders' times: after this the tree is as it will be. May be called again after more has come.

        Every wanted file must be complete by now; else the plan was not kept and SealBroken is raised.
        Raises DiskProblem, and what `on_progress` raises.
        """
        for index in places_of(self.complete, 0):
            if self.manifest.is_file(index) and index not in self.skipped:
                raise SealBroken
        for index in self.manifest.targets:
            on_progress()
            if self.complete[index] or not self._is_wanted(index):
                continue
            if LINKS_WORK:
                self._entry(index, self._make_link)
            else:
                self.skipped[index] = Reason.LINKS
        for index in reversed(self.manifest.folders()):  # children before parents: they touch their folder's time
            on_progress()
            if self._is_wanted(index):
                mtime = self.manifest.mtimes[index]
                self._entry(index, lambda parent, name, _i, mtime=mtime: parent.set_folder_time(name, mtime))
        self._note_dates(on_progress)
        self._creator.close()

    def _note_dates(self, on_progress: Callable[[], None]) -> None:
        """Looks which odd dates the disk could not hold."""

        def date_of(index: int) -> int | None:
            on_progress()
            if index in self.skipped:
                return None
            return self._tree.folder(self.manifest.parents[index]).status(self.manifest.names[index]).st_mtime_ns

        try:
            self.inexact = dict.fromkeys(inexact_dates(self.manifest, date_of), INEXACT_HERE)
        except OSError as error:
            raise disk_problem(error, self.path) from error

    def _make_link(self, parent: Folder, name: str, index: int) -> None:
        parent.make_link(name, self.manifest.targets[index])
        parent.set_folder_time(name, self.manifest.mtimes[index])
        self.complete[index] = 1

    def _entry(self, index: int, act: object) -> None:
        try:
            act(self._tree.folder(self.manifest.parents[index]), self.manifest.names[index], index)  # type: ignore[operator]
        except OSError as error:
            self._failed(index, error)
            if self.manifest.kinds[index] == EntryKind.FOLDER:
                self._skip_inside(index)

    def _skip_inside(self, folder: int) -> None:
        """What lies in a folder that could not be made cannot be kept either. It follows its folder without a gap."""
        parents = self.manifest.parents
        index = folder + 1
        while index < len(parents) and parents[index] >= folder:
            self.skipped.setdefault(index, Reason.NAME)
            index += 1

    def _is_wanted(self, index: int) -> bool:
        return index not in self.skipped

    def top_entries(self) -> list[int]:
        """The entries that are published by a rename each."""
        return [i for i in self.manifest.top() if i not in self.skipped]

    @property
    def root(self) -> Folder:
        return self._root

    def close(self) -> None:
        """Closes handles; what is on disk stays."""
        for begun in (*self._parked.values(), *([self._begun] if self._begun is not None else [])):
            begun.file.close()
        self._begun, self._parked = None, {}
        self._beside.shutdown()
        self._creator.close()
        self._root.close()
        self.journal.close()

    def remove(self) -> None:
        """Removes the staging folder and its journal, after everything was published or refused.

        What cannot be removed stays listed among the interrupted ones, where it can be discarded later.
        """
        self.close()
        try:
            remove_tree(self.path)
            remove_journal(self.journal.folder)
        except OSError as error:
            log.info("staging could not be removed: %s", error.strerror)


def _opened_at(parent: Folder, name: str, size: int) -> File:
    """A file that is written behind the first `size` bytes of a file; what was there beyond them is cut off."""
    file = parent.append_file(name)
    try:
        file.cut_to(size)
    except OSError:
        file.close()
        raise
    return file


def _hashed(hasher: Hasher, content: Buffer) -> tuple[Hasher, float]:
    """The hash with this content after what it has, and the seconds that it took."""
    began = time.perf_counter()
    after = hasher.copy()
    after.update(content)
    return after, time.perf_counter() - began


class _Begun:
    """A file that is not complete yet: open, with the bytes so far and their hash."""

    __slots__ = ("file", "hasher", "index", "size")

    def __init__(self, index: int, file: File, size: int, hasher: Hasher) -> None:
        self.index = index
        self.file = file
        self.size = size
        self.hasher = hasher
