"""An entry in the application menu of Linux desktops, for this user only, where they ask for it.

Desktop Entry Specification 1.5: https://specifications.freedesktop.org/desktop-entry-spec/latest/
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from countersign.base.errors import DiskProblem
from countersign.base.files import PUBLIC_FILE, replace_file
from countersign.base.i18n import _
from countersign.options import RECEIVER
from countersign.ui.icon import svg


def entry_text(role: str, command: list[str], icon: str) -> str:
    """The file's text."""
    receiving = role == RECEIVER
    name = _("Countersign – receive") if receiving else _("Countersign – send")
    comment = _("Receive a folder from somebody you trust.") if receiving else _("Send a folder to somebody you trust.")
    lines = [
        "[Desktop Entry]", "Type=Application", "Version=1.5", f"Name={name}", f"Comment={comment}",
        "Exec=" + " ".join(_quoted(part) for part in command), f"Icon={icon}", "Terminal=false",
        "Categories=Network;FileTransfer;", "StartupWMClass=Countersign", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _quoted(part: str) -> str:
    """One argument by the specification's rules for Exec: quoted, and then escaped once more as every text value is."""
    quoted = "".join(f"\\{c}" if c in '"`$\\' else "%%" if c == "%" else c for c in part)
    return '"' + quoted.replace("\\", "\\\\") + '"'


def own_command(role: str) -> list[str]:
    """How this program is started."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, str(Path(__file__).resolve().parents[2] / f"{role}.py")]


def add_to_menu(role: str) -> Path:
    """Writes entry and icon into the user's own folders and gives the entry's path. Raises DiskProblem."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    entry = data / "applications" / f"countersign-{role}.desktop"
    icon = data / "icons" / "hicolor" / "scalable" / "apps" / f"countersign-{role}.svg"
    try:
        for path, text in ((icon, svg(role)), (entry, entry_text(role, own_command(role), str(icon)))):
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, text.encode(), PUBLIC_FILE)
    except OSError as error:
        raise DiskProblem(path=data, reason=error.strerror or error) from error
    return entry
