"""Texts in the reader's language. Every text for a person goes through `_` or `ngettext`.

The catalogues are `locale/LANGUAGE.po`, read with Babel. Until the first set-up installs Babel, all texts are English.
Otherwise standard library only: the bootstrap shows texts before anything is installed.
"""

from __future__ import annotations

import gettext
import io
import os
import subprocess
import sys
from pathlib import Path

LANGUAGES = {"en": "English", "de": "Deutsch"}  # each in its own language, for readers of no other
VARIABLE = "COUNTERSIGN_LANGUAGE"
LOCALES = Path(__file__).parents[1] / "locale"
_asked = ""
_cached: tuple[str, gettext.NullTranslations] = ("en", gettext.NullTranslations())
_chosen = ""


def use(language: str) -> None:
    """Sets the language of all texts from now on: one of LANGUAGES, or empty for the system's."""
    global _asked, _chosen
    _asked, _chosen = language, ""


def locale_name() -> str:
    """The reader's locale, such as `de` or `en_GB`: the chosen one, else the system's, else English."""
    global _chosen  # noqa: PLW0603 - asking the system may start a process
    if not _chosen:
        system = _system_locale()
        _chosen = _asked if _asked in LANGUAGES and not system.startswith(_asked) else system
    return _chosen


def language() -> str:
    """The current language, one of LANGUAGES."""
    found = locale_name().partition("_")[0]
    return found if found in LANGUAGES else "en"


def _system_locale() -> str:
    """The system's locale. For the variables see https://docs.python.org/3/library/gettext.html#gettext.find."""
    for variable in (VARIABLE, "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "").split(":")[0].split(".")[0].split("@")[0]
        if value:
            return value if value not in ("C", "POSIX") else "en"
    if sys.platform == "win32":
        return _windows_locale()
    if sys.platform == "darwin":  # programs started by a double click have no LANG there
        command = ["defaults", "read", "-g", "AppleLocale"]
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=2, check=True).stdout.strip() or "en"
        except (OSError, subprocess.SubprocessError):
            return "en"
    return "en"


def _windows_locale() -> str:
    import ctypes
    import locale

    if sys.platform != "win32":
        return "en"
    return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "en")


def _translation() -> gettext.NullTranslations:
    global _cached  # noqa: PLW0603 - a catalogue is read once
    wanted = language()
    if _cached[0] != wanted:
        found = read_catalogue(LOCALES / f"{wanted}.po") if wanted != "en" else None
        _cached = (wanted, found or gettext.NullTranslations())
    return _cached[1]


def read_catalogue(path: Path) -> gettext.NullTranslations | None:
    """A catalogue of translated texts; None while Babel is not installed."""
    try:
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po
    except ImportError:
        return None
    compiled = io.BytesIO()
    with open(path, "rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _(text: str) -> str:
    """The text in the reader's language."""
    return _translation().gettext(text)


def ngettext(one: str, many: str, n: int) -> str:
    """The form of the text for the number `n`."""
    return _translation().ngettext(one, many, n)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "mark, translate later"
    """Marks a text for translation where it is defined; `_` translates it where it is shown."""
    return text
