"""Processes, hosts and third-party tools: small forms of `python3 -m tests.long races`, `memory`, `resent`, `namespaces`, `outside`."""

from __future__ import annotations

import sys

import pytest

from tests.long import memory, namespaces, outside, resent
from tests.long.races import DOORS, race

pytestmark = pytest.mark.once


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no handles to open names under; docs/SECURITY.md says so"
)
@pytest.mark.parametrize("name", DOORS)
def test_p6_p7_folders_swapped_for_links(name: str) -> None:
    door, share = DOORS[name]
    escapes, _noticed = race(max(5, round(300 * share)), name, door)
    assert escapes == 0


def test_n2_z1_z3_hostile_messages_in_little_memory() -> None:
    figure = memory.run(12)
    if figure.skipped:
        pytest.skip(figure.text)
    assert figure.reached, figure.text


@pytest.mark.skipif(sys.platform == "win32", reason="children are forked")
@pytest.mark.once
def test_f1_what_was_on_the_disk_is_not_sent_again() -> None:
    code, said = resent.in_a_process_of_its_own(16, 120)
    assert code == 0, said


@pytest.mark.once
def test_f3_an_interface_that_is_taken_down() -> None:
    try:
        namespaces.play("an interface that is down for 2 s", 150_000_000)
    except namespaces.NotAllowedError as error:
        pytest.skip(f"this machine does not allow hosts of our own: {error}")


@pytest.mark.once
def test_n5_the_receiver_seen_by_openssl() -> None:
    figure = outside.run(1)
    if figure.skipped:
        pytest.skip(figure.text)
    assert figure.reached, figure.text
