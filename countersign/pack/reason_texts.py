"""The reasons why an entry did not arrive, as texts for people."""

from __future__ import annotations

from countersign.base.i18n import N_
from countersign.pack.reasons import BY_WORD, Reason

TEXTS = {
    Reason.CHANGED: N_("it changed while it was sent"),
    Reason.VANISHED: N_("it was gone when its turn came"),
    Reason.UNREADABLE: N_("it could not be read"),
    Reason.UNWANTED: N_("left out by the person who received"),
    Reason.NAME: N_("a file of that name cannot be kept there"),
    Reason.LINKS: N_("that computer does not let programs make links"),
}


def text_of_word(word: str) -> str:
    """The text for a word in a receipt whose words were checked."""
    return TEXTS[BY_WORD[word]]
