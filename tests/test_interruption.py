"""Cancelling at every step, lost connections, resuming: how both sides end, and that only the rest is sent again."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from countersign.base import limits
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.source.selection import Selection
from countersign.target import intake
from countersign.target.journal import list_interrupted
from countersign.transfer import connections, receiving
from countersign.transport.addresses import Address
from tests.proxy import Proxy
from tests.transfers import Couple, Exchange, Heard, fill, snapshot
from tests.waiting import wait_until

LARGE = 60_000_000


@pytest.fixture(autouse=True)
def _every_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten reports a second are too few to stop a transfer half-way on loopback."""
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(intake, "_ACK_SECONDS", 0.0)


@pytest.mark.parametrize("who", ["sender", "receiver"])
@pytest.mark.parametrize("at", [st.KeyShown, st.NeedKey, st.NeedDecision])
def test_cancelled_before_the_data(couple: Couple, who: str, at: type[st.Status]) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, accept=None, keys=["?"] if at is not st.NeedDecision else None)
    exchange.start()
    heard = exchange.sender if at is st.KeyShown else exchange.receiver
    heard.wait(at)
    (exchange.session if who == "sender" else exchange.reception).controls.cancel()
    exchange.join()
    expected = {"sender": ("cancelled", "peer_cancelled"), "receiver": ("peer_cancelled", "cancelled")}
    assert exchange.codes == expected[who]
    assert couple.visible() == []
    assert not list_interrupted(couple.bob.device.transfers)


def test_cancelled_while_the_code_is_asked(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, codes=["not yet"])
    exchange.sender.on_status = lambda _status: None
    exchange.start()
    exchange.sender.wait(st.NeedCode)
    exchange.session.controls.cancel()
    exchange.join(receiver=False)
    assert exchange.sender.code() == "cancelled"
    wrong = exchange.receiver.wait(st.CodeWrong)  # N7: leaving half-way counts as a try
    assert wrong.tries_left == 2
    exchange.stop_receiver()
    assert exchange.receiver.code() == "cancelled"


