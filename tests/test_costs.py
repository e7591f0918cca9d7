"""What an offer may cost beside its content: about the size of its list, counted before acceptance, and never while deaf to the peer."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from countersign.base.errors import Cancelled
from countersign.disk.folders import Folder
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.pack.reasons import Reason
from countersign.receipts.format import header_for, lines_for
from countersign.receipts.writing import Draft
from countersign.session.background import paced
from countersign.target.journal import VERSION, About, Journal
from countersign.target.proposing import propose, records_size
from countersign.target.settling import Completion
from countersign.target.staging import Staging
from tests.transfers import Couple

DEEP, LINKS = 255, 100_000


def deep_links(links: int, target: str = "x") -> Manifest:
    """No files and no bytes, but many links at the end of a long path of long names."""
    manifest = Manifest()
    for number in range(DEEP):
        manifest.add(Entry(EntryKind.FOLDER, number - 1, "d" * 100, 0, 0, ""))
    for number in range(links):
        manifest.add(Entry(EntryKind.LINK, DEEP - 1, f"{number:06d}", 0, 0, target))
    return manifest


def many_folders(count: int) -> Manifest:
    manifest = Manifest()
    for number in range(count):
        manifest.add(Entry(EntryKind.FOLDER, -1, f"{number:06d}", 0, 0, ""))
    return manifest


def staging_of(manifest: Manifest, root: Path) -> Staging:
    path = root / "staging"
    path.mkdir()
    about = About(VERSION, "00", "x", "x", b"x", b"x", 0.0, len(manifest), manifest.files, manifest.bytes)
    return Staging(manifest, path, Journal.begin(root / "transfers", about, manifest), {})


@pytest.mark.parametrize("target", ["x", "\x01" * 500])
def test_r1_a_receipt_costs_what_its_list_costs(couple: Couple, target: str) -> None:
    """100,000 links, 255 folders deep, once wrote 2.4 GB for an offer of 0 files and 0 bytes."""
    manifest = deep_links(LINKS if target == "x" else 2000, target)
    listed = sum(len(batch) for batch in manifest.batches())
    pems = couple.alice.device.identity.pem.decode(), couple.bob.device.identity.pem.decode()
    header = header_for(manifest, "x", bytes(16), "2026-01-01T00:00:00+00:00", {}, pems)
    draft = Draft(couple.root, header, lines_for(manifest, {}, bytearray(32 * len(manifest))))
    [spare] = couple.root.glob(".*")
    draft._spare.file.flush()
    written = spare.stat().st_size
    draft.discard()
    assert written < 8 * listed  # a control character takes six characters in JSON, whatever the depth
    assert written < (6 if target != "x" else 1) * records_size(manifest)


def test_r1_what_an_offer_costs_is_counted_before_it_is_accepted(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = deep_links(LINKS)
    proposal = propose("alice", "x", manifest, couple.root, [])
    assert proposal.bytes_to_come == 0
    assert 1_000_000 < proposal.records < 100_000_000
    usage = shutil.disk_usage(couple.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=proposal.records - 1))
    assert not propose("alice", "x", manifest, couple.root, []).fits


def test_many_refused_folders_cost_one_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refused folder once walked through all that follows: 20,000 took 23 s. Counted, not timed."""
    looked = 0

    class Counting(list):  # type: ignore[type-arg]
        def __getitem__(self, index):  # type: ignore[no-untyped-def]
            nonlocal looked
            looked += 1
            return list.__getitem__(self, index)

    manifest = many_folders(3000)
    staging = staging_of(manifest, tmp_path)
    manifest.parents = Counting(manifest.parents)  # type: ignore[assignment]

    def refused(self: Folder, name: str) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(Folder, "make_folder", refused)
    staging.make_folders(lambda: None)
    assert set(staging.holdings.skipped.values()) == {Reason.NAME}
    assert len(staging.holdings.skipped) == 3000
    assert looked < 10 * 3000
    staging.close()


def test_what_lies_in_a_refused_folder_is_left_out_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = Manifest()
    for kind, parent, name in [(0, -1, "a"), (0, 0, "b"), (1, 1, "f"), (1, 0, "g"), (0, -1, "c"), (1, 4, "h")]:
        manifest.add(Entry(kind, parent, name, 0, 0, ""))
    staging = staging_of(manifest, tmp_path)
    make = Folder.make_folder

    def refusing(self: Folder, name: str) -> None:
        if name == "a":
            raise OSError(22, "Invalid argument")
        make(self, name)

    monkeypatch.setattr(Folder, "make_folder", refusing)
    staging.make_folders(lambda: None)
    assert sorted(staging.holdings.skipped) == [0, 1, 2, 3]
    staging.close()


def test_folders_are_made_with_an_ear_for_the_other_side(tmp_path: Path) -> None:
    """600,000 of them once took 19 s, in which no cancellation was heard."""
    staging = staging_of(many_folders(200), tmp_path)
    calls = 0

    def cancelled() -> None:
        nonlocal calls
        calls += 1
        if calls == 100:
            raise Cancelled

    with pytest.raises(Cancelled):
        staging.make_folders(cancelled)
    assert 90 < len(list(staging.path.iterdir())) <= 100
    staging.close()


def test_a_tree_that_is_completed_can_be_left(tmp_path: Path) -> None:
    staging = staging_of(many_folders(2000), tmp_path)
    staging.make_folders(lambda: None)
    set_time = Folder.set_folder_time
    begun: list[str] = []

    def slow(self: Folder, name: str, mtime: int) -> None:
        begun.append(name)
        threading.Event().wait(0.005)  # a slow disk
        set_time(self, name, mtime)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "set_folder_time", slow)
        completion = Completion(staging, lambda _check: pytest.fail("nothing is drafted before the tree is whole"))

        def cancel() -> None:
            if begun:
                raise Cancelled

        with pytest.raises(Cancelled):
            completion.wait(cancel)
        completion.discard()
    assert len(begun) < 2000
    staging.close()


def test_paced_acts_at_most_so_often() -> None:
    acted: list[float] = []
    act = paced(lambda: acted.append(time.monotonic()), 0.02)
    ends = time.monotonic() + 0.2
    while time.monotonic() < ends:
        act()
    assert 1 <= len(acted) <= 11
