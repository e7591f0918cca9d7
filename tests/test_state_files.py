"""State on disk survives being cut off anywhere: nothing is fatal, no lock is forgotten, damaged files are set aside."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.base import limits
from countersign.base.errors import IdentityDamaged
from countersign.base.files import private_folder, replace_file, spare_name
from countersign.base.handles import Handle
from countersign.cli.commands import show_interrupted
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.places.home import Home
from countersign.profile import open_profile
from countersign.session import status as st
from countersign.target import journal as journal_module
from countersign.target.journal import (
    VERSION,
    About,
    Journal,
    Past,
    Record,
    discard,
    journals,
    list_interrupted,
    tidy,
)
from countersign.trust.fingerprint import DeviceId
from countersign.trust.guesses import Guesses
from countersign.trust.identity import open_identity
from tests.transfers import Couple, Exchange, fill, interrupt

pytestmark = pytest.mark.once

PEER = DeviceId(b"p" * 32)
NOW = 1e9
GARBAGE = [b"\x00" * 40, b"\xff" * 40, b"{}", b"[]", b"null", b'{"version":1}', b"[" * 5000, b'{"a":' * 3000]


def damaged(data: bytes) -> Iterator[bytes]:
    """Files cut off at every byte, and files that are not ours at all."""
    yield from (data[:size] for size in range(len(data)))
    yield from GARBAGE


def test_the_counter_of_guesses_never_forgets_a_lock(tmp_path: Path) -> None:
    guesses = Guesses(tmp_path)
    for _try in range(limits.CODE_FAILURES_AN_HOUR):
        guesses.begin_try(PEER, NOW)
    file = tmp_path / "guesses.json"
    whole = file.read_bytes()
    for data in damaged(whole):
        file.write_bytes(data)
        again = Guesses(tmp_path)
        assert again.locked(PEER, NOW + 1), data
        assert not again.begin_try(PEER, NOW + 1), data
        [note] = again.take_notes()
        assert "damaged" in note
        [aside] = tmp_path.glob("guesses.json.damaged-*")
        assert aside.read_bytes() == data
        aside.unlink()


def test_being_cut_off_while_a_file_is_replaced_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state.json"
    replace_file(file, b"old")

    def cut_off(*_arguments: object) -> None:
        raise KeyboardInterrupt

    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, step, cut_off)
            with pytest.raises(KeyboardInterrupt):
                replace_file(file, b"new")
        assert file.read_bytes() == b"old"
    replace_file(file, b"new")
    assert file.read_bytes() == b"new"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal with something of every kind; its transfers folder is `tmp_path / "transfers"`."""
    manifest = Manifest()
    for number in range(20):
        manifest.add(Entry(EntryKind.FILE, -1, f"{number:02d}", 100, 0, ""))
    about = About(VERSION, "00" * 32, "x", "x", b"/nowhere", os.fsencode(tmp_path / "nowhere"), NOW, 20, 20, 2000)
    made = Journal.begin(tmp_path / "transfers", about, manifest)
    for number in range(10):
        made.add(Record([(number, bytes(32))], [(10, 5, bytes(32))]))
    made.close()
    return made.folder


def read(folder: Path) -> Past | None:
    try:
        return Past(folder, Handle(os.open(folder / "lock", os.O_RDWR)))
    except (OSError, ValueError):
        return None


@pytest.mark.parametrize("name", ["manifest", "log"])
def test_a_journal_cut_off_anywhere_gives_what_is_whole_of_it(journal: Path, name: str) -> None:
    whole = (journal / name).read_bytes()
    for data in damaged(whole):
        (journal / name).write_bytes(data)
        past = read(journal)
        if past is None:
            assert name == "manifest"
            continue
        assert sum(past.complete) <= 10
        assert name == "log"
        past.close()
        assert [item.id for item in list_interrupted(journal.parent)] == [journal.name]


def test_what_a_journal_is_about_cut_off_anywhere_is_set_aside(journal: Path, tmp_path: Path) -> None:
    about = (journal / "about.json").read_bytes()
    orphan = tmp_path / "staging" / (".countersign-" + "0" * 32)
    orphan.mkdir(parents=True)
    of_another_version = b'{"version":1}'
    for data in (*damaged(about), b'{"version":2}'):
        if data == of_another_version:
            continue
        (journal / "about.json").write_bytes(data)
        assert list_interrupted(journal.parent) == []
        assert read(journal) is None
        [aside] = tidy(journal.parent, tmp_path / "staging", NOW * 3)
        assert journals(journal.parent) == []
        assert orphan.exists()  # it may belong to that transfer
        aside.rename(journal)
    (journal / "about.json").write_bytes(about)
    assert [item.id for item in list_interrupted(journal.parent)] == [journal.name]


