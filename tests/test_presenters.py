"""What both windows decide alike: stopping, pausing, leaving, menus, problems; and what changed while a question was open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.base import errors, i18n
from countersign.session import status as st
from countersign.ui.presenters.screens import Bar, Field
from tests.paper_window import LISTENING, OFFER, Stage, done, summary
from tests.transfers import Couple


@pytest.mark.parametrize(
    ("problem", "button"),
    [
        (errors.Unreachable(address="x"), "Try again"),
        (errors.TheyDoNotTrustUs(), "People"),
        (errors.CodeRefused(), "Back"),
        (errors.Interrupted(), "Try again"),
        (errors.DiskFull(path="x", reason="y"), "Back"),
    ],
)
def test_every_problem_is_a_sentence_with_a_next_step(couple: Couple, problem: errors.Problem, button: str) -> None:
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    stage.found(summary(couple, 3, 5000)).press("Connect")
    window = stage.hear(st.Failed(problem))
    stage.ended()
    assert problem.message in window.text()
    assert problem.hint in window.text()
    window.press(button)


def test_closing_asks_only_during_a_transfer(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    stage.hear(LISTENING, st.Progress(1, 2, 0, 1, 1.0, 1.0))
    stage.window.yes = False
    stage.presenter.close_asked()
    assert not stage.session.controls.cancelled
    stage.window.yes = True
    stage.presenter.close_asked()
    assert stage.session.controls.cancelled
    stage.ended()
    assert stage.window.closed


def test_a_stop_that_takes_a_moment_is_shown_and_asked_once(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    stage.hear(LISTENING, st.Progress(1, 2, 0, 1, 1.0, 1.0))
    stage.window.yes = True
    stage.running.cancel()
    stopping = stage.window.screens[-1]
    assert Bar(None, "Stopping …") in stopping.blocks
    assert not any(action.enabled for action in stopping.actions)
    stage.window.yes = False  # nobody is asked again, and nothing that still comes in changes the screen
    stage.running.cancel()
    stage.hear(st.Progress(2, 2, 0, 1, 1.0, 1.0), st.Paused(True, True), st.Reconnecting(5.0))
    assert stage.window.screens[-1] == stopping
    stage.presenter.close_asked()
    assert stage.session.controls.cancelled
    stage.ended()
    assert stage.window.closed


def test_closing_a_window_that_does_nothing(couple: Couple) -> None:
    stage = Stage(couple, "sender")
    stage.presenter.close_asked()
    assert stage.window.closed


def test_pausing_from_the_window(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING, st.Progress(1, 4, 0, 1, 1.0, 1.0, "disk"))
    assert "The disk sets the pace." in window.text()
    window.press("Pause")
    assert stage.session.controls.paused
    assert "Paused." in window.text()
    window.press("Go on")
    assert not stage.session.controls.paused
    stage.hear(st.Paused(True, by_them=True))
    assert "The other person has paused." in window.text()
    stage.hear(st.Paused(False, by_them=True))
    assert "25%" in window.titles[-1]


def test_looks_and_language_are_chosen_in_the_menu(couple: Couple) -> None:
    stage = Stage(couple, "sender")
    stage.window.choose("Dark")
    assert stage.window.wanted_looks == "dark"
    stage.window.choose("Deutsch")
    assert stage.window.spoken == "de"
    assert stage.window.now.heading == "Einen Ordner senden"
    i18n.use("en")
    stage.presenter.show_menus()
    kept = stage.preferences.read()
    assert (kept.looks, kept.language) == ("dark", "de")
    marked = [
        item.label for menu in stage.window.shown_menus for item in menu.items if item is not None and item.marked
    ]
    assert marked == ["Dark", "Deutsch"]


def test_nothing_leads_away_from_a_transfer(couple: Couple) -> None:
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    window = stage.found(summary(couple, 3, 5000))
    window.press("Connect")
    stage.hear(st.Connected("bob"), st.NeedCode(3))
    enabled = {item.label for menu in window.shown_menus for item in menu.items if item is not None and item.enabled}
    assert not enabled & {"History", "People you trust", "Choose a folder …", "About Countersign"}
    stage.presenter.show_people()
    stage.presenter.show_history()
    assert window.now.id == "code"


def test_what_was_chosen_last_is_there_again(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "sender", to="192.168.7.7")
    stage.found(summary(couple, 1, 1)).press("Connect")
    stage.hear(st.Connected("bob"))
    again = Stage(couple, "sender", to=None).window
    [field] = [block for block in again.now.blocks if isinstance(block, Field)]
    assert field.value == "192.168.7.7"
    receiver = Stage(couple, "receiver")
    window = receiver.hear(LISTENING)
    window.folder = tmp_path
    window.press("Choose another folder")
    receiver.ended()
    assert Stage(couple, "receiver", into=None).preferences.read().into == str(tmp_path)


def test_help_when_nothing_gets_through(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING)
    window.choose("The other computer cannot reach")
    assert "12346" in window.text()
    window.press("Back")
    assert window.now.id == "listening"
    other = Stage(couple, "sender", to="192.168.1.5")
    other.found(summary(couple, 1, 1)).press("Connect")
    other.hear(st.Failed(errors.Unreachable(address="192.168.1.5")))
    other.ended()
    other.window.press("What to look at")
    assert "192.168.1.5" in other.window.text()
    other.window.press("Try again")
    assert len(other.sessions) == 2


@pytest.mark.window
def test_u1_a_drop_is_always_a_copy(tmp_path: Path) -> None:
    """A source that offers to move was told that its files were moved, and may remove them."""
    from types import SimpleNamespace

    from countersign.ui.views.drops import Drops

    dropped: list[list[Path]] = []
    lit: list[bool] = []
    takers: list[Any] = [dropped.append]
    root = SimpleNamespace(tk=SimpleNamespace(splitlist=str.split))
    drops = Drops(root, lambda: takers[0], lit.append)  # type: ignore[arg-type]
    for action in ("move", "link", "copy", "ask", "private"):
        event = SimpleNamespace(action=action, data=str(tmp_path))
        assert drops._hovers(True) == "copy"
        assert drops.dropped(event) == "copy"
    assert dropped == [[tmp_path]] * 5
    assert lit == [True, False] * 5
    takers[0] = None  # a screen that takes nothing refuses, and does not light up
    assert drops._hovers(True) == drops._answer() == drops.dropped(event) == "refuse_drop"
    assert dropped == [[tmp_path]] * 5


@pytest.mark.window
def test_an_error_of_our_own_loses_nothing_that_follows_it() -> None:
    from types import SimpleNamespace

    from countersign.ui.views.window import AppWindow, OwnError

    taken: list[object] = []
    posted: list[object] = []

    def on_item(item: object) -> None:
        taken.append(item)
        if item == 1:
            raise ValueError(item)

    window = SimpleNamespace(_on_item=on_item, post=posted.append)
    for item in (1, 2):
        AppWindow._take(window, item)  # type: ignore[arg-type]
    assert taken == [1, 2]
    [error] = posted
    assert isinstance(error, OwnError)
    assert isinstance(error.error, ValueError)


# --- what changed while somebody was asked ---------------------------------------------------------------------------


def moving(couple: Couple) -> Stage:
    """A receiver in the middle of a transfer, whose questions stay open until they are answered."""
    stage = Stage(couple, "receiver")
    stage.hear(LISTENING, st.Progress(1, 2, 0, 1, 1.0, 1.0))
    stage.window.holds = True
    return stage


@pytest.mark.parametrize("end", [True, False], ids=["done", "failed"])
def test_a_question_is_taken_back_when_the_transfer_ends(couple: Couple, end: bool) -> None:
    stage = moving(couple)
    session = stage.session
    stage.running.cancel()
    assert stage.window.pending is not None
    assert not session.controls.cancelled
    stage.hear(done(couple.into) if end else st.Failed(errors.PeerCancelledMidway()))
    assert stage.window.pending is None, "nobody is asked about what is over"
    assert stage.window.now.id == ("done" if end else "failed")
    stage.running.cancel()
    assert stage.window.questions == 1
    assert stage.window.now.id == ("done" if end else "failed")


def test_progress_goes_on_behind_a_question(couple: Couple) -> None:
    stage = moving(couple)
    stage.running.cancel()
    stage.hear(st.Progress(2, 2, 0, 1, 1.0, 1.0))
    assert stage.window.titles[-1] == "100%"
    stage.window.answer()
    assert stage.session.controls.cancelled
    assert Bar(None, "Stopping …") in stage.window.now.blocks


def test_a_window_is_not_closed_by_a_question_that_was_taken_back(couple: Couple) -> None:
    stage = moving(couple)
    stage.presenter.close_asked()
    stage.hear(done(couple.into))
    stage.ended()
    assert not stage.window.closed
    stage.presenter.close_asked()
    assert stage.window.closed


def test_yes_to_closing_is_kept_where_the_session_has_ended_meanwhile(couple: Couple) -> None:
    stage = moving(couple)
    stage.presenter.close_asked()
    stage.ended()  # without a word, as after an error of our own
    stage.window.answer()
    assert stage.window.closed


def test_the_end_of_an_old_session_is_no_end_of_a_new_one(couple: Couple) -> None:
    """Its thread may take seconds to end, and somebody tries again at once."""
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    stage.found(summary(couple, 3, 5000)).press("Connect")
    old = stage.session
    stage.hear(st.Failed(errors.Interrupted())).press("Try again")
    assert stage.session is not old
    stage.presenter.ended(old)
    assert stage.presenter.running is not None
    assert not stage.presenter.free
    stage.hear(st.Connected("bob"), st.NeedCode(3))
    assert stage.window.now.id == "code"


def test_an_error_of_our_own_ends_no_session(couple: Couple) -> None:
    stage = moving(couple)
    stage.presenter.on_own_error(errors.OwnBug(file="x"))
    assert stage.window.now.id == "failed"
    stage.hear(st.Progress(1, 2, 0, 1, 1.0, 1.0))
    assert stage.window.now.id == "moving"
    stage.running.cancel()
    assert stage.window.pending is not None, "what moves still asks before it is stopped"


def test_waiting_does_not_change_the_screen_of_a_transfer_that_is_being_stopped(couple: Couple) -> None:
    stage = moving(couple)
    stage.running.cancel()
    stage.window.answer()
    shown = stage.window.now
    stage.hear(st.WaitingFor("disk"))
    assert stage.window.now == shown


@pytest.mark.parametrize("role", ["sender", "receiver"])
def test_notes_of_a_transfer_stand_on_its_last_screen(couple: Couple, role: str) -> None:
    """They came and went with the next progress, or were not shown at all."""
    stage = Stage(couple, role, to="127.0.0.1:9")
    if role == "sender":
        stage.found(summary(couple, 3, 5000)).press("Connect")
    else:
        stage.hear(LISTENING, OFFER)
    stage.hear(st.Note("Bob has a new certificate."), st.Progress(1, 2, 0, 1, 1.0, 1.0))
    assert "new certificate" in stage.hear(done(couple.into)).text()
