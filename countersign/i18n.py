"""Texts in the reader's language. Every text that a person reads goes through `_` or `ngettext` here.

Standard library only: the bootstrap speaks to people before anything is installed.
"""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "countersign"
_LOCALES = Path(__file__).parent / "locale"
_translation = gettext.translation(DOMAIN, _LOCALES, fallback=True)


def _(text: str) -> str:
    """The text in the reader's language."""
    return _translation.gettext(text)


def ngettext(one: str, many: str, n: int) -> str:
    """The form of the text that goes with the number `n`."""
    return _translation.ngettext(one, many, n)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "mark, translate later"
    """Marks a text for translation where it is defined; `_` translates it where it is shown."""
    return text
