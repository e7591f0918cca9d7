"""A manifest as a tree that can be folded and searched: which rows are in view, as numbers. No Tk, and quick with a million entries."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from countersign.base.figures import number_text, size_text
from countersign.base.i18n import _, ngettext
from countersign.base.printable import printable
from countersign.pack.manifest import TOP, EntryKind, Manifest

_INDENT = "    "
_OPEN, _CLOSED = "▾ ", "▸ "
_FEW = 40  # a tree of so few entries is shown unfolded


class ManifestTree:
    """The rows of a manifest. Folders are closed at first, unless there is little to see."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.version = 0
        count = len(manifest)
        self._ends = array("i", range(1, count + 1))  # one past the last entry inside
        self._sizes = array("Q", manifest.sizes)
        self._files = array("i", bytes(4 * count))
        self._depths = array("h", bytes(2 * count))
        self._sum_up()
        self._open = bytearray(b"\1" * count if count <= _FEW else bytes(count))
        self._wanted = ""
        self._folded_names: list[str] = []
        self.rows: Sequence[int] = ()
        self._arrange()

    def _sum_up(self) -> None:
        """Parents stand before their children, so one walk backwards adds everything up."""
        parents, kinds = self.manifest.parents, self.manifest.kinds
        for index in range(len(self.manifest) - 1, -1, -1):
            parent = parents[index]
            if kinds[index] in (EntryKind.FILE, EntryKind.EXECUTABLE):
                self._files[index] = 1
            if parent != TOP:
                self._sizes[parent] += self._sizes[index]
                self._files[parent] += self._files[index]
                self._ends[parent] = max(self._ends[parent], self._ends[index])
        for index, parent in enumerate(parents):
            if parent != TOP:
                self._depths[index] = self._depths[parent] + 1

    def _is_folder(self, index: int) -> bool:
        return bool(self.manifest.kinds[index] == EntryKind.FOLDER)

    def _arrange(self) -> None:
        if self._wanted:
            if not self._folded_names:
                self._folded_names = [name.casefold() for name in self.manifest.names]
            wanted = self._wanted
            self.rows = array("i", (i for i, name in enumerate(self._folded_names) if wanted in name))
        else:
            rows = array("i")
            index, count = 0, len(self.manifest)
            while index < count:
                rows.append(index)
                index = index + 1 if self._open[index] or not self._is_folder(index) else self._ends[index]
            self.rows = rows

    def search(self, text: str) -> None:
        """Shows what has this text in its name, with its path; nothing: the tree again."""
        wanted = text.strip().casefold()
        if wanted != self._wanted:
            self._wanted = wanted
            self.version += 1  # other rows, seen from the top
            self._arrange()

    def toggle(self, row: int) -> None:
        """Opens or closes the folder in this row."""
        self.fold(row, not self._open[self.rows[row]])

    def fold(self, row: int, wanted: bool) -> None:
        """Opens (True) or closes (False) the folder in this row."""
        index = self.rows[row]
        if self._wanted or not self._is_folder(index) or bool(self._open[index]) == wanted:
            return
        self._open[index] = wanted
        self._arrange()

    def text(self, row: int, note: str = "") -> tuple[str, str, str]:
        """(name, size, what there is to say) of a row, fit for eyes."""
        index = self.rows[row]
        manifest = self.manifest
        size = size_text(self._sizes[index])
        if self._wanted:
            name = printable(manifest.path(index), 400)
            name += "/" if self._is_folder(index) else ""
        else:
            mark = (_OPEN if self._open[index] else _CLOSED) if self._is_folder(index) else ""
            name = _INDENT * self._depths[index] + (mark or "   ") + printable(manifest.names[index])
        if self._is_folder(index):
            count = self._files[index]
            note = note or ngettext("{n} file", "{n} files", count).format(n=number_text(count))
        elif manifest.kinds[index] == EntryKind.LINK:
            size = ""
            note = note or _("link to {target}").format(target=printable(manifest.targets[index]))
        return name, size, note

    def components(self, row: int) -> tuple[str, ...]:
        """The names from the top to the entry in this row."""
        return tuple(self.manifest.components(self.rows[row]))
