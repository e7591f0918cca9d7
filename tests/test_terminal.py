"""What the terminal makes of typed lines, without a process: questions in order, early answers, and the end of the input."""

from __future__ import annotations

import io
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from countersign.base import errors
from countersign.cli.answering import Answering
from countersign.cli.bar import ProgressBar
from countersign.cli.questions import Asked, InputLine, Questions, read_lines
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.seal.keytext import new_key
from countersign.session import status as st
from countersign.session.answers import Answers
from countersign.session.controls import Controls
from countersign.session.proposal import Decision, Proposal


class QuietSession:
    """A session that asks nothing by itself."""

    def __init__(self) -> None:
        self.controls = Controls()
        self.answers = Answers(self.controls)

    def run(self) -> None:
        raise AssertionError("nothing runs here")


class Desk:
    """A person at a terminal whose standard input is a list."""

    def __init__(self, *, interactive: bool = False, **options: object) -> None:
        self.session = QuietSession()
        self.said: list[str] = []
        self.early: list[InputLine] = []  # lines that were there before their question
        self.questions = Questions(interactive, self._post)
        given = Namespace(**{"json": False, **options})
        self.person = Answering(self.session, given, interactive, self.questions, self.said.append)

    def _post(self, line: InputLine) -> None:
        if line.text is not None:  # a test types the end itself
            self.early.append(line)

    def type(self, *lines: str | None) -> None:
        for line in lines:
            while self.early:
                self.person.take(self.early.pop(0))
            self.person.take(InputLine(line))


@contextmanager
def standard_input(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    with os.fdopen(read) as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield


@pytest.fixture(autouse=True)
def nothing_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions begin to read: here standard input has no handle, so the thread ends at once."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())


def need_decision() -> st.NeedDecision:
    manifest = Manifest()
    manifest.add(Entry(EntryKind.FILE, -1, "letter.txt", 5, 0, ""))
    return st.NeedDecision(Proposal("ada", "folder", manifest, Path("x"), 10**9, 0, 0, {}, ()))


def test_lines_answer_questions_in_their_order() -> None:
    desk = Desk()
    key = new_key()
    desk.person.follow(st.NeedCode(3))
    desk.type("12 34")
    assert desk.session.answers.code.take() == "1234"
    desk.person.follow(st.NeedKey(5))
    desk.type(key)
    assert desk.session.answers.key.take() == key
    desk.person.follow(need_decision())
    assert any("letter.txt" in line for line in desk.said)
    desk.type("y")
    assert desk.session.answers.decision.take() == Decision(True)


def test_a_program_may_answer_before_it_is_asked() -> None:
    desk = Desk()
    desk.type("y")
    desk.person.follow(st.OfferSeen("ada"))
    desk.person.follow(st.NeedKey(5))
    key = new_key()
    desk.type(key)
    assert desk.session.answers.key.take() == key
    desk.person.follow(need_decision())
    assert desk.session.answers.decision.take() == Decision(True)


def test_a_person_is_asked_again_where_it_can_not_be_right(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(interactive=True)
    desk.person.follow(st.NeedCode(3))
    desk.type("12")
    desk.person.follow(need_decision())
    desk.type("1234")
    assert desk.session.answers.code.take() == "1234"
    desk.type("maybe", "l", "no")
    assert desk.said.count("Please type y or n.") == 1
    assert desk.session.answers.decision.take() == Decision(False)
    shown = capsys.readouterr().err
    assert shown.count("Code (four digits") == 2
    assert shown.count("Accept?") == 3


@pytest.mark.parametrize(
    ("before", "asked", "expected"),
    [
        ([], st.NeedCode(3), errors.Cancelled),
        ([st.CodeWrong(2, "bob")], st.NeedCode(2), errors.CodeRefused),
        ([], st.NeedKey(5), errors.DeclinedHere),
        ([st.KeyWrong(4)], st.NeedKey(4), errors.KeyRefused),
        ([st.KeyWrong(4, slip=True)], st.NeedKey(4), errors.KeyRefused),
        ([st.KeyWrong(4), st.OfferSeen("ada")], st.NeedKey(5), errors.DeclinedHere),
    ],
)
def test_the_end_of_the_input_remembers_what_was_wrong(
    before: list[st.Status], asked: st.Status, expected: type[errors.Problem]
) -> None:
    desk = Desk()
    for status in (*before, asked):
        desk.person.follow(status)
    desk.type(None)
    ended = st.Failed(errors.Cancelled() if isinstance(asked, st.NeedCode) else errors.DeclinedHere())
    assert type(desk.person.renamed(ended).problem) is expected
    assert desk.session.controls.cancelled == isinstance(asked, st.NeedCode)
    other = st.Failed(errors.PeerCancelled())
    assert desk.person.renamed(other) is other, "what really ended it is not hidden"


def test_a_receiver_that_keeps_listening_only_declines(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(keep_listening=True)
    desk.person.follow(st.KeyWrong(4))
    desk.person.follow(st.NeedKey(4))
    desk.type(None)
    assert desk.session.answers.decision.take() == Decision(False)
    ended = st.Failed(errors.DeclinedHere())
    assert desk.person.renamed(ended) is ended


def test_nothing_is_asked_after_the_end() -> None:
    desk = Desk()
    desk.person.follow(st.NeedCode(3))
    desk.person.follow(st.Failed(errors.PeerCancelled()))
    desk.type("1234")
    assert desk.session.answers.code.take() is None
    assert not desk.questions.are_open


def test_lines_are_read_whole_and_an_endless_one_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    with standard_input(b"one\ntwo", monkeypatch):
        assert list(read_lines()) == ["one", "two"]
    with standard_input(b"x" * 60_000 + b"\nlast\n", monkeypatch):
        assert list(read_lines())[-1] == "last"


def test_reading_begins_with_the_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.waiting import wait_until

    posted: list[InputLine] = []
    questions = Questions(False, posted.append)
    with standard_input(b"1234\n", monkeypatch):
        assert not posted
        questions.ask(Asked.CODE)
        wait_until(lambda: len(posted) == 2, 10, "both lines")
    assert posted == [InputLine("1234"), InputLine(None)]
    assert questions.take(posted[0]) is Asked.CODE


def test_no_bar_is_drawn_where_nobody_looks() -> None:
    bar = ProgressBar()
    bar.show(st.Progress(1, 2, 0, 1, 1.0, 1.0))
    assert not bar.print("line")
    bar.end()
