"""D1: whatever a name holds, it is shown as one line of visible characters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as some

from countersign.base.figures import size_text, time_text
from countersign.base.printable import printable

HIDING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(some.text(max_size=500))
def test_d1_nothing_hides(text: str) -> None:
    shown = printable(text)
    assert not [c for c in shown if unicodedata.category(c) in HIDING]
    assert len(shown) <= 200 * 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name.txt", "plain name.txt"),
        ("Grüße 写真 صورة 🎉", "Grüße 写真 صورة 🎉"),
        ("a\x1b[2Kb", "a\\x1b[2Kb"),
        ("photo\u202egpj.exe", "photo\\u202egpj.exe"),
        ("a\u200bb", "a\\u200bb"),
        ("a\nb", "a\\x0ab"),
        ("a\u3164b", "a\\u3164b"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("a\u00a0b", "a\\xa0b"),
        ("bad\udcff", "bad\\udcff"),
    ],
)
def test_d1_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_d1_long_names_keep_beginning_and_ending() -> None:
    shown = printable("a" * 4000 + ".exe")
    assert len(shown) == 199
    assert shown.endswith(".exe")
    assert "…" in shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0\u00a0kB"), (99_949, "99.9\u00a0kB"), (999_499, "999\u00a0kB"),
     (999_500, "1.0\u00a0MB"), (10**15, "1.0\u00a0PB"), (10**18, "1,000\u00a0PB")],
)  # fmt: skip
def test_sizes(size: int, shown: str) -> None:
    assert size_text(size) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.2, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (7300, "2 h 1 min")])
def test_times(seconds: float, shown: str) -> None:
    assert time_text(seconds) == shown
