"""Screens beside a transfer: people, history and receipts, interrupted transfers."""

from __future__ import annotations

from pathlib import Path

from countersign.places.home import Home
from countersign.profile import open_profile
from countersign.session import status as st
from countersign.ui.presenters.screens import Rows
from tests.paper_window import LISTENING, OFFER, Stage
from tests.transfers import Couple, Exchange, fill, interrupt


def test_the_first_time_leads_to_the_people(tmp_path: Path, couple: Couple) -> None:
    alone = Couple(tmp_path, couple.alice, open_profile(Home(tmp_path / "alone")))
    stage = Stage(alone, "receiver")
    window = stage.window
    assert window.now.id == "first"
    assert not stage.sessions
    assert alone.bob.device.identity.fingerprint in window.text()
    window.file = tmp_path / "mine.pem"
    window.press("Save my certificate")
    assert window.file.read_bytes() == alone.bob.device.identity.pem
    window.press("Next")
    window.press("Choose their file")
    assert "your own" in window.text()
    window.file.write_bytes(couple.alice.device.identity.pem)
    window.press("Choose their file")
    assert window.now.id == "compare"
    assert couple.alice.device.identity.fingerprint in window.text()
    window.typed["name"] = "a/b"
    window.press("It is the same")
    assert "cannot be used" in window.text()
    window.typed["name"] = "Ada"
    window.press("It is the same")
    assert [peer.name for peer in alone.bob.device.peers.all()] == ["Ada"]
    assert len(stage.sessions) == 1


def test_people_are_renamed_and_forgotten(couple: Couple) -> None:
    stage = Stage(couple, "sender")
    window = stage.window
    stage.presenter.show_people()
    [rows] = [block for block in window.now.blocks if isinstance(block, Rows)]
    assert rows.chosen is not None
    rows.chosen(0)
    window.press("Rename")
    window.typed["name"] = "Robert"
    window.press("Rename")
    assert [peer.name for peer in couple.alice.device.peers.all()] == ["Robert"]
    rows.chosen(0)
    window.yes = False
    window.press("Forget")
    assert couple.alice.device.peers.all()
    window.yes = True
    window.press("Forget")
    assert not couple.alice.device.peers.all()
    assert window.now.id == "first"


def test_a_certificate_copied_by_hand_is_offered(tmp_path: Path, couple: Couple) -> None:
    alone = Couple(tmp_path, couple.alice, open_profile(Home(tmp_path / "alone")))
    (alone.bob.home.certs / "ada.pem").write_bytes(couple.alice.device.identity.pem)
    stage = Stage(alone, "receiver")
    stage.window.press("Next")
    stage.window.press("Look at it")
    stage.window.typed["name"] = "ada"
    stage.window.press("It is the same")
    assert not (alone.bob.home.certs / "ada.pem").exists()
    assert [peer.name for peer in alone.bob.device.peers.all()] == ["ada"]


def exchanged(couple: Couple) -> Couple:
    """A couple with a receipt on both sides."""
    fill(couple.folder, large=1000, small=3)
    assert Exchange(couple).run().codes == ("done", "done")
    return couple


def test_history_lists_searches_and_checks_again(couple: Couple) -> None:
    stage = Stage(exchanged(couple), "receiver")
    window = stage.hear(LISTENING)
    window.choose("History")
    assert "received “SEND_FOLDER”" in window.text()
    assert "alice" in window.text()
    assert window.type("search", "nobody").text == "0 transfers"
    assert window.rows.count == 0
    assert window.type("search", "ALICE").text == "1 transfer"
    assert window.rows.chosen is not None
    window.rows.chosen(0)
    window.press("Look at the receipt")
    assert "received by this computer" in window.text()
    assert "a/b/c/000.txt" in window.text()
    window.folder = couple.into
    window.press("Compare with a folder")
    assert "unchanged" in window.text()
    (couple.into / "large.bin").write_bytes(b"other")
    window.press("Compare with a folder")
    assert "large.bin: has another size" in window.text()
    window.press("Back")
    assert window.now.id == "history"
    window.press("Back")
    assert window.now.id == "listening"


def test_people_show_their_last_transfer(couple: Couple) -> None:
    stage = Stage(exchanged(couple), "sender")
    stage.window.choose("People you trust")
    [row] = [stage.window.rows.row(i) for i in range(stage.window.rows.count)]
    assert row[0] == "bob"
    assert row[2] != "never"


def test_a_receipt_that_is_none_is_a_sentence(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "sender")
    stage.window.file = tmp_path / "x.receipt"
    stage.window.choose("Check a receipt")
    assert "No such file" in stage.window.text()
    stage.window.file.write_text("no receipt\n")
    stage.presenter.home()
    stage.window.choose("Check a receipt")
    assert "not a receipt" in stage.window.text()
    stage.window.press("Back")


def test_interrupted_transfers_are_listed_and_discarded(couple: Couple) -> None:
    fill(couple.folder, large=80_000_000)
    interrupt(couple, 5_000_000)
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING)
    assert "1 transfer was interrupted." in window.text()
    window.press("Look …")
    assert "SEND_FOLDER" in window.text()
    assert window.rows.chosen is not None
    window.rows.chosen(0)
    window.yes = False
    window.press("Discard")
    assert window.rows.count == 1
    window.yes = True
    window.press("Discard")
    assert "Nothing was interrupted" in window.text()
    window.press("Back")
    assert window.now.id == "listening"


def test_a_check_that_ends_late_does_not_come_over_an_offer(couple: Couple) -> None:
    stage = Stage(exchanged(couple), "receiver")
    window = stage.hear(LISTENING)
    window.choose("History")
    assert window.rows.chosen is not None
    window.rows.chosen(0)
    stage.holds = True
    window.press("Look at the receipt")
    assert "Checking" in window.text()
    stage.hear(OFFER, st.NeedKey(5))
    stage.finish()
    assert window.now.id == "key"


def test_a_question_about_a_person_is_answered_late(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING)
    stage.presenter.show_people()
    assert window.rows.chosen is not None
    window.rows.chosen(0)
    window.holds = True
    window.press("Forget")
    stage.hear(OFFER, st.NeedKey(5))
    window.answer()
    assert not couple.bob.device.peers.all()
    assert window.now.id == "key"
