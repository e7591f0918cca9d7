"""Whole transfers in one process over real TLS: what arrives, and how both sides end when something is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from countersign.base import errors, limits
from countersign.receipts.checking import check_receipt
from countersign.seal.keytext import new_key
from countersign.session import status as st
from countersign.session.channel import Channel
from countersign.session.proposal import Decision
from countersign.wire import messages as m
from countersign.wire.frames import encode_frame
from tests.transfers import Couple, Exchange, fill, snapshot


def test_everything_arrives_as_it_was(couple: Couple) -> None:
    fill(couple.folder)
    before = snapshot(couple.folder)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == before == snapshot(couple.folder)


def test_both_sides_keep_the_same_signed_receipt(couple: Couple) -> None:
    fill(couple.folder)
    exchange = Exchange(couple).run()
    ends = [heard.end() for heard in (exchange.sender, exchange.receiver)]
    assert isinstance(ends[0], st.Done)
    assert isinstance(ends[1], st.Done)
    assert ends[0].receipt is not None
    assert ends[1].receipt is not None
    assert ends[0].receipt.read_bytes() == ends[1].receipt.read_bytes()
    checked = check_receipt(ends[0].receipt, couple.into)
    assert checked.receiver == couple.bob.device.identity.id
    assert not checked.differing
    assert checked.files == ends[0].files


def test_nothing_is_left_behind(couple: Couple) -> None:
    fill(couple.folder)
    Exchange(couple).run()
    assert not list(couple.bob.device.transfers.iterdir())
    assert not list((couple.bob.device.state / "staging").iterdir())
    assert not [name for name in os.listdir(couple.into.parent) if name.startswith(".")]


def test_progress_ends_at_the_total_on_both_sides(couple: Couple) -> None:
    fill(couple.folder)
    exchange = Exchange(couple).run()
    for heard in (exchange.sender, exchange.receiver):
        last = heard.all(st.Progress)[-1]
        assert last.bytes_done == last.bytes_total > 0
        assert last.files_done == last.files_total


def test_a_folder_of_folders_only(couple: Couple) -> None:
    (couple.folder / "a" / "b").mkdir(parents=True)
    assert Exchange(couple).run().codes == ("done", "done")
    assert (couple.into / "a" / "b").is_dir()


def test_empty_files_only(couple: Couple) -> None:
    for name in ("x", "y"):
        (couple.folder / name).write_bytes(b"")
    assert Exchange(couple).run().codes == ("done", "done")
    assert couple.visible() == ["x", "y"]


@pytest.mark.parametrize(
    "size", [limits.PACK_BYTES - 1, limits.PACK_BYTES, limits.PACK_BYTES + 1, 3 * limits.PACK_BYTES]
)
def test_sizes_around_the_boundary_of_a_pack(couple: Couple, size: int) -> None:
    (couple.folder / "file").write_bytes(os.urandom(size))
    (couple.folder / "next").write_bytes(b"x")
    assert Exchange(couple).run().codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_more_files_than_a_pack_takes(couple: Couple) -> None:
    for number in range(limits.PACK_PIECES + 3):
        (couple.folder / f"{number:05d}").write_bytes(b"x" * (number % 3))
    assert Exchange(couple).run().codes == ("done", "done")
    assert len(couple.visible()) == limits.PACK_PIECES + 3


def test_wrong_code_then_the_right_one(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REFUSAL_SECONDS", 0.01)
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, codes=["wrong", "wrong"]).run()
    assert exchange.codes == ("done", "done")
    assert [wrong.tries_left for wrong in exchange.sender.all(st.CodeWrong)] == [2, 1]


def test_three_wrong_codes_burn_the_code(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REFUSAL_SECONDS", 0.01)
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, codes=["wrong"] * 3).start().join(receiver=False)
    assert exchange.sender.code() == "code_refused"
    shown = exchange.receiver.wait(st.Listening, 2)
    assert [wrong.tries_left for wrong in exchange.receiver.all(st.CodeWrong)] == [2, 1, 0]
    exchange.stop_receiver()
    assert len(shown.code) == 4
    assert couple.visible() == []


def test_wrong_key_then_the_right_one(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, keys=[new_key(), "nonsense", new_key()]).run()
    assert exchange.codes == ("done", "done")
    wrong = [(status.tries_left, status.slip) for status in exchange.receiver.all(st.KeyWrong)]
    assert wrong == [(4, False), (4, True), (3, False)]
    assert [status.tries_left for status in exchange.sender.all(st.KeyWrong)] == [4, 3]


def test_five_wrong_keys(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, keys=[new_key() for _n in range(5)]).run()
    assert exchange.codes == ("key_refused", "key_refused")
    assert couple.visible() == []


def test_d4_declining_writes_nothing(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    before = _all_files(couple.bob.home.root)
    exchange = Exchange(couple, accept=False).run()
    assert exchange.codes == ("declined", "declined_here")
    assert not couple.into.exists()
    assert not couple.into.parent.exists()
    written = {path for path in _all_files(couple.bob.home.root) - before if "guesses" not in path.name}
    assert not written


def _all_files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


def test_nothing_to_send(couple: Couple) -> None:
    exchange = Exchange(couple).start().join(receiver=False)
    assert exchange.sender.code() == "folder_empty"
    exchange.stop_receiver()


def test_no_such_folder(couple: Couple) -> None:
    exchange = Exchange(couple, folder=couple.root / "missing").start().join(receiver=False)
    assert exchange.sender.code() == "folder_missing"
    exchange.stop_receiver()


def test_a_folder_that_can_not_be_received_into(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    (couple.root / "file").write_text("in the way")
    with pytest.raises(errors.DiskProblem):  # before anybody has typed a code in vain
        couple.bob.reception(couple.root / "file" / "received_folder", None, 0, print)


def test_a_folder_that_goes_away_before_it_is_received_into(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, into=couple.root / "file" / "received_folder", accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    (couple.root / "file").write_text("in the way")
    exchange.reception.answers.decision.give(Decision(True))
    exchange.join()
    assert exchange.codes == ("peer_disk", "disk")


def test_the_receiver_can_go_on_listening(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, keep_listening=True).start().join(receiver=False)
    assert exchange.sender.code() == "done"
    second = exchange.receiver.wait(st.Listening, 2)
    assert second.code != "" and second.port == exchange.port
    exchange.stop_receiver()


def test_keepers_of_the_repository_are_nobodys_files(couple: Couple) -> None:
    (couple.folder / ".gitkeep").write_bytes(b"")
    (couple.folder / "a").write_bytes(b"x")
    Exchange(couple).run()
    assert couple.visible() == ["a"]


def test_the_same_again_beside_something_else_does_not_pile_up(couple: Couple) -> None:
    couple.folder.mkdir(exist_ok=True)
    (couple.folder / "letter.txt").write_text("from alice")
    couple.into.mkdir(parents=True)
    (couple.into / "letter.txt").write_text("from bob")
    for _time in range(3):
        exchange = Exchange(couple).run()
        assert exchange.codes == ("done", "done")
        end = exchange.receiver.end()
        assert isinstance(end, st.Done)
        assert end.renamed == (("letter.txt", "letter (2).txt"),)
    assert sorted(path.name for path in couple.into.iterdir()) == ["letter (2).txt", "letter.txt"]
    assert (couple.into / "letter.txt").read_text() == "from bob"


def test_s3_an_offer_says_nothing_outside_the_seal(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a thief of the receiver's key could read the folder's name and counts."""
    fill(couple.folder, large=1000)
    before = Channel.send
    said: list[m.Message] = []

    def listening(self: Channel, message: m.Message) -> None:
        said.append(message)
        before(self, message)

    monkeypatch.setattr(Channel, "send", listening)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    assert exchange.receiver.all(st.OfferOpened)[0].name == "SEND_FOLDER"
    wire = b"".join(bytes(part) for message in said for part in encode_frame(message))
    assert b"SEND_FOLDER" not in wire
    [offer] = [message for message in said if isinstance(message, m.Offer)]
    assert set(offer.__struct_fields__) == {"transfer_id", "salt"}
    kinds = [m.kind_of(message) for message in said]
    opened = kinds.index(m.Kind.KEY_ACCEPTED)
    assert kinds[:opened].count(m.Kind.MANIFEST) == 1  # the list waits for the key


@pytest.mark.parametrize("slip", ["12é4", "123", "", "12345", "一二三四", "-123", "not yet"])
def test_a_code_that_is_none_is_asked_for_again(couple: Couple, slip: str) -> None:
    """It once ended the session's thread, and nothing was reported."""
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, codes=[slip]).run()
    assert exchange.codes == ("done", "done")
    assert "four digits" in exchange.sender.all(st.Note)[0].text
    assert not exchange.receiver.all(st.CodeWrong)
