"""Manifests and their entries, made by hand."""

from __future__ import annotations

from countersign.pack.manifest import Entry, EntryKind, Manifest


def manifest_of(*entries: Entry) -> Manifest:
    made = Manifest()
    for entry in entries:
        made.add(entry)
    return made


def file(name: str, parent: int = -1, size: int = 1) -> Entry:
    return Entry(EntryKind.FILE, parent, name, size, 0, "")


def folder(name: str, parent: int = -1) -> Entry:
    return Entry(EntryKind.FOLDER, parent, name, 0, 0, "")