@pytest.mark.parametrize("who", ["sender", "receiver"])
def test_cancelled_during_the_data_and_resumed(couple: Couple, who: str) -> None:
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    _cancel_at(exchange, who, LARGE // 4)
    exchange.run()
    expected = {
        "sender": ("cancelled_midway", "peer_cancelled_midway"),
        "receiver": ("peer_cancelled_midway", "cancelled_midway"),
    }
    assert exchange.codes == expected[who]
    assert couple.visible() == []
    [left] = list_interrupted(couple.bob.device.transfers)
    assert 0 < left.bytes_there < LARGE * 1.1
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    assert not list_interrupted(couple.bob.device.transfers)
    end = again.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.95


def _cancel_at(exchange: Exchange, who: str, size: int) -> None:
    heard = exchange.sender if who == "sender" else exchange.receiver
    session = exchange.session if who == "sender" else exchange.reception
    before = heard.on_status

    def on_status(status: st.Status) -> None:
        if isinstance(status, st.Progress) and status.bytes_done > size:
            session.controls.cancel()
        before(status)

    heard.on_status = on_status


@pytest.fixture
def quick_return(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_PAUSES", (0.05,))
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 20.0)
    monkeypatch.setattr(receiving, "_THANKS_SECONDS", 1.0)


@pytest.mark.once
@pytest.mark.parametrize("cut_after", [1_000_000, 20_000_000, 45_000_000])
def test_f3_a_lost_connection_comes_back_by_itself(couple: Couple, quick_return: None, cut_after: int) -> None:
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    with Proxy(exchange.port, cut_after=[cut_after]) as proxy:
        exchange.session = couple.alice.sending(
            Selection((couple.folder,)), proxy.address, None, exchange.sender.report
        )
        exchange.run()
    assert exchange.codes == ("done", "done")
    assert exchange.sender.all(st.Reconnecting)
    assert len(exchange.sender.all(st.KeyShown)) == 1
    assert len(exchange.receiver.all(st.NeedKey)) == 1
    assert snapshot(couple.into) == snapshot(couple.folder)
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 1.4


@pytest.mark.once
def test_f3_many_cuts_in_one_transfer(couple: Couple, quick_return: None) -> None:
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    with Proxy(exchange.port, cut_after=[12_000_000] * 4) as proxy:
        exchange.session = couple.alice.sending(
            Selection((couple.folder,)), proxy.address, None, exchange.sender.report
        )
        exchange.run()
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_f3_gone_for_good_is_resumable(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_PAUSES", (0.05,))
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 0.5)
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    with Proxy(exchange.port, cut_after=[30_000_000], then_refuse=True) as proxy:
        exchange.session = couple.alice.sending(
            Selection((couple.folder,)), proxy.address, None, exchange.sender.report
        )
        exchange.run()
    assert exchange.codes == ("interrupted", "interrupted")
    assert couple.visible() == []
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    end = again.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.8
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_a_folder_of_which_one_file_changed_still_resumes(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    first = couple.folder / "a" / "b" / "c" / "000.txt"
    exchange = Exchange(couple)
    _cancel_at(exchange, "receiver", LARGE // 2)
    exchange.run()
    assert exchange.receiver.code() == "cancelled_midway"
    first.write_text("changed since")
    (couple.folder / "new.txt").write_text("new")
    (couple.folder / "empty").unlink()
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    end = again.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.75


def test_what_lies_in_staging_counts_only_if_its_hash_is_right(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    _cancel_at(exchange, "receiver", LARGE // 2)
    exchange.run()
    assert exchange.receiver.code() == "cancelled_midway"
    [left] = list_interrupted(couple.bob.device.transfers)
    for path in left.about.staging_path.rglob("*"):
        if path.is_file() and path.stat().st_size:
            with open(path, "r+b") as file:
                byte = file.read(1)
                file.seek(0)
                file.write(bytes([byte[0] ^ 1]))
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


@pytest.mark.once
@pytest.mark.parametrize("name", ["about.json", "manifest", "log"])
def test_a_damaged_journal_is_never_fatal(couple: Couple, name: str) -> None:
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    _cancel_at(exchange, "receiver", LARGE // 2)
    exchange.run()
    assert exchange.receiver.code() == "cancelled_midway"
    [journal] = list(couple.bob.device.transfers.iterdir())
    data = (journal / name).read_bytes()
    (journal / name).write_bytes(data[: len(data) // 2] + b"\xff" * 20)
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_f4_files_that_change_while_they_are_read(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    late = couple.folder / "run.sh"
    gone = couple.folder / "zzz"
    gone.write_text("here when it was listed")
    exchange = Exchange(couple, accept=None)
    exchange.start()
    exchange.receiver.wait(st.NeedDecision)
    late.write_text("#!/bin/sh\necho changed\n")
    gone.unlink()
    exchange.reception.answers.decision.give(Decision(True))
    exchange.join()
    assert exchange.codes == ("done", "done")
    for heard in (exchange.sender, exchange.receiver):
        end = heard.end()
        assert isinstance(end, st.Done)
        assert {path for path, _reason in end.skipped} == {"run.sh", "zzz"}
    assert not (couple.into / "run.sh").exists()
    assert (couple.into / "large.bin").read_bytes() == (couple.folder / "large.bin").read_bytes()


def test_f5_a_name_that_appears_during_the_transfer(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    before = exchange.receiver.on_status
    made = threading.Event()

    def on_status(status: st.Status) -> None:
        if isinstance(status, st.Progress) and not made.is_set():
            made.set()
            (couple.into / "large.bin").write_text("mine")
        before(status)

    exchange.receiver.on_status = on_status
    exchange.run()
    assert exchange.codes == ("done", "done")
    assert (couple.into / "large.bin").read_text() == "mine"
    assert (couple.into / "large (2).bin").read_bytes() == (couple.folder / "large.bin").read_bytes()


@pytest.mark.parametrize("right", [True, False])
def test_two_senders_at_once(couple: Couple, right: bool) -> None:
    """F8: the second is told that the receiver is busy, and not whether its code was right: nobody guesses meanwhile."""
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    heard = Heard()
    second = couple.alice.sending(Selection((couple.folder,)), Address("127.0.0.1", exchange.port), None, heard.report)
    thread = threading.Thread(target=second.run, daemon=True)
    thread.start()
    wait_until(lambda: bool(heard.all(st.NeedCode)) or bool(heard.all(st.Failed)), 20, "the second sender")
    if heard.all(st.NeedCode):
        code = exchange.receiver.all(st.Listening)[-1].code
        second.answers.code.give(code if right else f"{(int(code) + 1) % 10000:04d}")
    thread.join(20)
    assert heard.code() == "busy"
    assert not exchange.receiver.all(st.CodeWrong)
    exchange.reception.answers.decision.give(Decision(True))
    exchange.join()
    assert exchange.codes == ("done", "done")
    assert os.listdir(couple.into)


def test_answers_that_were_given_before_anybody_came_do_not_count(couple: Couple) -> None:
    """Left from a session before: the key would be a wrong one, and the no would decline what nobody has seen."""
    fill(couple.folder, large=1000)
    exchange = Exchange(couple)
    answers, answer = exchange.reception.answers, exchange.receiver.on_status
    found: list[object] = []

    def look_and_answer(status: st.Status) -> None:
        if isinstance(status, st.NeedKey):
            found.append(answers.key.look())
        answer(status)

    exchange.receiver.on_status = look_and_answer
    answers.key.give("nothing that could be a key")
    answers.decision.give(Decision(False))
    exchange.run()
    assert exchange.codes == ("done", "done")
    assert found == [None]


def test_f1_cut_off_while_the_journal_of_a_finished_transfer_is_removed(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It once stayed listed as interrupted, but nothing could be resumed from it."""
    fill(couple.folder, large=1000)
    removed: list[str] = []
    unlink = Path.unlink

    def cut_off(self: Path, missing_ok: bool = False) -> None:
        if self.parent.parent.name == "transfers":
            removed.append(self.name)
            if len(removed) == 1:
                unlink(self, missing_ok)
            raise OSError(5, "the end")
        unlink(self, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", cut_off)
        assert Exchange(couple).run().codes == ("done", "done")
    assert not list_interrupted(couple.bob.device.transfers)
