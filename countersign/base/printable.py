"""Makes foreign text safe to display: no character can hide, reorder or forge anything. A leaf."""

from __future__ import annotations

import unicodedata

_HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")  # letters and marks that are invisible
LONGEST = 200


def printable(text: str, longest: int = LONGEST) -> str:
    """The text on one line, with control, format, bidirectional and invisible characters as escapes.

    Longer texts lose their middle, so the beginning and the end (the extension) stay visible.
    """
    if len(text) > longest:
        half = (longest - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(c) for c in text)


def encodable(text: str) -> str:
    """A file name with each non-UTF-8 byte written as `%FF`: text that can be sent, stored and used as a name."""
    return "".join(f"%{ord(c) & 0xFF:02X}" if unicodedata.category(c) == "Cs" else c for c in text)


def _visible(char: str) -> str:
    hidden = unicodedata.category(char) in _HIDING or char in _BLANK or (char.isspace() and char != " ")
    if not hidden:
        return char
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
