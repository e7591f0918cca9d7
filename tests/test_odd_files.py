"""L1: pipes, folders, devices and huge files in place of our own small files: a sentence at once, no hanging, no memory used."""

from __future__ import annotations

import json
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from countersign import bootstrap
from countersign.base import limits
from countersign.base.errors import (
    DiskProblem,
    FolderMissing,
    IdentityDamaged,
    NotACertificate,
    Problem,
    ReceiptProblem,
)
from countersign.base.files import OddFile, open_regular, read_small
from countersign.base.handles import Handle
from countersign.cli.commands import import_certificate, show_peers, verify_receipt
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.places.home import Home
from countersign.profile import Profile, open_profile
from countersign.receipts.checking import check_receipt
from countersign.receipts.history import ReceiptLines, list_past_transfers
from countersign.source.scanning import scan_selection
from countersign.target.journal import VERSION, About, Journal, Past, discard, journals, list_interrupted, tidy
from countersign.trust.fingerprint import DeviceId
from countersign.trust.guesses import Guesses
from countersign.ui.preferences import PreferenceStore
from tests.long.signing import facts_of, signed_receipt
from tests.transfers import introduce

pytestmark = [
    pytest.mark.timeout(30),
    pytest.mark.skipif(sys.platform == "win32", reason="this system has no named pipes"),
]

NOW = 1e9
MOST_MEMORY = 64 * limits.MIB


def _huge(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(3 << 30)  # a sparse file


def _pipe(path: Path) -> None:
    if sys.platform != "win32":  # where these tests are skipped
        os.mkfifo(path)


def _link_to_pipe(path: Path) -> None:
    _pipe(path.with_name("a-pipe"))
    path.symlink_to("a-pipe")


KINDS: dict[str, Callable[[Path], None]] = {
    "pipe": _pipe,
    "folder": lambda path: path.mkdir(),
    "huge": _huge,
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "link to a pipe": _link_to_pipe,
}


@pytest.fixture(params=KINDS)
def put(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Path]]:
    """Replaces a file with something odd. Watches the memory that reading it takes."""

    def put(path: Path) -> Path:
        path.unlink(missing_ok=True)
        KINDS[request.param](path)
        return path

    tracemalloc.start()
    yield put
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_MEMORY


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    """A home with one contact."""
    made = open_profile(Home(tmp_path / "home"))
    introduce(made, open_profile(Home(tmp_path / "other")), "bob")
    return made


def nothing(_text: str, _event: dict[str, object]) -> None:
    """Discards the text."""


def told(problem: Problem) -> bool:
    """Checks that it is a whole sentence and says what to do."""
    return problem.message.endswith(".") and ": ." not in problem.message and problem.hint.endswith(".")


def test_l1_only_small_files_are_read(tmp_path: Path, put: Callable[[Path], Path]) -> None:
    path = put(tmp_path / "odd")
    with pytest.raises(OddFile) as caught:
        read_small(path, 1000)
    assert caught.value.strerror
    assert caught.value.filename == str(path)
    (tmp_path / "file").write_bytes(b"x" * 1000)
    assert read_small(tmp_path / "file", 1000) == b"x" * 1000
    with pytest.raises(OddFile):
        read_small(tmp_path / "file", 999)
    with pytest.raises(FileNotFoundError):
        read_small(tmp_path / "none", 1000)


def test_what_is_opened_is_a_file_of_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a\r\nb")
    with open_regular(tmp_path / "file") as file:
        assert file.readline() == b"a\r\n"


@pytest.mark.parametrize("name", ["key.pem", "cert.pem"])
def test_l1_our_own_identity(profile: Profile, put: Callable[[Path], Path], name: str) -> None:
    put(profile.home.certs / name)
    with pytest.raises(IdentityDamaged) as caught:
        open_profile(profile.home)
    assert told(caught.value)


def test_l1_certificates_of_others(profile: Profile, put: Callable[[Path], Path], tmp_path: Path) -> None:
    peers = profile.device.peers
    put(profile.home.peers / "odd.pem")
    assert [peer.name for peer in peers.all()] == ["bob"]
    assert [told(problem) for problem in peers.problems() if "odd.pem" in str(problem)] == [True]
    put(profile.home.certs / "odd.pem")
    assert peers.found_by_hand(profile.device.local_time()) == []
    assert show_peers(profile, nothing) == 0
    with pytest.raises(NotACertificate) as caught:
        import_certificate(profile, put(tmp_path / "given.pem"), None, nothing)
    assert told(caught.value)


def test_l1_the_counter_of_guesses_locks(tmp_path: Path, put: Callable[[Path], Path]) -> None:
    put(tmp_path / "guesses.json")
    guesses = Guesses(tmp_path)
    assert not guesses.begin_try(DeviceId(b"p" * 32), NOW)
    [note] = guesses.take_notes()
    assert "set aside" in note
    assert guesses.locked(DeviceId(b"p" * 32), NOW + 1)


def test_l1_choices_begin_anew(tmp_path: Path, put: Callable[[Path], Path]) -> None:
    put(tmp_path / "preferences.json")
    store = PreferenceStore(tmp_path)
    assert store.read().looks == "system"
    assert "set aside" in store.note
    store.change(lambda found: setattr(found, "looks", "dark"))
    assert store.read().looks == "dark"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    manifest = Manifest()
    manifest.add(Entry(EntryKind.FILE, -1, "x", 100, 0, ""))
    about = About(VERSION, "00" * 32, "x", "x", b"/nowhere", os.fsencode(tmp_path / "nowhere"), NOW, 1, 1, 100)
    made = Journal.begin(tmp_path / "transfers", about, manifest)
    made.close()
    return made.folder


