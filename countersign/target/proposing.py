"""Turns a manifest into a proposal: entries that can't be stored, entries already here, free space. Writes nothing."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from countersign.base.i18n import N_
from countersign.disk.folders import LINKS_WORK
from countersign.pack.manifest import EntryKind, Manifest
from countersign.pack.names import System, collision_key, local_problem, system_of
from countersign.pack.reason_texts import TEXTS
from countersign.pack.reasons import Reason
from countersign.receipts.writing import receipt_size
from countersign.session.proposal import Proposal
from countersign.target.recovery import Recovered

_JOURNAL_ENTRY = 80  # bytes: an entry of the list, and its log record on arrival
CLASHES = N_("another name in its folder differs only in ways that this computer does not see")
INSIDE = N_("the folder that holds it cannot be made here")


def propose(peer: str, name: str, manifest: Manifest, into: Path, recovered: list[Recovered]) -> Proposal:
    """The proposal for the person."""
    held_files, held_bytes = _held(manifest, recovered)
    return Proposal(
        peer=peer,
        name=name,
        manifest=manifest,
        into=into,
        free=shutil.disk_usage(_nearest(into)).free,
        held_files=held_files,
        held_bytes=held_bytes,
        impossible=impossible_entries(manifest, system_of(sys.platform), folds_case(_nearest(into))),
        existing=tuple(manifest.names[i] for i in manifest.top() if os.path.lexists(into / manifest.names[i])),
        records=records_size(manifest),
    )


def records_size(manifest: Manifest) -> int:
    """The estimated bytes of this list's journal and receipt: close to the size of the list itself, for any content."""
    names = sum(len(name) if name.isascii() else len(name.encode()) for name in manifest.names)
    targets = sum(len(target.encode()) for target in manifest.targets.values())
    return receipt_size(len(manifest), names + targets) + _JOURNAL_ENTRY * len(manifest) + names + targets


def impossible_entries(manifest: Manifest, system: System, folds: bool) -> dict[int, str]:
    """The entries that this kind of computer cannot store, with reasons; a folder takes its content with it."""
    found: dict[int, str] = {}
    seen: dict[int, set[str]] = {}
    looks_alike = folds or system is not System.LINUX
    for index in range(len(manifest)):
        name, parent = manifest.names[index], manifest.parents[index]
        if parent in found:
            found[index] = INSIDE
            continue
        reason = local_problem(name, system)
        if reason is None and not LINKS_WORK and manifest.kinds[index] == EntryKind.LINK:
            reason = TEXTS[Reason.LINKS]
        if reason is None and looks_alike:
            key = collision_key(name, folds, system)
            if key in seen.setdefault(parent, set()):
                reason = CLASHES
            seen[parent].add(key)
        if reason is not None:
            found[index] = reason
    return found


def folds_case(folder: Path) -> bool:
    """Whether names that differ only in case are the same there. Tests the folder's own name; writes nothing."""
    for path in (folder, *folder.parents):
        swapped = path.with_name(path.name.swapcase()) if path.name else path
        if swapped.name != path.name:
            try:
                return os.path.samefile(path, swapped)
            except OSError:
                return False
    return sys.platform in ("win32", "darwin")


def _held(manifest: Manifest, recovered: list[Recovered]) -> tuple[int, int]:
    seen: set[int] = set()
    files = total = 0
    for item in recovered:
        for new, old in enumerate(item.old_index):
            if old < 0 or new in seen:
                continue
            seen.add(new)
            if new in item.begun:
                total += item.begun[new][0]
            else:
                files += 1
                total += manifest.sizes[new]
    return files, total


def _nearest(path: Path) -> Path:
    """The path, or the nearest existing folder above it."""
    while not path.is_dir() and path != path.parent:
        path = path.parent
    return path
