"""The people's folder at its edges: names, suggestions, and when a file is read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.base import errors
from countersign.trust import certificate as certificates
from countersign.trust.fingerprint import DeviceId
from countersign.trust.peer_files import Held, PeerFolder
from countersign.trust.peers import LONGEST_NAME, MOST_NAME_BYTES, PeerStore
from tests.test_trust import NOW, home, store


@pytest.mark.parametrize(("age", "reads"), [(3.5, 3), (4.0, 3), (4.5, 1), (-3.5, 3), (-4.5, 1)])
def test_a_file_that_may_still_change_within_a_tick_is_read_again(tmp_path: Path, age: float, reads: int) -> None:
    path = tmp_path / "carol.pem"
    path.write_bytes(b"x")
    os.utime(path, (1000.0, 1000.0))
    read: list[Path] = []

    def content(path: Path) -> bytes:
        read.append(path)
        return path.read_bytes()

    def held(_data: bytes, _path: Path) -> Held:
        return [(DeviceId(b"c" * 32), "pem")]

    folder = PeerFolder(tmp_path, content, held, lambda: 1000.0 + age)
    looks = [folder.look() for _n in range(3)]
    assert len(read) == reads
    assert all(found[0] is looks[0][0] for found in looks)  # and whoever asks sees that nothing has changed


def test_files_are_looked_at_by_name_whenever_they_were_made(tmp_path: Path) -> None:
    for name in ("b.pem", "a.pem", "A.pem"):
        (tmp_path / name).write_bytes(b"x")
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this disk does not tell upper from lower case")
    folder = PeerFolder(tmp_path, Path.read_bytes, lambda _data, _path: [], lambda: 0.0)
    assert [file.path.name for file in folder.look()] == ["A.pem", "a.pem", "b.pem"]


def given(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(certificates.self_signed(certificates.new_key(), NOW).public_bytes(Encoding.PEM))
    return path


def added(people: PeerStore, folder: Path, name: str) -> str:
    return people.add(people.examine(given(folder, "given.pem"), NOW), name).name


@pytest.mark.parametrize(
    "name", ["x" * LONGEST_NAME, "\u5199" * (MOST_NAME_BYTES // 3), "a", " a ", "O'Neil (2) & Co., x-y_z+.w"]
)
def test_names_that_people_may_have(tmp_path: Path, name: str) -> None:
    _own, people = store(home(tmp_path))
    assert added(people, tmp_path, name) == name.strip()
    assert (LONGEST_NAME, MOST_NAME_BYTES) == (60, 120)


@pytest.mark.parametrize(
    "name", ["x" * (LONGEST_NAME + 1), "\u5199" * (MOST_NAME_BYTES // 3 + 1), "", " ", ".a", "a.", "a/b", "a\0"]
)
def test_names_that_nobody_may_have(tmp_path: Path, name: str) -> None:
    _own, people = store(home(tmp_path))
    with pytest.raises(errors.BadName):
        added(people, tmp_path, name)
    assert people.all() == []


@pytest.mark.parametrize(
    ("file", "suggested"),
    [("carol.pem", "carol"), ("a:b.pem", "a-b"), ("...pem", "peer"), (" .x. .pem", "x"), ("y" * 70 + ".pem", "y" * 56),
     ("\u5199" * 50 + ".pem", "\u5199" * 38)],
)  # fmt: skip
def test_names_that_are_suggested(tmp_path: Path, file: str, suggested: str) -> None:
    _own, people = store(home(tmp_path))
    assert people.examine(given(tmp_path, file), NOW).suggested == suggested


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    _own, people = store(home(tmp_path))
    for expected in ("Carol", "Carol 2", "Carol 3"):
        assert people.add(people.examine(given(tmp_path, "Carol.pem"), NOW)).name == expected
    assert people.examine(given(tmp_path, "cAROL.pem"), NOW).suggested == "cAROL 4"


def test_renaming_to_ones_own_name_in_another_case_is_no_clash(tmp_path: Path) -> None:
    _own, people = store(home(tmp_path))
    added(people, tmp_path, "carol")
    added(people, tmp_path, "dave")
    renamed = people.rename(people.by_name("carol"), " CAROL ")
    assert (renamed.name, renamed.path.name) == ("CAROL", "CAROL.pem")
    with pytest.raises(errors.NameTaken):
        people.rename(renamed, "Dave")
    assert {peer.name for peer in people.all()} == {"CAROL", "dave"}
