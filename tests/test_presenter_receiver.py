"""What the receiving window decides: waiting, news at the door, the key, the list, the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.base import errors
from countersign.seal.keytext import new_key
from countersign.session import status as st
from countersign.session.proposal import Decision
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
