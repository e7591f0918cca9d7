"""Looking into what will be sent: a tree with search, entries taken out of this sending, patterns that leave things out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from countersign.base.figures import number_text
from countersign.base.i18n import _, ngettext
from countersign.source.scanning import Scan
from countersign.source.selection import Selection, split_patterns
from countersign.ui.presenters.manifest_tree import ManifestTree
from countersign.ui.presenters.screens import Action, Block, Feedback, Field, Rows, Screen, Text, Tone, Window
from countersign.wording import amount_text, inexact_lines, keys_text, taken_out_text

_SKIPPED_SHOWN = 3


class Contents:
    """The screen. `changed` takes another selection, which is then listed anew; `leave` goes back."""

    def __init__(self, window: Window, changed: Callable[[Selection], None], leave: Callable[[], None]) -> None:
        self._window = window
        self._changed = changed
        self._leave = leave
        self._selection: Selection | None = None
        self._scan: Scan | None = None
        self._tree: ManifestTree | None = None
        self._chosen: int | None = None
        self._typed = ""

    def show(self, selection: Selection, scan: Scan | None) -> None:
        """What is in the selection; the scan is None while it is still being listed, or where nothing is left."""
        if selection is not self._selection or scan is not self._scan:
            if self._selection is None or selection.paths != self._selection.paths:
                self._typed = ", ".join(selection.patterns)
            self._selection, self._scan = selection, scan
            self._tree = ManifestTree(scan.manifest) if scan is not None else None
            self._chosen = None
        self._show()

    def _show(self) -> None:
        selection, tree, scan = self._selection, self._tree, self._scan
        assert selection is not None
        count = len(tree.rows) if tree is not None else 0
        text = tree.text if tree is not None else (lambda _row: ("", "", ""))
        blocks: list[Block] = [
            Field("search", _("Search"), "", self._searched, search=True),
            Rows(
                (_("Name"), _("Size"), ""), count, text, self._choose, self._open, self._fold,
                version=tree.version if tree is not None else 0, widths=(330, 90, 150),
            ),
            Field("patterns", _("Leave out what is called"), self._typed, self._patterns_typed,
                  example="*.tmp, node_modules", search=True),
            self._left_out_text(scan),
            *([Text(keys_text(scan.keys), Tone.BAD)] if scan is not None and scan.keys else []),
        ]  # fmt: skip
        some = self._chosen is not None and self._chosen < count
        actions = [Action(_("Take out"), self._take_out, enabled=some)]
        if selection.removed:
            actions.append(Action(_("Put everything back"), self._put_back))
        actions.append(Action(_("Back"), self._leave, main=True, leaving=True))
        self._window.show(Screen("contents", _("What will be sent"), tuple(blocks), tuple(actions)))

    @staticmethod
    def _left_out_text(scan: Scan | None) -> Text:
        if scan is None:
            return Text(_("Looking at it …"), Tone.HINT)
        text = amount_text(scan.manifest.files, scan.manifest.bytes)
        if scan.left_out:
            text += "  ·  " + taken_out_text(scan.left_out)
        if scan.skipped:
            count = len(scan.skipped)
            text += "\n" + ngettext("{n} entry cannot be sent:", "{n} entries cannot be sent:", count).format(
                n=number_text(count)
            )
            text += "".join(f"\n  {path}: {_(reason)}" for path, reason in scan.skipped[:_SKIPPED_SHOWN])
        for line in inexact_lines(scan.inexact[:_SKIPPED_SHOWN]):
            text += "\n" + line
        return Text(text, Tone.HINT)

    def _searched(self, text: str) -> Feedback:
        tree = self._tree
        if tree is not None:
            before = tree.version
            tree.search(text)
            if tree.version != before:
                self._chosen = None
                self._show()
        return Feedback(ready=True)

    def _patterns_typed(self, text: str) -> Feedback:
        selection = self._selection
        assert selection is not None
        if text != self._typed:
            self._typed = text
            patterns = split_patterns(text)
            if patterns != selection.patterns:
                self._changed(replace(selection, patterns=patterns))
        return Feedback(ready=True)

    def _choose(self, row: int) -> None:
        self._chosen = row
        self._show()

    def _open(self, row: int) -> None:
        if self._tree is not None:
            self._tree.toggle(row)
            self._show()

    def _fold(self, row: int, wanted: bool) -> None:
        if self._tree is not None:
            self._tree.fold(row, wanted)
            self._show()

    def _take_out(self) -> None:
        selection, tree = self._selection, self._tree
        if self._chosen is not None and tree is not None and selection is not None:
            gone = tree.components(self._chosen)
            self._changed(replace(selection, removed=selection.removed | {gone}))

    def _put_back(self) -> None:
        assert self._selection is not None
        self._changed(replace(self._selection, removed=frozenset()))
