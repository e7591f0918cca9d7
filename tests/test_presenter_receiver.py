"""What the receiving window decides: waiting, news at the door, the key, the list, the end."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from countersign.base import errors
from countersign.seal.keytext import new_key
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.trust.fingerprint import DeviceId
from countersign.trust.peers import PeerStore
from countersign.ui.presenters.screens import Big, Choice, Field
from tests.paper_window import LISTENING, OFFER, Stage, done, proposal
from tests.transfers import Couple


def test_the_receiver_shows_code_and_addresses(couple: Couple) -> None:
    window = Stage(couple, "receiver").hear(LISTENING)
    assert window.now.heading == "Ready to receive"
    assert "4711" in window.text()
    assert "192.168.1.5\n" in window.text()
    assert "alice" in window.text()


def test_news_at_the_door_are_shown_in_place(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING, st.StrangerRefused())
    assert "unknown" in window.text()
    stage.hear(st.CodeWrong(2, "alice"))
    assert "2 tries left" in window.text()
    assert window.now.id == "listening"


def test_a_locked_peer_can_be_allowed_again(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    device = couple.bob.device
    for _n in range(9):
        device.guesses.begin_try(couple.peer_alice().id, device.now())
    window = stage.hear(LISTENING, st.PeerLocked("alice"))
    window.press("Allow alice")
    assert not device.guesses.locked(couple.peer_alice().id, device.now())


def test_the_receivers_way_to_the_end(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING, OFFER, st.NeedKey(5))
    assert "alice wants to send you something" in window.text()
    [field] = [block for block in window.now.blocks if isinstance(block, Field)]
    assert field.changed is not None
    key = new_key()
    assert field.changed(key).ready
    window.typed["key"] = key
    window.press("Look at the list")
    assert stage.said("key") == key
    stage.hear(st.KeyChecking(), st.KeyWrong(4), st.NeedKey(4))
    assert "4 tries left" in window.text()
    stage.hear(st.NeedDecision(proposal(couple)))
    assert "album/" in window.text()
    assert "\u202e" not in window.text()
    assert "reserved" in window.text()
    assert "there already" in window.text()
    window.press("Accept")
    assert stage.said("decision") == Decision(True)
    stage.hear(st.Progress(50, 100, 1, 3, 25.0, 2.0))
    assert window.titles[-1] == "50%"
    assert "2 s left" in window.text()
    stage.hear(done(couple.into, renamed=(("a", "a (2)"),), kept=("b",)))
    assert "a (2)" in window.text()
    assert "not a file" in window.text()
    window.press("Open folder")
    assert window.revealed == [couple.into]
    stage.ended()
    window.press("Receive another")
    assert len(stage.sessions) == 2


def test_declining_at_the_key_and_at_the_list(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    stage.hear(LISTENING, OFFER, st.NeedKey(5)).press("Decline")
    assert stage.said("decision") == Decision(False)
    stage.hear(st.NeedDecision(proposal(couple))).press("Decline")
    assert stage.said("decision") == Decision(False)


def test_accepting_is_not_possible_without_room(couple: Couple) -> None:
    window = Stage(couple, "receiver").hear(LISTENING, OFFER, st.NeedDecision(proposal(couple, free=10)))
    assert "not enough room" in window.text()
    with pytest.raises(AssertionError):
        window.press("Accept")


def test_another_port_is_offered(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(st.Failed(errors.PortTaken(port=12346, owner="x", free=4000)))
    stage.ended()
    assert "12346" in window.text()
    window.press("Use port 4000")
    assert len(stage.sessions) == 2


def test_another_folder_restarts_the_reception(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING)
    window.folder = tmp_path / "elsewhere"
    window.press("Choose another folder")
    assert stage.session.controls.cancelled
    stage.hear(st.Failed(errors.Cancelled()))
    stage.ended()
    assert len(stage.sessions) == 2
    assert "elsewhere" in stage.hear(LISTENING).text()


def test_one_of_several_addresses_is_shown_large(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(st.Listening(("192.168.1.5", "10.0.0.1"), 12346, "4711", "ABCD", ("wlan0", "tun0")))
    [choice] = [block for block in window.now.blocks if isinstance(block, Choice)]
    assert choice.options == ("192.168.1.5  (Wi-Fi, wlan0)", "10.0.0.1  (private network, tun0)")
    choice.changed(1)
    assert "10.0.0.1" in [block.text for block in window.now.blocks if isinstance(block, Big)]


# --- what comes while somebody offers something -----------------------------------------------------------------------


def key_asked(couple: Couple) -> Stage:
    stage = Stage(couple, "receiver")
    stage.hear(LISTENING, st.Connected("alice"), OFFER, st.NeedKey(5))
    return stage


NEWS = [
    st.CodeWrong(2, "carol", by_them=True),
    st.PeerLocked("carol"),
    st.StrangerRefused(7),
    st.Note("A note."),
    st.Listening(("10.0.0.1",), 12346, "0815", "ABCD"),
]


@pytest.mark.parametrize("news", NEWS, ids=lambda news: type(news).__name__)
def test_news_at_the_door_do_not_take_the_key_away(couple: Couple, news: st.Status) -> None:
    """Another peer that guesses at the code, and burns it, must not disturb the one that was let in."""
    stage = key_asked(couple)
    stage.hear(news)
    assert stage.window.now.id == "key"
    stage.hear(st.KeyWrong(4), st.NeedKey(4))
    assert "4 tries left" in stage.window.text()
    assert not stage.presenter.free


def test_a_second_offer_in_the_same_reception_is_no_end(couple: Couple) -> None:
    """Somebody who proved the code in the moment in which the one before had ended is served at once."""
    stage = Stage(couple, "receiver")
    stage.hear(LISTENING, OFFER, st.Failed(errors.PeerCancelled()), OFFER, st.NeedKey(5))
    assert not stage.presenter.free
    stage.hear(st.Progress(1, 2, 0, 1, 1.0, 1.0))
    stage.window.holds = True
    stage.running.cancel()
    assert stage.window.pending is not None


def test_news_at_the_door_do_not_take_the_end_away(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    stage.hear(LISTENING, OFFER, done(couple.into), st.StrangerRefused(2))
    assert stage.window.now.id == "done"


def test_a_locked_peer_can_be_allowed_after_a_transfer(couple: Couple) -> None:
    stage = key_asked(couple)
    stage.hear(st.PeerLocked("alice"), st.Failed(errors.DeclinedHere()))
    stage.ended().press("Receive again")
    stage.hear(LISTENING).press("Allow alice")


def test_allowing_counts_for_the_person_and_not_for_one_certificate(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(couple, "receiver")
    device = couple.bob.device
    alice = couple.peer_alice()
    person = DeviceId(bytes(32))
    renewed = dataclasses.replace(alice, person=person)
    for _n in range(9):
        device.guesses.begin_try(person, device.now())
    monkeypatch.setattr(PeerStore, "by_name", lambda _store, _name: renewed)
    stage.hear(LISTENING, st.PeerLocked("alice")).press("Allow alice")
    assert not device.guesses.locked(person, device.now())


def test_a_folder_that_is_chosen_too_late_changes_nothing(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING)
    window.folder, window.holds = tmp_path / "elsewhere", True
    window.press("Choose another folder")
    stage.hear(st.Connected("alice"), OFFER, st.NeedKey(5))
    window.answer()
    assert not stage.session.controls.cancelled
    assert window.now.id == "key"
    assert stage.preferences.read().into == ""


def test_screens_beside_do_not_come_over_an_offer(couple: Couple, tmp_path: Path) -> None:
    """A dialog that was open, and a check that was under way, answer while the person types the key."""
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING)
    window.file, window.holds = tmp_path / "mine.pem", True
    window.choose("Save my certificate")
    stage.hear(st.Connected("alice"), OFFER, st.NeedKey(5))
    window.answer()
    assert window.file.read_bytes() == couple.bob.device.identity.pem, "what was asked for is done"
    assert window.now.id == "key"


def test_another_reception_waits_until_the_port_is_free(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING, OFFER, done(couple.into))
    window.press("Receive another")
    assert len(stage.sessions) == 1
    assert window.now.id == "done", "no dead code is shown"
    stage.ended()
    assert len(stage.sessions) == 2


def test_an_old_slip_is_not_told_of_another_offer(couple: Couple) -> None:
    stage = key_asked(couple)
    stage.hear(st.KeyWrong(0), st.Failed(errors.KeyRefused()))
    stage.ended().press("Receive again")
    stage.hear(LISTENING, OFFER, st.NeedKey(5))
    assert "wrong" not in stage.window.text()