def past(folder: Path) -> None:
    with pytest.raises((OSError, ValueError)):
        Past(folder, Handle(os.open(folder / "lock", os.O_RDWR)))


def test_l1_what_a_journal_is_about(journal: Path, put: Callable[[Path], Path], tmp_path: Path) -> None:
    put(journal / "about.json")
    past(journal)
    assert list_interrupted(journal.parent) == []
    with pytest.raises(ValueError, match="damaged"):
        discard(journal)
    [aside] = tidy(journal.parent, tmp_path / "staging", NOW)
    assert aside.exists()
    assert journals(journal.parent) == []


@pytest.mark.parametrize("name", ["manifest", "log"])
def test_l1_a_journals_records(journal: Path, put: Callable[[Path], Path], name: str) -> None:
    odd = put(journal / name)
    if name == "log" and odd.is_file():
        Past(journal, Handle(os.open(journal / "lock", os.O_RDWR))).close()  # zeros are no records: reading ends there
    else:
        past(journal)
    assert [item.id for item in list_interrupted(journal.parent)] == [journal.name]
    assert discard(journal)
    assert not journal.exists()


def test_l1_receipts(profile: Profile, put: Callable[[Path], Path], tmp_path: Path) -> None:
    path = put(profile.home.receipts / "odd.receipt")
    assert list_past_transfers(profile.home.receipts, profile.device.identity.ids) == []
    with pytest.raises((DiskProblem, ReceiptProblem)) as caught:
        verify_receipt(profile, path, None, None, nothing)
    assert told(caught.value)
    with pytest.raises((DiskProblem, ReceiptProblem)):
        check_receipt(path, tmp_path)
    if not path.is_file():
        with pytest.raises(DiskProblem):
            ReceiptLines(path)


def test_l1_a_receipt_of_endless_lines(profile: Profile, tmp_path: Path) -> None:
    manifest = Manifest()
    manifest.add(Entry(EntryKind.FOLDER, -1, "a", 0, 0, ""))
    pem = profile.device.identity.pem.decode()
    whole = signed_receipt(*facts_of(manifest, pem, pem), profile.device.identity.sign)
    path = tmp_path / "a.receipt"
    for lines in (0, 1):
        path.write_bytes(whole + b'{"here":"b","name":"a"}\n' * lines)
        ReceiptLines(path).close()
    path.write_bytes(whole + b'{"here":"b","name":"a"}\n{"here":"c","name":"b"}\n')
    with pytest.raises(ReceiptProblem) as caught:
        ReceiptLines(path)
    assert told(caught.value)


def test_l1_folders_that_are_none(profile: Profile, put: Callable[[Path], Path], tmp_path: Path) -> None:
    path = put(tmp_path / "odd")
    if path.is_dir() or path.is_file():
        return
    with pytest.raises(FolderMissing) as caught:
        scan_selection(profile.selection(str(path)), lambda *_a: None, lambda: False, profile.device.own)
    assert told(caught.value)
    with pytest.raises(DiskProblem) as other:
        profile.reception(profile.into(str(path)), None, 0, lambda _status: None)
    assert told(other.value)
    with pytest.raises((DiskProblem, FolderMissing)):
        check_receipt(tmp_path / "none", path)


@pytest.mark.parametrize("name", ["certs", "state", "receipts", "certs/peers", "SEND_FOLDER"])
def test_l1_our_own_folders(tmp_path: Path, name: str) -> None:
    (tmp_path / "home" / name).parent.mkdir(parents=True, exist_ok=True)
    _pipe(tmp_path / "home" / name)
    with pytest.raises(DiskProblem) as caught:
        open_profile(Home(tmp_path / "home"))
    assert told(caught.value)


@pytest.mark.parametrize("name", ["certs/.lock", "state/preferences.lock", "state/guesses.lock"])
def test_l1_our_own_locks(profile: Profile, put: Callable[[Path], Path], name: str) -> None:
    put(profile.home.root / name)
    problems = []
    for step in (
        lambda: open_profile(profile.home),
        lambda: PreferenceStore(profile.home.state).change(lambda found: setattr(found, "looks", "dark")),
        lambda: profile.device.guesses.allow(DeviceId(b"p" * 32), NOW),
    ):
        try:
            step()
        except Problem as problem:
            problems.append(problem)
    assert all(told(problem) for problem in problems)


def test_l1_the_marks_of_an_environment(tmp_path: Path, put: Callable[[Path], Path]) -> None:
    (tmp_path / "requirements.txt").write_text("")
    environment = tmp_path / ".venv"
    environment.mkdir()
    put(environment / "countersign-ready.json")
    assert not bootstrap.is_ready(environment, tmp_path / "requirements.txt")
    (environment / "a-pipe").unlink(missing_ok=True)
    put(environment / "countersign-begun")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert not bootstrap._is_ours(environment, version)
    assert bootstrap._environment(tmp_path).name != ".venv"


def test_the_journal_of_another_version_is_left_alone(journal: Path, tmp_path: Path) -> None:
    about = json.loads((journal / "about.json").read_bytes())
    (journal / "about.json").write_text(json.dumps({**about, "version": 1, "into": "/x", "staging": "/y"}))
    assert tidy(journal.parent, tmp_path / "staging", NOW) == []
    assert list_interrupted(journal.parent) == []
    with pytest.raises(ValueError, match="another version"):
        discard(journal)
    assert journals(journal.parent) == [journal]
