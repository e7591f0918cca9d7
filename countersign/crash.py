"""Our own bugs: kept in a file for whoever mends them, told in a sentence to the person in front of it."""

from __future__ import annotations

import secrets
import traceback
from pathlib import Path

from countersign.base.errors import OwnBug
from countersign.base.files import replace_file


def own_bug(error: BaseException, state: Path) -> OwnBug:
    """Writes the traceback (code lines only, no values, so no secret) into `state`; gives the problem to show."""
    path = state / f"crash-{secrets.token_hex(4)}.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace"))
    except OSError as problem:
        return OwnBug(file=problem.strerror or problem)
    return OwnBug(file=path)
