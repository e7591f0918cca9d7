"""Where the time went: what is reported, and what is named as the bottleneck."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.cli.events import event_of
from countersign.session import stats as stages, status as st
from countersign.session.stats import RECEIVERS, SENDERS, Stats, holds_up
from countersign.wording import STAGES, lines_of
from tests.transfers import Exchange, fill, make_couple

pytestmark = pytest.mark.once

NOTHING = (0.0, 0.0)


def test_both_sides_tell_their_stages_before_the_end(tmp_path: Path) -> None:
    couple = make_couple(tmp_path)
    fill(couple.folder)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    for heard, names in ((exchange.sender, SENDERS), (exchange.receiver, RECEIVERS)):
        (told,) = heard.all(st.StageTimes)
        assert [stage.name for stage in told.stages] == list(names)
        assert heard.statuses.index(told) < heard.statuses.index(heard.end())
        assert 0 < told.first_data <= told.seconds
        worked = {stage.name for stage in told.stages if stage.work > 0}
        assert worked == set(names) - {stages.NEXT_PACK, stages.ROOM}
        assert all(stage.work >= 0 and stage.waiting >= 0 for stage in told.stages)


def test_every_stage_has_words_and_an_event() -> None:
    for names in (SENDERS, RECEIVERS):
        told = Stats(names).status()
        assert set(names) <= set(STAGES)
        assert len(lines_of(told)) == len(names) + 1
        event = event_of(told)
        assert event is not None
        assert event["event"] == "stats"
        assert list(event["stages"]) == list(names)


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        ({}, ""),
        ({stages.SENDING: (0.1, 0.8)}, "network"),
        ({stages.SENDING: (0.1, 0.0), stages.NEXT_PACK: (0.0, 0.8), stages.READING: (1.5, 0.0)}, "disk"),
        ({stages.SENDING: (0.1, 0.0), stages.NEXT_PACK: (0.0, 0.8), stages.ZIPPING: (1.5, 0.0)}, "processor"),
        ({stages.SENDING: (0.9, 0.02)}, "processor"),
    ],
)
def test_what_holds_a_sender_up(spent: stages.Times, expected: str) -> None:
    assert holds_up({**dict.fromkeys(SENDERS, NOTHING), **spent}, 1.0) == expected


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        ({stages.RECEIVING: (0.1, 0.8)}, "network"),
        ({stages.RECEIVING: (0.1, 0.0), stages.ROOM: (0.0, 0.8), stages.WRITING: (0.9, 0.0)}, "disk"),
        ({stages.RECEIVING: (0.1, 0.0), stages.ROOM: (0.0, 0.8), stages.HASHING: (0.9, 0.0)}, "processor"),
    ],
)
def test_what_holds_a_receiver_up(spent: stages.Times, expected: str) -> None:
    assert holds_up({**dict.fromkeys(RECEIVERS, NOTHING), **spent}, 1.0) == expected


def test_it_looks_back_a_second_and_keeps_its_word_meanwhile() -> None:
    now = 0.0
    stats = Stats(SENDERS, lambda: now)
    assert stats.slow() == ""
    stats.add(stages.SENDING, 0.1, 0.9)
    now = 1.0
    assert stats.slow() == "network"
    now = 5.0  # a slow pack: nothing new is known
    assert stats.slow() == "network"
    stats.add(stages.SENDING, 0.1)
    stats.add(stages.NEXT_PACK, waiting=3.0)
    stats.add(stages.READING, 3.0)
    now = 9.0
    assert stats.slow() == "disk"
