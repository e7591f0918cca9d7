"""The one place that decides whether a foreign name may become a local name. It refuses and never repairs.

It answers two separate questions. `check_component`: is the name valid at all? If not, the whole offer is refused.
`local_problem`: can this kind of computer store it? If not, the entry is left out and the person is told.
"""

from __future__ import annotations

import unicodedata
from enum import Enum

from countersign.base import limits
from countersign.base.errors import OfferRefused
from countersign.base.i18n import N_

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_WINDOWS_FORBIDDEN = frozenset('<>:"|?*') | {chr(n) for n in range(32)}
_WINDOWS_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{device}{digit}" for device in ("COM", "LPT") for digit in "0123456789¹²³"]
)


class System(Enum):
    """The kinds of systems that differ in their file names."""

    LINUX = "linux"
    MACOS = "darwin"
    WINDOWS = "win32"


def system_of(platform: str) -> System:
    """The kind of a `sys.platform`."""
    if platform in ("win32", "cygwin"):
        return System.WINDOWS
    return System.MACOS if platform == "darwin" else System.LINUX


def check_component(name: str) -> int:
    """The length of a name in bytes. Raises OfferRefused unless every system reads it as one path component."""
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise OfferRefused
    try:
        size = len(name) if name.isascii() else len(name.encode("utf-8"))
    except UnicodeEncodeError:
        raise OfferRefused from None
    if size > limits.MAX_NAME_BYTES:
        raise OfferRefused
    return size


def can_be_sent(name: str) -> bool:
    """Whether a local name may stand in a manifest."""
    try:
        check_component(name)
    except OfferRefused:
        return False
    return True


def local_problem(name: str, system: System) -> str | None:
    """Why this system cannot store the name, or None."""
    if system is System.WINDOWS:
        return _windows_problem(name)
    if 4 * len(name) > 255 and len(name.encode("utf-8")) > 255:  # a character takes at most four
        return N_("its name is too long for this computer")
    if system is System.MACOS and ":" in name:
        return N_("its name has a character that this computer does not allow")
    return None


def _windows_problem(name: str) -> str | None:
    if any(c in _WINDOWS_FORBIDDEN for c in name):
        return N_("its name has a character that this computer does not allow")
    if name[-1] in ". ":
        return N_("its name ends with a dot or a space")
    if name.split(".")[0].rstrip(" ").upper() in _WINDOWS_DEVICES:
        return N_("its name is reserved on this computer")
    if len(name.encode("utf-16-le")) > 2 * 255:
        return N_("its name is too long for this computer")
    return None


def collision_key(name: str, folds_case: bool, system: System) -> str:
    """Names with equal keys collide in one folder here."""
    if system is System.MACOS:
        name = unicodedata.normalize("NFD", name)
    if folds_case:
        # NTFS upper-cases single characters; full case folding is slightly stricter, never looser
        name = unicodedata.normalize("NFC", name.casefold()) if system is System.MACOS else name.upper().casefold()
    return name


def check_target(target: str, depth: int) -> bool:
    """Whether a link's target stays inside the tree. depth: number of folders above the link, 0 at the top.

    Allowed are leading `..`, at most one per folder above, then names. A `..` after a name could follow another
    link first and leave the tree from there.
    """
    if not target or "\0" in target or "\\" in target or target.startswith("/"):
        return False
    if len(target.encode("utf-8", "surrogatepass")) > limits.MAX_TARGET_BYTES:
        return False
    climbing = 0
    named = False
    for part in target.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            climbing += 1
            if named or climbing > depth:
                return False
        else:
            named = True
            if not can_be_sent(part):
                return False
    return True
