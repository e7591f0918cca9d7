"""The small parts of packs: words for what did not arrive, equal files of two lists, and bodies that do not unpack."""

from __future__ import annotations

import zlib

import pytest

from countersign.base.errors import SealBroken
from countersign.pack import archive
from countersign.pack.comparing import same_files
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.pack.reason_texts import TEXTS, text_of_word
from countersign.pack.reasons import BY_WORD, Reason

WORDS = ("changed", "vanished", "unreadable", "unwanted", "name", "links")


def test_every_reason_has_its_word_and_its_text() -> None:
    assert tuple(Reason(number).word for number in range(len(WORDS))) == WORDS
    assert tuple(BY_WORD) == WORDS
    for number, word in enumerate(WORDS):
        assert text_of_word(word) == TEXTS[Reason(number)]


def listed(names: str) -> Manifest:
    """A file for every small letter, a folder for every capital."""
    made = Manifest()
    for name in names:
        kind = EntryKind.FOLDER if name.isupper() else EntryKind.FILE
        made.add(Entry(kind, -1, name, 0 if name.isupper() else 5, 7, ""))
    return made


@pytest.mark.parametrize(
    ("new", "old", "both"),
    [("abc", "abc", "abc"), ("abc", "b", "b"), ("b", "abc", "b"), ("ace", "bdf", ""), ("", "ab", ""), ("ab", "", ""),
     ("aceg", "abcdfg", "acg"), ("ABab", "ABab", "ab"), ("Aab", "Bab", "ab"), ("abxyz", "cdxz", "xz")],
)  # fmt: skip
def test_equal_files_of_two_lists_are_found_wherever_they_stand(new: str, old: str, both: str) -> None:
    assert list(same_files(listed(new), listed(old))) == [(new.index(name), old.index(name)) for name in both]


def test_a_body_that_does_not_unpack_breaks_the_seal() -> None:
    packed = zlib.compress(bytes(100_000), 9)[2:-4]
    for body in (b"\xff" * len(packed), packed[:-1], packed + b"x"):
        with pytest.raises(SealBroken):
            archive._content(memoryview(body), archive.DEFLATED, 100_000, zlib.crc32(bytes(100_000)))
    good = archive._content(memoryview(packed), archive.DEFLATED, 100_000, zlib.crc32(bytes(100_000)))
    assert bytes(good) == bytes(100_000)
