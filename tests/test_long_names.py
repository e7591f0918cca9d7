"""L1: names near the longest that a disk takes, in scripts with several bytes per letter: receipts and spare files still fit."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from countersign.base import errors
from countersign.base.files import cut_to_bytes, remove_spares, replace_file, spare_name
from countersign.places.home import Home
from countersign.profile import open_profile
from countersign.receipts.format import SUFFIX
from countersign.receipts.writing import receipt_stem
from countersign.trust.peers import MOST_NAME_BYTES
from tests.transfers import Couple, Exchange, fill, introduce

NOW = datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.timezone.utc)
LETTERS = ["x", "é", "写", "𠀀"]  # one to four bytes


@pytest.mark.parametrize("letter", LETTERS)
def test_l1_the_name_of_a_receipt_fits_a_disk(letter: str) -> None:
    for count in range(1, 256):
        name = receipt_stem(NOW, letter * count, bytes(16)) + SUFFIX
        assert len(name.encode()) < 200
        assert name.endswith(" 00000000.receipt")
        assert "\ufffd" not in name
    assert receipt_stem(NOW, letter * 30, bytes(16)) == f"2024-05-06 07.08.09 {letter * 30} 00000000"


@pytest.mark.parametrize("letter", LETTERS)
def test_l1_a_person_may_be_called_what_a_file_can_be_named_after(tmp_path: Path, letter: str) -> None:
    profile = open_profile(Home(tmp_path / "home"))
    other = open_profile(Home(tmp_path / "other"))
    most = min(60, MOST_NAME_BYTES // len(letter.encode()))
    with pytest.raises(errors.BadName) as caught:
        introduce(profile, other, letter * (most + 1))
    assert "thirty" in caught.value.hint
    introduce(profile, other, letter * most)
    assert [found.name for found in profile.device.peers.all()] == [letter * most]


@pytest.mark.parametrize("letter", LETTERS)
def test_l1_a_suggested_name_is_one_that_is_taken(tmp_path: Path, letter: str) -> None:
    profile = open_profile(Home(tmp_path / "home"))
    stem = letter * (251 // len(letter.encode()))
    for number in range(3):
        other = open_profile(Home(tmp_path / f"other {number}"))
        file = tmp_path / f"{stem}.pem"
        file.write_bytes(other.device.identity.pem)
        profile.device.peers.add(profile.device.peers.examine(file, profile.device.local_time()))
    assert len(profile.device.peers.all()) == 3


def test_l1_a_transfer_with_somebody_whose_file_has_the_longest_name(couple: Couple) -> None:
    longest = "写" * 83 + "xx"  # 251 bytes, and four for the suffix
    for side in (couple.alice, couple.bob):
        [file] = side.home.peers.iterdir()
        file.rename(side.home.peers / f"{longest}.pem")
    fill(couple.folder, large=1000)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    for side in (couple.alice, couple.bob):
        [receipt] = side.home.receipts.glob("*" + SUFFIX)
        assert "写写写" in receipt.name


@pytest.mark.parametrize("letter", LETTERS)
def test_l1_files_of_the_longest_names_are_replaced(tmp_path: Path, letter: str) -> None:
    path = tmp_path / (letter * (255 // len(letter.encode())))
    for data in (b"old", b"new"):
        replace_file(path, data)
        assert path.read_bytes() == data
    spare = tmp_path / spare_name(path.name)
    spare.write_bytes(b"")
    remove_spares(tmp_path, spare.stat().st_mtime + 100_000)
    assert list(tmp_path.iterdir()) == [path]


def test_a_cut_leaves_no_half_character() -> None:
    assert cut_to_bytes("写写", 6) == "写写"
    assert cut_to_bytes("写写", 5) == "写"
    assert cut_to_bytes("ab", 2) == "ab"
    assert cut_to_bytes("a\udcffb", 2) == "a"
