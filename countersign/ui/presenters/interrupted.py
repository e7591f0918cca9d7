"""Transfers that did not end, at the receiver: how much is there, how to go on, and discarding one."""

from __future__ import annotations

from collections.abc import Callable

from countersign.base.errors import DiskProblem, TransferUnderWay
from countersign.base.figures import moment_text, percent_text, size_text
from countersign.base.i18n import _, ngettext
from countersign.base.printable import printable
from countersign.profile import Profile
from countersign.target.journal import InterruptedTransfer, discard, list_interrupted
from countersign.ui.presenters.screens import Action, Block, Rows, Screen, Text, Tone, Window
from countersign.ui.presenters.when import when


class InterruptedList:
    """The screen. `show_screen` draws it where nothing else needs the person; `leave` goes back."""

    def __init__(
        self, profile: Profile, window: Window, show_screen: Callable[[Screen], None], leave: Callable[[], None]
    ) -> None:
        self._profile = profile
        self._window = window
        self._show_screen = show_screen
        self._leave = leave
        self._found: list[InterruptedTransfer] = []
        self._chosen: int | None = None
        self._note: Text | None = None

    def count_text(self) -> str:
        """A sentence about how many there are, or nothing."""
        count = len(list_interrupted(self._profile.device.transfers))
        text = ngettext("{n} transfer was interrupted.", "{n} transfers were interrupted.", count)
        return text.format(n=count) if count else ""

    def show(self) -> None:
        """The list, read anew."""
        self._found = list_interrupted(self._profile.device.transfers)
        self._chosen = self._note = None
        self._show()

    def _show(self) -> None:
        if self._found:
            columns = (_("What"), _("From"), _("When"), _("How much is here"))
            blocks: list[Block] = [
                Text(_("To go on, let them send the same folder again: only what is missing will be sent.")),
                Rows(columns, len(self._found), self._row, self._choose, widths=(120, 100, 190, 200)),
            ]
        else:
            blocks = [Text(_("Nothing was interrupted here."))]
        if self._note is not None:
            blocks.append(self._note)
        some = self._chosen is not None and self._chosen < len(self._found)
        actions = (
            Action(_("Discard …"), self._discard, enabled=some),
            Action(_("Back"), self._leave, main=True, leaving=True),
        )
        self._show_screen(
            Screen("interrupted", _("Interrupted transfers"), tuple(blocks), actions if self._found else actions[1:])
        )

    def _row(self, index: int) -> tuple[str, ...]:
        item = self._found[index]
        about = item.about
        share = min(1.0, item.bytes_there / about.bytes) if about.bytes else 1.0
        there = _("{there} of {total} ({share})").format(
            there=size_text(item.bytes_there), total=size_text(about.bytes), share=percent_text(share)
        )
        return printable(about.name), printable(about.peer_name), moment_text(when(about.began)), there

    def _choose(self, index: int) -> None:
        self._chosen = index
        self._show()

    def _discard(self) -> None:
        assert self._chosen is not None
        item = self._found[self._chosen]
        question = _("Discard what has arrived of “{name}” from {peer}? Nothing else is touched.").format(
            name=printable(item.about.name), peer=printable(item.about.peer_name)
        )
        self._window.confirm(question, _("Discard"), _("Keep"), lambda: self._discard_now(item))

    def _discard_now(self, item: InterruptedTransfer) -> None:
        folder = self._profile.device.transfers / item.id
        self.show()
        try:
            if not discard(folder):
                self._note = Text(str(TransferUnderWay(id=item.id)), Tone.BAD)
        except (OSError, ValueError) as error:
            self._note = Text(str(DiskProblem(path=folder, reason=error)), Tone.BAD)
        self._found = list_interrupted(self._profile.device.transfers)
        self._chosen = None
        self._show()
