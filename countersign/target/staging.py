"""The receiver's staging folder: verified pieces become files under a random name of ours, invisible until published.

It lies on the target's file system, if possible outside the target. One thread writes. The peer's names get here only
through the manifest, which has checked them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from countersign.base.errors import SealBroken
from countersign.base.refusals import disk_errors, disk_problem
from countersign.disk.dates import INEXACT_HERE, inexact_dates
from countersign.disk.folders import BY_PATH, LINKS_WORK, Folder, is_about_one_name, remove_tree
from countersign.pack.archive import Buffer, Member
from countersign.pack.manifest import EntryKind, Manifest, places_of
from countersign.pack.plan import Answer
from countersign.pack.reasons import BY_WORD, Reason
from countersign.target import adopting
from countersign.target.adopting import Kept
from countersign.target.creating import MANY, Creator, complete_file
from countersign.target.holdings import Holdings
from countersign.target.journal import Journal, Record, remove_journal
from countersign.target.writing import Begun, PieceWriter, Unfinished, opened_at

log = logging.getLogger(__name__)


class Staging:
    """The arrived part of one manifest, on the disk. One thread writes; `holdings` has the sums."""

    def __init__(self, manifest: Manifest, path: Path, journal: Journal, unwanted: Mapping[int, Reason]) -> None:
        """path: made by placing.choose_staging. Raises OSError."""
        self.manifest = manifest
        self.path = path
        self.journal = journal
        self.root = Folder.open_root(path)
        self.holdings = Holdings(manifest, unwanted)
        self.inexact: dict[int, str] = {}  # here, but with another date
        self._creator = Creator(manifest, self.root)
        self._tree = self._creator.tree
        self.writer = PieceWriter(manifest, self._creator)
        self._unfinished = Unfinished()
        self._logged: list[tuple[int, bytes]] = []  # complete files that the journal does not list yet
        self._unmade = manifest.folders()[::-1]  # folders still to make, in reverse order

    # --- before the data ------------------------------------------------------------------------------------------

    def make_folders(self, on_progress: Callable[[], None]) -> None:
        """Makes every wanted folder; continues where an earlier call stopped.

        Calls `on_progress` for each. Raises DiskProblem, and what `on_progress` raises.
        """
        while self._unmade:
            on_progress()
            index = self._unmade[-1]
            if self.holdings.is_wanted(index):
                self._entry(index, lambda parent, name: parent.make_folder(name))
            self._unmade.pop()

    def adopt(self, kept: list[Kept], on_progress: Callable[[], None]) -> None:
        """Takes over files of an earlier try that have not changed since they were verified. Raises OSError.

        The journal lists them before they move. That is harmless, since its entries are always compared with the disk.
        """
        complete = [(item.index, item.digest) for item in kept if item.hasher is None]
        begun = [(item.index, item.size, item.digest) for item in kept if item.hasher is not None]
        self.journal.add(Record(complete, begun + self._begun_now()))
        for item in kept:
            parent, name = self._place_of(item.index)
            mtime = self.manifest.mtimes[item.index]
            take = adopting.move if item.movable else self._copy
            if not take(item, parent, name, mtime, on_progress):
                log.info("something changed in an earlier try's folder; it is sent again")
                continue
            self.holdings.bytes += item.size
            if item.hasher is not None:
                file = opened_at(parent, name, item.size)
                self._unfinished.park(Begun(item.index, file, item.size, item.hasher))
            else:
                self.holdings.add(item.index, item.digest)

    def _copy(self, kept: Kept, parent: Folder, name: str, mtime: int, on_progress: Callable[[], None]) -> bool:
        """Copies, for a target on another file system than the earlier try's."""
        executable = self.manifest.kinds[kept.index] == EntryKind.EXECUTABLE
        copied = adopting.copy(kept, parent, name, executable, lambda file: complete_file(file, mtime), on_progress)
        if copied and BY_PATH:
            parent.set_folder_time(name, mtime)
        return copied

    def has(self, index: int) -> bool:
        """Whether this entry is complete here, or begun by an earlier try."""
        return bool(self.holdings.complete[index]) or index in self._unfinished

    def answer(self) -> Answer:
        """The answer that tells the sender what is here. Raises DiskProblem."""
        self._unfinished.park()
        begun = self._unfinished.all()
        with disk_errors(self.path):
            for one in begun:  # an interrupted write may have left the file longer
                one.file.cut_to(one.size)
        return Answer(self.holdings.held(), self.holdings.unwanted(), [(one.index, one.size) for one in begun])

    # --- data ------------------------------------------------------------------------------------------------------

    def write(
        self, members: Iterable[Member], withdrawn: Iterable[tuple[int, str]], digests: dict[int, bytes] | None = None
    ) -> None:
        """Writes one pack's members, in order. Raises DiskProblem, or SealBroken for members that no plan contains.

        digests: the known hashes of members, by index.
        """
        digests = digests or {}
        skipped = self.holdings.skipped
        for index, reason in withdrawn:  # first, since a begun file that ends here gives way to the next ones
            if index not in skipped:
                self.skip(index, BY_WORD[reason])
        wanted = [member for member in members if member[0].index not in skipped]
        if len(digests) >= MANY:  # each is a whole file, so their order does not matter
            self._write_many([member for member in wanted if member[0].index in digests], digests)
            wanted = [member for member in wanted if member[0].index not in digests]
        for piece, content in wanted:
            try:
                self._write_piece(piece.index, piece.offset, content, digests.get(piece.index))
            except OSError as error:
                self._failed(piece.index, error)
        self.flush()

    def _write_many(self, members: list[Member], digests: dict[int, bytes]) -> None:
        made = self.writer.many(members)
        self.holdings.add_whole(made.done, digests)
        self._logged += [(index, digests[index]) for index in made.done]
        for index, error in made.refused:
            self._failed(index, error)

    def _write_piece(self, index: int, offset: int, content: Buffer, digest: bytes | None) -> None:
        size = self.manifest.sizes[index]
        if self._unfinished.is_empty and len(content) == size:
            digest = self.writer.whole(index, content, digest)
            self.holdings.bytes += size
            self._complete(index, digest)
            return
        begun = self._unfinished.in_hand(index)
        if begun is None:
            if offset:
                raise SealBroken
            begun = self.writer.begin(index)
            self._unfinished.begin(begun)
        if begun.index != index:
            raise SealBroken
        self.writer.go_on(begun, offset, content)
        self.holdings.bytes += len(content)
        if begun.size == size:
            self._end(begun)

    def _end(self, begun: Begun) -> None:
        try:
            digest = self.writer.end(begun)
        except OSError:
            if begun.file.closed:  # removed: nothing of it is left
                self._unfinished.end()
                self.holdings.bytes -= begun.size
            raise
        self._unfinished.end()
        self._complete(begun.index, digest)

    def _complete(self, index: int, digest: bytes) -> None:
        self.holdings.add(index, digest)
        self._logged.append((index, digest))

    def skip(self, index: int, reason: Reason) -> None:
        """Gives up an entry and drops what has arrived of it."""
        self.holdings.skipped[index] = reason
        begun = self._unfinished.take_away(index)
        if begun is not None:
            self.holdings.bytes -= begun.size
            begun.file.close()
            parent, name = self._place_of(index)
            parent.remove_file(name)

    def drop(self, indices: Iterable[int]) -> None:
        """Removes complete files that differ from what was sent; they are wanted again. Raises DiskProblem."""
        for index in indices:
            with disk_errors(self.path):
                parent, name = self._place_of(index)
                parent.remove_file(name)
            self.holdings.drop(index)

    def flush(self) -> None:
        """Brings the journal up to date. Raises DiskProblem."""
        with disk_errors(self.journal.folder):
            self.journal.add(Record(self._logged, self._begun_now()))
        self._logged.clear()

    def _begun_now(self) -> list[tuple[int, int, bytes]]:
        return [(one.index, one.size, one.hasher.copy().digest()) for one in self._unfinished.all()]

    def _failed(self, index: int, error: OSError) -> None:
        if not is_about_one_name(error):
            raise disk_problem(error, self.path) from error
        self.skip(index, Reason.NAME)

    # --- after the data --------------------------------------------------------------------------------------------

    def complete_tree(self, on_progress: Callable[[], None]) -> None:
        """Makes the links, then sets the folders' times: after this the tree is final. Call it again if more arrives.

        Raises SealBroken if a wanted file is incomplete, for then the sender did not keep the plan.
        Raises DiskProblem, and what `on_progress` raises.
        """
        holdings = self.holdings
        for index in places_of(holdings.complete, 0):
            if self.manifest.is_file(index) and holdings.is_wanted(index):
                raise SealBroken
        for index in self.manifest.targets:
            on_progress()
            if not holdings.complete[index] and holdings.is_wanted(index):
                self._link(index)
        for index in reversed(self.manifest.folders()):  # children before parents: they change their folder's time
            on_progress()
            if holdings.is_wanted(index):
                mtime = self.manifest.mtimes[index]
                self._entry(index, lambda parent, name, mtime=mtime: parent.set_folder_time(name, mtime))  # type: ignore[misc]
        self._note_dates(on_progress)
        self._creator.close()

    def _link(self, index: int) -> None:
        if not LINKS_WORK:
            self.holdings.skipped[index] = Reason.LINKS
            return

        def make(parent: Folder, name: str) -> None:
            parent.make_link(name, self.manifest.targets[index])
            parent.set_folder_time(name, self.manifest.mtimes[index])
            self.holdings.complete[index] = 1

        self._entry(index, make)

    def _note_dates(self, on_progress: Callable[[], None]) -> None:
        """Notes which unusual dates the disk could not hold."""

        def date_of(index: int) -> int | None:
            on_progress()
            if not self.holdings.is_wanted(index):
                return None
            parent, name = self._place_of(index)
            return parent.status(name).st_mtime_ns

        with disk_errors(self.path):
            found = dict.fromkeys(inexact_dates(self.manifest, date_of), INEXACT_HERE)
        self.inexact.clear()
        self.inexact.update(found)

    def _entry(self, index: int, act: Callable[[Folder, str], None]) -> None:
        try:
            act(*self._place_of(index))
        except OSError as error:
            self._failed(index, error)
            if self.manifest.kinds[index] == EntryKind.FOLDER:
                self.holdings.skip_inside(index, Reason.NAME)

    def _place_of(self, index: int) -> tuple[Folder, str]:
        """The open folder of an entry, valid until the next request, and the entry's name there."""
        return self._tree.folder(self.manifest.parents[index]), self.manifest.names[index]

    def close(self) -> None:
        """Closes handles; the files on disk stay."""
        self._unfinished.close()
        self.writer.close()
        self._creator.close()
        self.root.close()
        self.journal.close()

    def remove(self) -> None:
        """Removes the staging folder and its journal, after everything was published or refused.

        If that fails, it stays in the list of interrupted transfers and can be discarded later.
        """
        self.close()
        try:
            remove_tree(self.path)
            remove_journal(self.journal.folder)
        except OSError as error:
            log.info("staging could not be removed: %s", error.strerror)
