"""Kills and cuts: small forms of `python3 -m tests.long kills` and `cuts`."""

from __future__ import annotations

import re
import sys

import pytest

from tests.long.cuts import count_records, faults, harm, prepare, quick_times
from tests.long.kills import has_other_disk, in_a_process_of_its_own
from tests.long.records import Fault
from tests.transfers import Couple

pytestmark = pytest.mark.once


# three or more interruptions of one tree of more than 16 folders; edits that only a hash can detect; other disks
_ROUNDS = (11, 14, 42, 44, 54)


@pytest.mark.skipif(sys.platform == "win32", reason="children are forked")
def test_f1_killed_at_changes_of_state_and_on_the_disk() -> None:
    told = in_a_process_of_its_own(_ROUNDS, 120)

    def figure(words: str) -> int:
        found = re.search(words.replace("N", r"(\d+)"), told)
        assert found, (words, told)
        return int(found[1])

    assert "losses 0, wrong contents 0" in told
    assert figure("N with more than 16") == len(_ROUNDS)
    assert figure("at most N interrupted in a row") >= 3
    assert figure("N times with size and time set back") >= 1
    if has_other_disk():
        assert figure("N times another disk") >= 1


def test_f3_one_harm_to_one_record_of_a_transfer(couple: Couple) -> None:
    with quick_times():
        prepare(couple)
        for number, fault in enumerate(faults(count_records(couple))[:8]):
            prepare(couple, number)
            harm(couple, fault)


def test_f7_a_computer_that_sleeps_in_the_middle(couple: Couple) -> None:
    """Its connection is dead when it wakes, as if cut, whichever side slept."""
    with quick_times():
        prepare(couple)
        records = count_records(couple)
        assert harm(couple, Fault("reset", True, records[True] - 4)) == "done"
        assert harm(couple, Fault("reset", False, records[False] - 2)) == "done"


def test_a_line_that_is_cut_before_hello_is_not_called_a_lack_of_trust(couple: Couple) -> None:
    """The sender was once told to give the receiver a certificate that the receiver already had."""
    with quick_times():
        prepare(couple)
        found = set()
        for index in range(1, count_records(couple)[False]):
            found.add(harm(couple, Fault("cut before", False, index)))
            if "done" in found:
                break
    assert "peer_silent" in found
