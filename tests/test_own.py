"""Our own files never leave: certificates, state, the private key and copies of it. Other people's keys are pointed out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from countersign.base.errors import FolderEmpty, OwnPlace
from countersign.cli.events import event_of
from countersign.disk.folders import File, Folder
from countersign.pack.manifest import Entry, EntryKind
from countersign.places.own import Secret
from countersign.session import status as st
from countersign.source.scanning import INEXACT, OWN, Scan, scan_selection
from countersign.source.selection import Selection
from countersign.ui.presenters.choosing import Summary
from countersign.wording import lines_of
from tests.paper_window import Stage
from tests.transfers import Couple, Exchange


def scan(couple: Couple, *paths: Path) -> Scan:
    return scan_selection(Selection(paths), lambda _files, _size: None, lambda: False, couple.alice.device.own)


def listed(found: Scan) -> set[str]:
    return {found.manifest.path(i) for i in range(len(found.manifest))}


def own(found: Scan) -> set[str]:
    """The entries that were left out as ours."""
    return {path for path, reason in found.skipped if reason == OWN}


def key_file(couple: Couple) -> Path:
    return couple.alice.home.certs / "key.pem"


def own_key(couple: Couple) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(key_file(couple).read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


@contextmanager
def bound(source: Path, place: Path) -> Iterator[None]:
    """Bind-mounts `source` at `place`. Skips if that is not allowed."""
    place.mkdir()
    command = ["mount", "--bind", str(source), str(place)]
    made = subprocess.run(command, capture_output=True, text=True, check=False) if sys.platform == "linux" else None
    if made is None or made.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


# --- whole transfers -------------------------------------------------------------------------------------------------


def test_p12_the_home_as_the_folder_goes_without_what_is_ours(couple: Couple) -> None:
    (couple.alice.home.root / "letter.txt").write_text("hello")
    exchange = Exchange(couple, folder=couple.alice.home.root).run()
    assert exchange.codes == ("done", "done")
    assert (couple.into / "letter.txt").exists()
    arrived = b"".join(path.read_bytes() for path in couple.into.rglob("*") if path.is_file())
    assert b"PRIVATE KEY" not in arrived
    assert not {"certs", "state"} & set(couple.visible())
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert {("certs", OWN), ("state", OWN)} <= set(end.skipped)


def test_p12_a_parent_of_the_home_goes_without_what_is_ours(couple: Couple) -> None:
    found = scan(couple, couple.root)
    assert own(found) == {"alice/certs", "alice/state"}
    assert "bob/certs/key.pem" in listed(found)  # somebody else's key, so it is pointed out
    assert found.keys == ["bob/certs/key.pem"]


@pytest.mark.parametrize(
    "where",
    ["certs", "certs/key.pem", "certs/cert.pem", "certs/peers", "certs/peers/bob.pem", "state", "state/transfers"],
)
def test_p12_what_is_ours_is_refused_when_it_is_chosen(couple: Couple, where: str) -> None:
    path = couple.alice.home.root / where
    if where == "certs/peers/bob.pem":
        path = next(couple.alice.home.peers.glob("*.pem"))
    elif where == "state/transfers":
        path.mkdir(exist_ok=True)
        (path / "x").write_text("x")
    exchange = Exchange(couple, folder=path).start().join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "own_place"
    end = exchange.sender.end()
    assert isinstance(end, st.Failed)
    assert str(path) in end.problem.message


def test_p12_what_is_ours_among_chosen_files_is_refused(couple: Couple) -> None:
    letter = couple.root / "letter.txt"
    letter.write_text("hello")
    copy = couple.root / "copy.pem"
    shutil.copy(key_file(couple), copy)
    for path in (key_file(couple), couple.alice.home.certs, couple.alice.home.state, copy):
        with pytest.raises(OwnPlace) as caught:
            scan(couple, letter, path)
        assert path.name in caught.value.message


# --- other paths to the same place --------------------------------------------------------------------------------------


def test_p12_a_link_to_what_is_ours_does_not_help(couple: Couple) -> None:
    link = couple.root / "link"
    link.symlink_to(couple.alice.home.certs)
    for path in (link, link / "peers", couple.alice.home.root / "state" / ".." / "certs"):
        with pytest.raises(OwnPlace):
            scan(couple, path)
    with pytest.raises(OwnPlace):
        scan(couple, link / "key.pem", couple.root / "link")


def test_p12_certs_that_are_a_link_are_ours_where_they_are(couple: Couple) -> None:
    elsewhere = couple.root / "elsewhere" / "in"
    elsewhere.parent.mkdir()
    couple.alice.home.certs.rename(elsewhere)
    couple.alice.home.certs.symlink_to(elsewhere)
    (elsewhere.parent / "letter").write_text("hello")
    found = scan(couple, elsewhere.parent)
    assert own(found) == {"in"}
    with pytest.raises(OwnPlace):
        scan(couple, elsewhere)


def test_p12_a_bind_mount_of_what_is_ours_does_not_help(couple: Couple) -> None:
    tree = couple.root / "tree"
    tree.mkdir()
    (tree / "letter").write_text("hello")
    with bound(couple.alice.home.certs, tree / "mounted"):
        assert own(scan(couple, tree)) == {"mounted"}
        with pytest.raises(OwnPlace):
            scan(couple, tree / "mounted")
    with bound(couple.alice.home.peers, tree / "people"):
        assert own(scan(couple, tree)) == {"people"}


def test_p12_a_folder_of_which_all_is_ours_is_refused_with_that_reason(couple: Couple) -> None:
    tree = couple.root / "tree"
    tree.mkdir()
    shutil.copy(key_file(couple), tree / "k.pem")
    with pytest.raises(OwnPlace):
        scan(couple, tree)
    (tree / "letter").write_text("hello")
    with pytest.raises(FolderEmpty):  # there are entries of theirs, which they left out
        scan_selection(Selection((tree,), patterns=("letter",)), lambda *_a: None, bool, couple.alice.device.own)


# --- copies of the key ---------------------------------------------------------------------------------------------------


@pytest.fixture
def tree(couple: Couple) -> Path:
    root = couple.root / "tree"
    root.mkdir()
    (root / "letter.txt").write_text("hello")
    return root


PEM, DER, OPENSSH = Encoding.PEM, Encoding.DER, PrivateFormat.OpenSSH
PKCS8, SEC1 = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL


@pytest.mark.parametrize(
    "name", ["key.pem", "KEY.PEM", "k.key", "k.p8", "k.pk8", "k.der", "backup", ".hidden", "id_x.bak"]
)
@pytest.mark.parametrize(("encoding", "form"), [(PEM, PKCS8), (PEM, SEC1), (PEM, OPENSSH), (DER, PKCS8), (DER, SEC1)])
def test_p12_a_copy_of_the_key_is_known_by_its_content(
    couple: Couple, tree: Path, name: str, encoding: Encoding, form: PrivateFormat
) -> None:
    (tree / "sub").mkdir()
    (tree / "sub" / name).write_bytes(own_key(couple).private_bytes(encoding, form, NoEncryption()))
    found = scan(couple, tree)
    assert own(found) == {f"sub/{name}"}
    assert found.keys == []
    assert listed(found) == {"letter.txt", "sub"}


def test_p12_a_key_behind_other_things_in_one_file(couple: Couple, tree: Path) -> None:
    other = ed25519.Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, NoEncryption())
    (tree / "bundle.pem").write_bytes(couple.alice.device.identity.pem + other + key_file(couple).read_bytes())
    (tree / "crlf.pem").write_bytes(b"Bag\r\n" + key_file(couple).read_bytes().replace(b"\n", b"\r\n"))
    assert own(scan(couple, tree)) == {"bundle.pem", "crlf.pem"}


def test_p12_an_exact_copy_and_a_hard_link_are_known_under_any_name(couple: Couple, tree: Path) -> None:
    shutil.copy(key_file(couple), tree / "holiday.txt")
    os.link(key_file(couple), tree / "notes.txt")
    assert own(scan(couple, tree)) == {"holiday.txt", "notes.txt"}


def test_p12_a_hard_link_of_a_key_that_can_not_be_read_is_known_by_its_number(
    couple: Couple, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.link(key_file(couple), tree / "notes.txt")

    def refuses(self: Folder, name: str) -> int:
        raise PermissionError(13, "no", name)

    monkeypatch.setattr(Folder, "read_file", refuses)
    assert own(scan(couple, tree)) == {"notes.txt"}


def test_p12_the_next_key_is_ours_too(couple: Couple, tree: Path) -> None:
    data = ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, NoEncryption())
    (couple.alice.home.certs / "next-key.pem").write_bytes(data)
    (tree / "other.key").write_bytes(data)
    assert own(scan(couple, tree)) == {"other.key"}


def test_p12_a_copy_is_known_while_the_key_itself_is_elsewhere(couple: Couple, tree: Path) -> None:
    (tree / "copy.der").write_bytes(own_key(couple).private_bytes(DER, SEC1, NoEncryption()))
    key_file(couple).rename(couple.root / "moved")
    assert own(scan(couple, tree)) == {"copy.der"}


def test_p12_what_became_a_pipe_since_it_was_listed_is_not_read(
    couple: Couple, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("no pipes in folders here")
    shutil.copy(key_file(couple), tree / "k.pem")
    status = (tree / "k.pem").stat()
    (tree / "k.pem").unlink()
    os.mkfifo(tree / "k.pem")
    read: list[object] = []
    folder = Folder.open_root(tree)
    monkeypatch.setattr(File, "read_at", lambda *a: read.append(a))
    assert couple.alice.device.own.look().judge(folder, "k.pem", status) is Secret.NONE
    folder.close()
    assert read == []


# --- other people's keys ------------------------------------------------------------------------------------------------------


def test_p12_private_keys_of_others_are_sent_and_pointed_out(couple: Couple, tree: Path) -> None:
    (tree / ".ssh").mkdir()
    key = ed25519.Ed25519PrivateKey.generate()
    (tree / ".ssh" / "id_ed25519").write_bytes(key.private_bytes(PEM, OPENSSH, NoEncryption()))
    (tree / ".ssh" / "id_ed25519.pub").write_text("ssh-ed25519 AAAA me\n")
    (tree / "locked.pem").write_bytes(key.private_bytes(PEM, PKCS8, BestAvailableEncryption(b"x")))
    (tree / "locked.der").write_bytes(key.private_bytes(DER, PKCS8, BestAvailableEncryption(b"x")))
    (tree / "rsa.der").write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    (tree / "putty.ppk").write_text("PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n")
    (tree / "cert.pem").write_bytes(couple.alice.device.identity.pem)
    (tree / "broken.pem").write_text("-----BEGIN PRIVATE KEY-----\nnot base64\n-----END PRIVATE KEY-----\n")
    (tree / "README").write_text("nothing here")
    (tree / "essay.txt").write_text("the words PRIVATE KEY in a text")
    (tree / "large.pem").write_bytes(b"PRIVATE KEY" + bytes(70_000))
    wanted = [".ssh/id_ed25519", "broken.pem", "locked.der", "locked.pem", "putty.ppk", "rsa.der"]
    exchange = Exchange(couple, folder=tree).run()
    assert exchange.codes == ("done", "done")
    assert list(exchange.sender.wait(st.Ready).private_keys) == wanted
    assert all((couple.into / path).exists() for path in wanted)


def test_p12_a_pipe_or_a_link_with_a_keys_name_is_not_opened(couple: Couple, tree: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("no pipes in folders here")
    os.mkfifo(tree / "pipe.pem")
    (tree / "link.pem").symlink_to(key_file(couple))
    found = scan(couple, tree)
    assert own(found) == set()
    assert listed(found) == {"letter.txt"}
    assert {path for path, _reason in found.skipped} == {"pipe.pem", "link.pem"}


@pytest.mark.parametrize("count", [1, 5])
def test_p12_faces_say_so_before_anything_is_sent(couple: Couple, count: int) -> None:
    paths = tuple(f"d/{n}.pem" for n in range(count))
    ready = st.Ready(count, 5, private_keys=paths, inexact=(("old", INEXACT),))
    event = event_of(ready)
    assert event is not None
    assert event["private_keys"] == list(paths)
    assert event["inexact"] == [{"path": "old", "reason": INEXACT}]
    words = "\n".join(lines_of(ready))
    assert "These look like private keys. Take them out" in words
    assert "1 entry is whole, but its date could not be kept:\n  old: its date is too far away" in words
    assert ("d/2.pem" in words, "d/3.pem" in words, "and 2 more" in words) == (count > 1, False, count > 1)
    assert "private keys" not in "\n".join(lines_of(st.Ready(count, 5)))


def test_p12_the_window_says_so_before_connecting_and_while_waiting(couple: Couple) -> None:
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    found = Scan(Selection((couple.folder,)), keys=["id_rsa"], inexact=[("old", INEXACT)])
    found.manifest.add(Entry(EntryKind.FILE, -1, "id_rsa", 100, 0, ""))
    window = stage.found(Summary(Selection((couple.folder,)), found))
    warning = "look like private keys. Take them out if the other person should not have them: id_rsa"
    assert warning in window.text()
    assert "1 cannot keep its date" in window.text()
    window.press("Look inside")
    assert warning in window.text()
    assert "old: its date is too far away" in window.text()
    window.press("Back")
    window.press("Connect")
    assert warning in window.text()
    stage.hear(st.Connected("bob"), st.NeedCode(3), st.Ready(1, 100, private_keys=("other",)))
    stage.hear(st.KeyShown("AAAA-BBBB-CCCC-DDDD", "Alfa"), st.WaitingFor("key"))
    assert "should not have them: other" in window.text()
    stage.hear(st.WaitingFor("answer"))
    assert "should not have them: other" in window.text()


# --- .gitkeep -----------------------------------------------------------------------------------------------------------


def test_an_empty_gitkeep_is_a_file_like_any_other_but_in_our_own_folder(couple: Couple, tree: Path) -> None:
    (tree / ".gitkeep").write_bytes(b"")
    assert listed(scan(couple, tree)) == {".gitkeep", "letter.txt"}
    (couple.folder / ".gitkeep").write_bytes(b"")
    (couple.folder / "sub").mkdir()
    (couple.folder / "sub" / ".gitkeep").write_bytes(b"")
    assert listed(scan(couple, couple.folder)) == {"sub", "sub/.gitkeep"}
    link = couple.root / "same"
    link.symlink_to(couple.folder)
    assert listed(scan(couple, link)) == {"sub", "sub/.gitkeep"}
    (couple.folder / ".gitkeep").write_bytes(b"x")
    assert listed(scan(couple, couple.folder)) == {".gitkeep", "sub", "sub/.gitkeep"}
    assert listed(scan(couple, couple.folder / "sub", tree / ".gitkeep")) == {".gitkeep", "sub", "sub/.gitkeep"}
