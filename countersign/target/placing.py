"""Places the staging folder: on the target's file system, so one rename publishes, and out of sight if possible."""

from __future__ import annotations

from pathlib import Path

from countersign.disk.folders import Folder
from countersign.target.journal import new_staging_name


def choose_staging(into: Path, state: Path) -> Path:
    """Makes a staging folder from which names can be moved to `into`: in `state`, else beside `into`, else in it.

    Raises OSError. `into` must exist.
    """
    with Folder.open_root(into) as target:
        for parent in (state / "staging", into.parent, into):
            staging = parent / new_staging_name()
            try:
                parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                staging.mkdir(mode=0o700)
            except OSError:
                if parent == into:
                    raise
                continue
            with Folder.open_root(staging) as folder:
                movable = folder.can_move_to(target)
            if movable:
                return staging
            staging.rmdir()
    raise OSError(f"no place beside {into} to receive into")
