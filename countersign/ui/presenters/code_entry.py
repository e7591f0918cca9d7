"""The code at the sender: four digits that the other person reads out."""

from __future__ import annotations

from collections.abc import Callable

from countersign.base.errors import BadCode
from countersign.base.i18n import _
from countersign.base.printable import printable
from countersign.seal.code import parse_code
from countersign.session import status as st
from countersign.ui.presenters.screens import Action, Block, Feedback, Field, Screen, Text, Tone, Window
from countersign.wording import sentence_of


class CodeEntry:
    """The question for the code. `give` takes what was typed."""

    def __init__(self, window: Window, peer: str, give: Callable[[str], None], cancel: Callable[[], None]) -> None:
        self._window = window
        self._peer = peer
        self._give = give
        self._cancel = cancel
        self._problem: Text | None = None

    def wrong(self, status: st.CodeWrong) -> None:
        """Keeps what was wrong for the next question."""
        self._problem = Text(sentence_of(status), Tone.BAD)

    def ask(self) -> None:
        """Asks for the code."""
        problem, self._problem = self._problem, None
        text = _("You are connected with {peer}. They see a code of four digits: let them read it to you.")
        blocks: list[Block] = [
            Text(text.format(peer=printable(self._peer))),
            Field("code", _("Code"), "", code_typed, large=True, cells=(4, 1), digits=True),
        ]
        if problem is not None:
            blocks.append(problem)
        actions = (
            Action(_("Cancel"), self._cancel, leaving=True),
            Action(_("Continue"), self._given, main=True, enabled=False),
        )
        self._window.show(Screen("code", _("Which code do they see?"), tuple(blocks), actions, centred=True))

    def _given(self) -> None:
        self._give(parse_code(self._window.field("code")))


def code_typed(text: str) -> Feedback:
    """Says whether the digits are all there."""
    try:
        parse_code(text)
    except BadCode:
        digits = sum(c.isdigit() for c in text)
        return Feedback(_("{n} of 4 digits").format(n=min(digits, 4)) if digits < 4 else _("The code has four digits."))
    return Feedback(ready=True, goes_on=True)
