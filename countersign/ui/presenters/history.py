"""What was sent and received, from the receipts: a list that can be searched, one receipt in words, and checking it again."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from countersign.base.errors import Problem
from countersign.base.figures import moment_text, number_text, size_text
from countersign.base.i18n import _, ngettext
from countersign.base.printable import printable
from countersign.pack.reason_texts import text_of_word
from countersign.pack.reasons import BY_WORD
from countersign.profile import Profile
from countersign.receipts.checking import Checked, check_receipt
from countersign.receipts.history import PastTransfer, ReceiptLines, list_past_transfers
from countersign.ui.preferences import PreferenceStore
from countersign.ui.presenters.screens import Action, Block, Feedback, Field, Rows, Screen, Sentence, Text, Tone, Window
from countersign.wording import amount_text, device_text, is_known, signatures_text

_DIFFERING_SHOWN = 20


class History:
    """The screens about receipts. `leave` goes back to where the program was."""

    def __init__(
        self,
        profile: Profile,
        window: Window,
        preferences: PreferenceStore,
        background: Callable[[Callable[[], Any], Callable[[Any], None]], None],
        leave: Callable[[], None],
    ) -> None:
        self._profile = profile
        self._window = window
        self._preferences = preferences
        self._background = background
        self._leave = leave
        self._all: list[PastTransfer] = []
        self._shown: list[PastTransfer] = []
        self._wanted = ""
        self._chosen: int | None = None
        self._version = 0
        self._lines: ReceiptLines | None = None
        self._receipt: Path | None = None
        self._verdict: list[Block] = []
        self._to = leave

    # --- the list ----------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """The list, read anew."""
        self._close_lines()
        device = self._profile.device
        self._all = list_past_transfers(device.receipts, device.identity.ids)
        self._wanted, self._chosen = "", None
        self._filter()
        self._show_list()

    def _show_list(self) -> None:
        blocks: list[Block] = []
        if self._all:
            columns = (_("When"), _("With whom"), _("What"), _("How much"))
            blocks = [
                Field("search", _("Search"), self._wanted, self._searched, search=True),
                Rows(columns, len(self._shown), self._row, self._choose, self._open, widths=(180, 90, 150, 170),
                    stretches=2, version=self._version),
            ]  # fmt: skip
        else:
            blocks = [Text(_("Nothing was sent or received yet. Every transfer leaves a signed receipt, listed here."))]
        actions = (
            Action(_("Look at the receipt"), self._open_chosen, enabled=self._chosen is not None),
            Action(_("Back"), self._leave, main=True, leaving=True),
        )
        self._window.show(Screen("history", _("History"), tuple(blocks), actions if self._all else actions[1:]))

    def _row(self, index: int) -> tuple[str, ...]:
        transfer = self._shown[index]
        name = printable(transfer.name)
        what = _("received “{name}”") if transfer.received else _("sent “{name}”")
        amount = amount_text(transfer.files, transfer.bytes)
        return moment_text(transfer.time), self._peer_name(transfer.peer), what.format(name=name), amount

    def _peer_name(self, identity: str) -> str:
        known = next((peer for peer in self._profile.device.peers.pinned() if peer.id.hex() == identity), None)
        return printable(known.name) if known is not None else _("somebody forgotten")

    def _searched(self, text: str) -> Feedback:
        if text != self._wanted:
            self._wanted, self._chosen = text, None
            self._filter()
            self._show_list()
        found = ngettext("{n} transfer", "{n} transfers", len(self._shown))
        return Feedback(found.format(n=number_text(len(self._shown))), ready=True)

    def _filter(self) -> None:
        names = {peer.id.hex(): peer.name for peer in self._profile.device.peers.pinned()}
        wanted = self._wanted.strip().casefold()
        self._shown = [
            transfer
            for transfer in self._all
            if not wanted
            or any(
                wanted in text.casefold()
                for text in (transfer.name, names.get(transfer.peer, ""), moment_text(transfer.time))
            )
        ]
        self._version += 1

    def _choose(self, index: int) -> None:
        self._chosen = index
        self._show_list()

    def _open(self, index: int) -> None:
        self.show_receipt(self._shown[index].receipt, self._show_list)

    def _open_chosen(self) -> None:
        if self._chosen is not None:
            self._open(self._chosen)

    # --- one receipt ---------------------------------------------------------------------------------------------------

    def show_receipt(self, path: Path, back: Callable[[], None]) -> None:
        """One receipt in words; its signature is checked at once. `back` leads to where this was asked for."""
        self._to = back
        self._close_lines()
        try:
            self._lines = ReceiptLines(path)
        except Problem as problem:
            leave = Action(_("Back"), self._back, main=True, leaving=True)
            self._window.show(Screen("message", problem.message, (Text(problem.hint),), (leave,)))
            return
        self._receipt = path
        self._check(None)

    def _check(self, folder: Path | None) -> None:
        path = self._receipt
        assert path is not None
        self._verdict = [Text(_("Checking …"), Tone.HINT)]
        self._show_receipt()

        def work() -> Checked | Problem:
            try:
                return check_receipt(path, folder)
            except Problem as problem:
                return problem

        def then(result: Checked | Problem) -> None:
            if self._receipt == path:
                self._verdict = [self._bad(result)] if isinstance(result, Problem) else self._judge(result, folder)
                self._show_receipt()

        self._background(work, then)

    @staticmethod
    def _bad(problem: Problem) -> Block:
        return Text(str(problem), Tone.BAD)

    def _judge(self, checked: Checked, folder: Path | None) -> list[Block]:
        device = self._profile.device
        header = checked.header
        sender, receiver = (device_text(device, side) for side in (checked.sender, checked.receiver))
        known = all(is_known(device, side) for side in (checked.sender, checked.receiver))
        amount = amount_text(header.files, header.bytes)
        name = printable(header.name)
        blocks: list[Block] = [Text(_("“{name}”: {amount}.").format(name=name, amount=amount))]
        time = moment_text(datetime.datetime.fromisoformat(header.time))
        text = signatures_text(checked).format(sender=sender, receiver=receiver, time=time)
        blocks.append(Text(text, Tone.GOOD if known else Tone.BAD))
        if folder is not None and not checked.differing:
            blocks.append(Text(_("The folder holds all of this, unchanged."), Tone.GOOD))
        elif folder is not None:
            lines = [_("The folder differs from it:")]
            lines += [f"  {path}: {reason}" for path, reason in checked.differing[:_DIFFERING_SHOWN]]
            lines += ["  …"] if len(checked.differing) > _DIFFERING_SHOWN else []
            blocks.append(Text("\n".join(lines), Tone.BAD))
        return blocks

    def _show_receipt(self) -> None:
        lines, path = self._lines, self._receipt
        assert lines is not None
        assert path is not None
        # what did not arrive stands first: it is what somebody looks for
        order = lines.skipped
        blocks = [
            *self._verdict,
            Rows((_("Name"), _("Size"), ""), len(lines) + len(order), self._entry, widths=(300, 90, 220)),
            Sentence(_("Is everything still as it arrived?"), (Action(_("Compare with a folder …"), self._compare),), Tone.HINT),
        ]  # fmt: skip
        actions = (
            Action(_("Show the file"), lambda: self._window.reveal(path.parent)),
            Action(_("Back"), self._back, main=True, leaving=True),
        )
        self._window.show(Screen("receipt", _("Receipt"), tuple(blocks), actions))

    def _entry(self, row: int) -> tuple[str, ...]:
        lines = self._lines
        assert lines is not None
        first = len(lines.skipped)
        try:
            return _entry_text(lines, lines.skipped[row] if row < first else row - first)
        except Problem:
            return ("", "", _("cannot be read"))

    def _compare(self) -> None:
        path = self._receipt
        assert path is not None
        known = self._preferences.read().folders.get(path.name)
        at = Path(known) if known else self._profile.home.root
        folder = self._window.choose_folder(_("Compare with this folder"), at)
        if folder is not None:
            self._check(folder)

    def _back(self) -> None:
        self._close_lines()
        self._to()

    def _close_lines(self) -> None:
        self._receipt = None
        if self._lines is not None:
            self._lines.close()
            self._lines = None


def _entry_text(lines: ReceiptLines, number: int) -> tuple[str, ...]:
    line = lines.line(number)
    name = printable(lines.path(number), 400) + ("/" if line.kind == "folder" else "")
    if line.skipped is not None:
        reason = text_of_word(line.skipped) if line.skipped in BY_WORD else line.skipped
        return name, "", _("left out: {reason}").format(reason=printable(_(reason)))
    if line.parent < 0 and line.name in lines.here:
        return name, "", _("arrived as “{name}”").format(name=printable(lines.here[line.name]))
    return name, size_text(line.size) if line.size is not None else "", ""
