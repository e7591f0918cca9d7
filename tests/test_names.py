"""Names that an entry may have, where they can live, and links that stay inside."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as some

from countersign.base import limits
from countersign.base.errors import OfferRefused
from countersign.pack import names
from countersign.pack.names import System

HOSTILE = [
    "", ".", "..", "../../.ssh/authorized_keys", "sub/../x", "//x", "/etc/passwd", "C:\\x", "\\\\srv\\s", "a\\b", "a/b", "a\0b",
    "x" * (limits.MAX_NAME_BYTES + 1), "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_p1_p4_p5_names_that_no_entry_may_have(name: str) -> None:
    with pytest.raises(OfferRefused):
        names.check_component(name)
    assert not names.can_be_sent(name)


@pytest.mark.parametrize("name", ["a", "…", "写真", ".hidden", "-rf", "a b", "COM1", "x" * 255, "a:b", "\n", "~"])
def test_names_that_may_be_said(name: str) -> None:
    names.check_component(name)


@given(some.text(max_size=30))
def test_p4_an_accepted_name_stays_one_component_on_every_system(name: str) -> None:
    import ntpath
    import posixpath

    if not names.can_be_sent(name):
        return
    assert posixpath.normpath(posixpath.join("/top", name)) == "/top/" + name
    assert names.local_problem(name, System.WINDOWS) is not None or (
        ntpath.normpath(ntpath.join("C:\\top", name)) == "C:\\top\\" + name
    )


@pytest.mark.parametrize(
    "name",
    ["NUL", "con.txt", "COM1.log", "com¹", "lpt9", "file:stream", "dot.", "space ", "a<b", "a|b", "a?", "tab\t", "conin$", "x" * 256,
     "AUX .txt"],
)  # fmt: skip
def test_p11_names_that_windows_can_not_keep(name: str) -> None:
    assert names.local_problem(name, System.WINDOWS)


@pytest.mark.parametrize("name", ["console", "com", "null", "a.b.c", "写真", "x" * 255])
def test_p11_names_that_windows_can_keep(name: str) -> None:
    assert names.local_problem(name, System.WINDOWS) is None


def test_p11_names_elsewhere() -> None:
    assert names.local_problem("写" * 86, System.LINUX)
    assert names.local_problem("写" * 85, System.LINUX) is None
    assert names.local_problem("a:b", System.MACOS)
    assert names.local_problem("a:b", System.LINUX) is None
    assert names.system_of("win32") is System.WINDOWS
    assert names.system_of("darwin") is System.MACOS
    assert names.system_of("linux") is System.LINUX


def test_p11_names_that_clash() -> None:
    for system in (System.WINDOWS, System.MACOS):
        assert names.collision_key("README", True, system) == names.collision_key("readme", True, system)
    assert names.collision_key("é", True, System.MACOS) == names.collision_key("e\u0301", True, System.MACOS)
    assert names.collision_key("é", False, System.LINUX) != names.collision_key("e\u0301", False, System.LINUX)
    assert names.collision_key("a", False, System.LINUX) != names.collision_key("A", False, System.LINUX)


@pytest.mark.parametrize(
    ("target", "depth", "right"),
    [
        ("a", 0, True), ("a/b", 0, True), ("../a", 1, True), ("..", 1, True), ("./a", 0, True), (".", 0, True), ("../../a", 2, True),
        ("..", 0, False), ("../a", 0, False), ("../../a", 1, False), ("/etc", 0, False), ("a/../../b", 1, False), ("a/..", 0, False),
        ("", 0, False), ("a\0", 0, False), ("a\\b", 0, False), ("x/" * 4096, 0, False), ("\ud800", 0, False),
    ],
)  # fmt: skip
def test_p10_links_stay_inside(target: str, depth: int, right: bool) -> None:
    assert names.check_target(target, depth) is right
