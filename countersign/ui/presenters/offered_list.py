"""What is offered, at the receiver: the list, what would become of it here, accepting or declining."""

from __future__ import annotations

from collections.abc import Callable

from countersign.base.i18n import _
from countersign.base.printable import printable
from countersign.pack.manifest import TOP
from countersign.session.proposal import Decision, Proposal
from countersign.ui.presenters.manifest_tree import ManifestTree
from countersign.ui.presenters.screens import (
    Action,
    Block,
    Feedback,
    Field,
    Rows,
    Screen,
    Sentence,
    Text,
    Tone,
    Window,
)
from countersign.wording import amount_text, proposal_notes

_SEARCHED_FROM = 12  # entries: a shorter list is seen at once


class OfferedList:
    """The question whether one offer is wanted. `decide` takes the answer."""

    def __init__(self, window: Window, proposal: Proposal, decide: Callable[[Decision], None]) -> None:
        self._window = window
        self._proposal = proposal
        self._decide = decide
        self._tree = ManifestTree(proposal.manifest)
        self._tell_renamed = False

    def show(self) -> None:
        """The list as it is folded and searched now."""
        proposal, tree = self._proposal, self._tree
        manifest = proposal.manifest
        blocks: list[Block] = []
        if len(manifest) > _SEARCHED_FROM:
            blocks.append(Field("search", _("Search"), "", self._searched, search=True))
        blocks += [
            Rows((_("Name"), _("Size"), ""), len(tree.rows), self._row, opened=self._open_row, folded=self._fold_row,
                 widths=(330, 90, 190), version=tree.version),
            Text("\n".join(proposal_notes(proposal)), Tone.PLAIN if proposal.fits else Tone.BAD),
        ]  # fmt: skip
        if proposal.existing:
            blocks.append(self._renamed_line())
        heading = _("{peer} wants to send you {amount}").format(
            peer=printable(proposal.peer), amount=amount_text(manifest.files, manifest.bytes)
        )
        actions = (
            Action(_("Decline"), lambda: self._decide(Decision(False)), leaving=True),
            Action(_("Accept"), self._accept, main=True, enabled=proposal.fits),
        )
        self._window.show(Screen("list", heading, tuple(blocks), actions, careful=True))

    def _accept(self) -> None:
        self._decide(Decision(True, tell_renamed=self._tell_renamed))

    def _renamed_line(self) -> Sentence:
        """Whether the sender learns that a name is taken here: their person may guess names otherwise."""
        if self._tell_renamed:
            return Sentence(
                _("The sender is told that names are taken here."),
                (Action(_("Do not tell"), self._toggle_tell),),
                Tone.HINT,
            )
        return Sentence(
            _("The sender does not learn which names you have."),
            (Action(_("Tell them"), self._toggle_tell),),
            Tone.HINT,
        )

    def _toggle_tell(self) -> None:
        self._tell_renamed = not self._tell_renamed
        self.show()

    def _row(self, row: int) -> tuple[str, ...]:
        proposal = self._proposal
        index = self._tree.rows[row]
        manifest = proposal.manifest
        note = ""
        if index in proposal.impossible:
            note = _(proposal.impossible[index])
        elif manifest.parents[index] == TOP and manifest.names[index] in proposal.existing:
            note = _("is there already")
        return self._tree.text(row, note)

    def _searched(self, text: str) -> Feedback:
        before = self._tree.version
        self._tree.search(text)
        if self._tree.version != before:
            self.show()
        return Feedback(ready=True)

    def _open_row(self, row: int) -> None:
        self._tree.toggle(row)
        self.show()

    def _fold_row(self, row: int, wanted: bool) -> None:
        self._tree.fold(row, wanted)
        self.show()
