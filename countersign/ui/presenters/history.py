"""What was sent and received, from the receipts: a list that can be searched, and the way to each receipt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from countersign.base.errors import Problem
from countersign.base.figures import moment_text, number_text
from countersign.base.i18n import _, ngettext
from countersign.base.printable import printable
from countersign.receipts.history import PastTransfer, list_past_transfers
from countersign.ui.presenters.context import Context
from countersign.ui.presenters.receipt import OpenReceipt
from countersign.ui.presenters.screens import Action, Block, Feedback, Field, Rows, Screen, Text
from countersign.wording import amount_text


class History:
    """The screens about receipts. `show_screen` draws one where nothing else needs the person; `leave` goes back."""

    def __init__(self, context: Context, show_screen: Callable[[Screen], None], leave: Callable[[], None]) -> None:
        self._context = context
        self._device = context.profile.device
        self._show_screen = show_screen
        self._leave = leave
        self._all: list[PastTransfer] = []
        self._shown: list[PastTransfer] = []
        self._wanted = ""
        self._chosen: int | None = None
        self._version = 0
        self._receipt: OpenReceipt | None = None

    # --- the list ----------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """The list, read anew."""
        self.close()
        self._all = list_past_transfers(self._device.receipts, self._device.identity.ids)
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
        self._show_screen(
            Screen("history", _("History"), tuple(blocks), actions if self._all else actions[1:], place="history")
        )

    def _row(self, index: int) -> tuple[str, ...]:
        transfer = self._shown[index]
        name = printable(transfer.name)
        what = _("received “{name}”") if transfer.received else _("sent “{name}”")
        amount = amount_text(transfer.files, transfer.bytes)
        return moment_text(transfer.time), self._peer_name(transfer.peer), what.format(name=name), amount

    def _peer_name(self, identity: str) -> str:
        known = next((peer for peer in self._device.peers.pinned() if peer.id.hex() == identity), None)
        return printable(known.name) if known is not None else _("somebody forgotten")

    def _searched(self, text: str) -> Feedback:
        if text != self._wanted:
            self._wanted, self._chosen = text, None
            self._filter()
            self._show_list()
        found = ngettext("{n} transfer", "{n} transfers", len(self._shown))
        return Feedback(found.format(n=number_text(len(self._shown))), ready=True)

    def _filter(self) -> None:
        names = {peer.id.hex(): peer.name for peer in self._device.peers.pinned()}
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
        """One receipt in words; its signatures are checked at once. `back` leads to where this was asked for."""
        self.close()
        try:
            self._receipt = OpenReceipt(self._context, path, self._show_screen, back)
        except Problem as problem:
            leave = Action(_("Back"), back, main=True, leaving=True)
            self._show_screen(Screen("message", problem.message, (Text(problem.hint),), (leave,)))
            return
        self._receipt.check()

    def close(self) -> None:
        """Nobody looks at a receipt any more."""
        if self._receipt is not None:
            self._receipt.close()
            self._receipt = None
