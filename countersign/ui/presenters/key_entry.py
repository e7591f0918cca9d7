"""The key at the receiver: typed from the phone, judged while it is typed."""

from __future__ import annotations

from countersign.base.errors import BadKey
from countersign.base.i18n import _
from countersign.base.printable import printable
from countersign.seal.keytext import ALPHABET, GROUP, LENGTH, grouped, normalise, parse_key
from countersign.session import status as st
from countersign.session.answers import Answers
from countersign.session.proposal import Decision
from countersign.ui.presenters.screens import Action, Block, Feedback, Field, Screen, Text, Tone, Window
from countersign.wording import sentence_of

GROUPS = LENGTH // GROUP
_TYPED = ALPHABET + "OIL -"  # what a key may be typed with


class KeyEntry:
    """The question for the key of one offer."""

    def __init__(self, window: Window, answers: Answers, peer: str) -> None:
        self._window = window
        self._answers = answers
        self._peer = peer
        self._problem: Text | None = None

    def ask(self) -> None:
        """Asks for the key. What was wrong with the one before stays where it is, once."""
        problem, self._problem = self._problem, None
        self._show(problem)

    def wrong(self, status: st.KeyWrong) -> None:
        """Says what was wrong; the question follows at once and must not wipe it."""
        self._problem = Text(sentence_of(status), Tone.BAD)
        self._show(self._problem)

    def _show(self, problem: Text | None) -> None:
        text = _("{peer} wants to send you something. The key opens what it is.")
        blocks: list[Block] = [
            Text(text.format(peer=printable(self._peer))),
            Field("key", _("Type the key that they read to you"), "", key_typed, large=True, cells=(GROUPS, GROUP), keeps=True),
        ]  # fmt: skip
        if problem is not None:
            blocks.append(problem)
        actions = (
            Action(_("Decline"), lambda: self._answers.decision.give(Decision(False)), leaving=True),
            Action(_("Look at the list"), self._given, main=True, enabled=False),
        )
        self._window.show(
            Screen("key", _("Somebody wants to send you something"), tuple(blocks), actions, centred=True)
        )

    def _given(self) -> None:
        self._answers.key.give(self._window.field("key"))


def key_typed(text: str) -> Feedback:
    """Groups the key while it is typed and says whether it can be one."""
    try:
        key = normalise(text)
    except BadKey:
        allowed = "".join(c for c in text.upper() if c in _TYPED)
        wrong = {at // GROUP for at, sign in enumerate(c for c in text.upper() if c not in " -") if sign not in _TYPED}
        return Feedback(
            _("There is no letter U in a key, and no other signs."), Tone.BAD, value=grouped(normalise(allowed)),
            wrong=tuple((group, _("Look at group {n} again").format(n=group + 1)) for group in sorted(wrong)),
        )  # fmt: skip
    if len(key) > LENGTH:
        return Feedback(_("That is too long."), Tone.BAD)
    if len(key) < LENGTH:
        return Feedback(_("{n} of {all} characters").format(n=len(key), all=LENGTH), value=grouped(key))
    try:
        parse_key(key)
    except BadKey:
        return Feedback(_("One character is off. Compare it again."), Tone.BAD, value=grouped(key))
    return Feedback(_("Complete."), Tone.GOOD, ready=True, value=grouped(key))