@pytest.mark.parametrize(
    "changes",
    [
        {"staging": "L2EAYg=="},
        {"into": "AA=="},
        {"into": "/not base64"},
        {"began": 1e300},
        {"began": -1e300},
        {"staging": ""},
        {"version": 1, "into": "/old"},
        {"version": 3},
    ],
)
def test_a_journal_that_says_what_can_not_be(journal: Path, changes: dict[str, object]) -> None:
    """NUL in a path, and a date beyond all calendars, once ended the program."""
    facts = json.loads((journal / "about.json").read_bytes())
    (journal / "about.json").write_bytes(json.dumps({**facts, **changes}).encode())
    home = Home(journal.parent.parent / "home")
    profile = open_profile(home)
    (home.state / "transfers").symlink_to(journal.parent)
    assert show_interrupted(profile, lambda *_a: None) == 0
    tidy(journal.parent, journal.parent.parent / "staging", NOW)
    kept = journal.exists()
    assert kept == ("version" in changes or changes == {"staging": ""})


def test_a_damaged_journal_is_told_and_the_next_transfer_works(couple: Couple) -> None:
    fill(couple.folder, large=60_000_000)
    interrupt(couple, 20_000_000)
    [folder] = couple.bob.device.transfers.iterdir()
    (folder / "about.json").write_bytes(b"{")
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    [note] = exchange.receiver.all(st.Note)
    assert "damaged" in note.text


@pytest.mark.parametrize("name", ["key.pem", "cert.pem"])
def test_an_identity_cut_off_anywhere_is_told_and_never_replaced(tmp_path: Path, name: str) -> None:
    certs = tmp_path / "certs"
    certs.mkdir()
    now = datetime.datetime.now(datetime.timezone.utc)
    identity = open_identity(certs, now)
    whole = (certs / name).read_bytes()
    told = 0
    for data in damaged(whole):
        (certs / name).write_bytes(data)
        try:
            assert open_identity(certs, now).id == identity.id  # everything but the last line break is there
        except IdentityDamaged as problem:
            told += bool(problem.hint)
        assert (certs / name).read_bytes() == data
    assert told > len(whole) - 3
    (certs / name).write_bytes(whole)
    assert open_identity(certs, now).id == identity.id


def test_a_peer_cut_off_anywhere_takes_nobody_else_along(couple: Couple) -> None:
    file = couple.bob.home.peers / "alice.pem"
    whole = file.read_bytes()
    (couple.bob.home.peers / "carol.pem").write_bytes(whole.replace(b"\n", b"\r\n"))
    peers = couple.bob.device.peers
    for data in damaged(whole):
        file.write_bytes(data)
        assert {peer.id for peer in peers.all()} == {couple.alice.device.identity.id}
        assert all(problem.message for problem in peers.problems())


def test_what_a_killed_program_had_begun_to_write_goes_after_a_day(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    kept = {".hidden", ".gitkeep", "peer.pem", ".notes.txt", ".0123456789abcdeg"}
    for folder in (home.certs, home.peers, home.state, home.receipts):
        for name in (*kept, spare_name(), spare_name("device.key"), f".{'0' * 16}"):
            (folder / name).write_bytes(b"x")
            os.utime(folder / name, (NOW, NOW))
        young = folder / spare_name("young")
        young.write_bytes(b"x")
        (folder / spare_name()).mkdir()
        home.prepare()
        assert {path.name for path in folder.iterdir() if path.is_file()} == {*kept, young.name}
        assert sum(path.is_dir() and path.name.startswith(".") for path in folder.iterdir()) == 1


def test_f8_a_listing_never_takes_the_lock_of_a_transfer_that_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It once found a journal before its lock; the transfer that was beginning then ended with a disk problem."""
    listed: list[int] = []
    replace, private = replace_file, private_folder

    def look() -> None:
        listed.append(len(list_interrupted(tmp_path)))

    def replacing(path: Path, data: bytes) -> None:
        look()
        replace(path, data)
        look()

    def making(path: Path) -> None:
        private(path)
        look()

    monkeypatch.setattr(journal_module, "replace_file", replacing)
    monkeypatch.setattr(journal_module, "private_folder", making)
    manifest = Manifest()
    manifest.add(Entry(EntryKind.FILE, -1, "a", 1, 0, ""))
    made = Journal.begin(tmp_path, About(VERSION, "00", "x", "x", b"x", b"x", 0.0, 1, 1, 1), manifest)
    look()
    assert not discard(made.folder)
    assert listed == [0, 0, 0, 0]
    made.close()
    look()
    assert listed[-1] == 1


def test_f8_a_listing_leaves_a_folder_alone_that_does_not_count_yet(tmp_path: Path) -> None:
    """Trying its lock would take it from the transfer that is about to lock it."""
    (tmp_path / "beginning").mkdir()
    assert list_interrupted(tmp_path) == []
    assert not list((tmp_path / "beginning").iterdir())
