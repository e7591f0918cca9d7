"""Every status reaches every face: mypy sees that all are matched, and here each is really given to each."""

from __future__ import annotations

import io
import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import get_args

import pytest

from countersign.awake import Wakefulness
from countersign.base import errors
from countersign.base.never import assert_never
from countersign.cli.answering import Answering
from countersign.cli.events import event_of
from countersign.cli.questions import Questions
from countersign.cli.terminal import Terminal
from countersign.pack.manifest import Manifest
from countersign.session import status as st
from countersign.session.proposal import Proposal
from countersign.wording import lines_of
from tests.paper_window import LISTENING, OFFER, Stage, summary
from tests.test_terminal import QuietSession
from tests.transfers import Couple

EXAMPLES: tuple[st.Status, ...] = (
    LISTENING,
    st.StrangerRefused(),
    st.Connected("ada"),
    st.NeedCode(3),
    st.CodeWrong(2, "ada"),
    st.PeerLocked("ada"),
    st.Scanning(1, 2),
    st.Ready(1, 2),
    st.KeyShown("AAAA-BBBB-CCCC-DDDD", "Alfa, Alfa"),
    OFFER,
    st.OfferOpened("ada", "folder", 1, 2),
    st.NeedKey(5),
    st.KeyChecking(),
    st.KeyWrong(4),
    st.NeedDecision(Proposal("ada", "folder", Manifest(), Path("x"), 10, 0, 0, {}, ())),
    st.WaitingFor("key"),
    st.Progress(1, 2, 0, 1, 1.0, 1.0),
    st.Paused(True),
    st.Reconnecting(5.0),
    st.Note("A note."),
    st.Done(Path("x"), 1, 2, 3, 1.0, (), None),
    st.StageTimes((st.StageTime("listing", 1.0, 0.0),), 1.0, 0.5),
    st.Failed(errors.PeerCancelled()),
)
WORDLESS = {st.NeedCode, st.Scanning, st.NeedKey, st.KeyChecking, st.NeedDecision, st.Progress, st.Paused}
each = pytest.mark.parametrize("status", EXAMPLES, ids=lambda status: type(status).__name__)


def test_there_is_an_example_of_each() -> None:
    assert [type(status) for status in EXAMPLES] == list(get_args(st.Status))


@each
def test_words_and_events(status: st.Status) -> None:
    assert bool(lines_of(status)) == (type(status) not in WORDLESS)
    event = event_of(status)
    assert (event is None) == isinstance(status, st.KeyChecking)
    json.dumps(event)


@each
@pytest.mark.parametrize("as_json", [False, True], ids=["lines", "json"])
def test_the_terminal(
    status: st.Status, as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    options = Namespace(json=as_json, stats=True)
    terminal = Terminal(options)
    person = Answering(QuietSession(), options, False, Questions(False, lambda _line: None), terminal.say)
    terminal._take(status, person)
    told = capsys.readouterr()
    if as_json:
        assert [json.loads(line) for line in told.out.splitlines()] == [event for event in [event_of(status)] if event]
    else:
        assert bool(told.out + told.err) == (type(status) not in WORDLESS - {st.NeedDecision})
    assert bool(told.err) == (isinstance(status, st.Failed) and not as_json)


@each
@pytest.mark.parametrize("role", ["sender", "receiver"])
def test_the_windows(couple: Couple, role: str, status: st.Status) -> None:
    stage = Stage(couple, role, to="127.0.0.1:9")
    if role == "sender":
        stage.found(summary(couple, 1, 1)).press("Connect")
    stage.hear(status)
    stage.ended()


@each
def test_the_computer_stays_awake_from_an_offer_to_the_end(status: st.Status) -> None:
    awake = Wakefulness()
    awake.follow(status)
    assert awake.awake == isinstance(status, (st.OfferSeen, st.KeyShown, st.Progress))
    awake.follow(LISTENING)
    assert not awake.awake


def test_a_value_that_nobody_handles_is_a_bug_of_ours() -> None:
    with pytest.raises(AssertionError, match="nobody handles 'x'"):
        assert_never("x")  # type: ignore[arg-type]
