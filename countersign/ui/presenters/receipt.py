"""One receipt in words: who signed it, what it names, and comparing it with a folder again."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

from countersign.base.errors import Problem
from countersign.base.figures import moment_text, size_text
from countersign.base.i18n import _
from countersign.base.printable import printable
from countersign.pack.reason_texts import text_of_word
from countersign.pack.reasons import BY_WORD
from countersign.receipts.checking import Checked, check_receipt
from countersign.receipts.history import ReceiptLines
from countersign.session.device import Device
from countersign.ui.presenters.context import Context
from countersign.ui.presenters.screens import Action, Block, Rows, Screen, Sentence, Text, Tone
from countersign.wording import amount_text, device_text, is_known, signatures_text

_DIFFERING_SHOWN = 20


class OpenReceipt:
    """A receipt that is looked at, until `close`. `leave` goes back to where it was asked for."""

    def __init__(
        self, context: Context, path: Path, show_screen: Callable[[Screen], None], leave: Callable[[], None]
    ) -> None:
        """Raises the Problem of a file that cannot be read as a receipt."""
        self._context = context
        self._path = path
        self._show_screen = show_screen
        self._leave = leave
        self._lines = ReceiptLines(path)
        self._verdict: list[Block] = []
        self._closed = False

    def close(self) -> None:
        """Nobody looks at it any more: a check that is still under way says nothing."""
        self._closed = True
        self._lines.close()

    def check(self, folder: Path | None = None) -> None:
        """Checks both signatures, and the folder if one is named; beside the window."""
        path = self._path
        self._verdict = [Text(_("Checking …"), Tone.HINT)]
        self._show()

        def work() -> Checked | Problem:
            try:
                return check_receipt(path, folder)
            except Problem as problem:
                return problem

        def then(result: Checked | Problem) -> None:
            if not self._closed:
                self._verdict = self._judge(result, folder)
                self._show()

        self._context.background(work, then)

    def _judge(self, result: Checked | Problem, folder: Path | None) -> list[Block]:
        if isinstance(result, Problem):
            return [Text(str(result), Tone.BAD)]
        return [*_signed(self._context.profile.device, result), *_compared(result, folder)]

    def _show(self) -> None:
        lines, path = self._lines, self._path
        # what did not arrive stands first: it is what somebody looks for
        rows = Rows((_("Name"), _("Size"), ""), len(lines) + len(lines.skipped), self._entry, widths=(300, 90, 220))
        compare = Action(_("Compare with a folder …"), self._choose_folder)
        blocks = [*self._verdict, rows, Sentence(_("Is everything still as it arrived?"), (compare,), Tone.HINT)]
        actions = (
            Action(_("Show the file"), lambda: self._context.window.reveal(path.parent)),
            Action(_("Back"), self._back, main=True, leaving=True),
        )
        self._show_screen(Screen("receipt", _("Receipt"), tuple(blocks), actions))

    def _entry(self, row: int) -> tuple[str, ...]:
        lines = self._lines
        first = len(lines.skipped)
        try:
            return _entry_text(lines, lines.skipped[row] if row < first else row - first)
        except Problem:
            return ("", "", _("cannot be read"))

    def _choose_folder(self) -> None:
        def then(folder: Path) -> None:
            if not self._closed:
                self.check(folder)

        known = self._context.preferences.read().folders.get(self._path.name)
        at = Path(known) if known else self._context.profile.home.root
        self._context.window.choose_folder(_("Compare with this folder"), at, then)

    def _back(self) -> None:
        self.close()
        self._leave()


def _signed(device: Device, checked: Checked) -> list[Block]:
    """What was sent, and who has signed that."""
    header = checked.header
    sender, receiver = (device_text(device, side) for side in (checked.sender, checked.receiver))
    known = all(is_known(device, side) for side in (checked.sender, checked.receiver))
    amount = amount_text(header.files, header.bytes)
    time = moment_text(datetime.datetime.fromisoformat(header.time))
    text = signatures_text(checked).format(sender=sender, receiver=receiver, time=time)
    return [
        Text(_("“{name}”: {amount}.").format(name=printable(header.name), amount=amount)),
        Text(text, Tone.GOOD if known else Tone.BAD),
    ]


def _compared(checked: Checked, folder: Path | None) -> list[Block]:
    """What became of the folder; nothing where none was compared."""
    if folder is None:
        return []
    if not checked.differing:
        return [Text(_("The folder holds all of this, unchanged."), Tone.GOOD)]
    lines = [_("The folder differs from it:")]
    lines += [f"  {path}: {reason}" for path, reason in checked.differing[:_DIFFERING_SHOWN]]
    lines += ["  …"] if len(checked.differing) > _DIFFERING_SHOWN else []
    return [Text("\n".join(lines), Tone.BAD)]


def _entry_text(lines: ReceiptLines, number: int) -> tuple[str, ...]:
    line = lines.line(number)
    name = printable(lines.path(number), 400) + ("/" if line.kind == "folder" else "")
    if line.skipped is not None:
        reason = text_of_word(line.skipped) if line.skipped in BY_WORD else line.skipped
        return name, "", _("left out: {reason}").format(reason=printable(_(reason)))
    if line.parent < 0 and line.name in lines.here:
        return name, "", _("arrived as “{name}”").format(name=printable(lines.here[line.name]))
    return name, size_text(line.size) if line.size is not None else "", ""
