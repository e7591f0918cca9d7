"""When all packs are there, both sides compare: damaged content is sent again and never published."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from countersign.pack import arrival
from countersign.pack.manifest import Manifest
from countersign.session import status as st
from countersign.session.channel import Channel
from countersign.source import comparing
from countersign.source.hashing import SentHashes
from countersign.source.selection import Selection
from countersign.target import concluding
from countersign.target.journal import list_interrupted
from countersign.transport.link import LinkLostError
from countersign.wire import messages as m
from countersign.wire.messages import Kind
from tests.endings import LARGE, done_once, no_receipt, nothing_left
from tests.losing import is_kind, losing
from tests.test_resume import edit_unseen
from tests.transfers import Couple, Exchange, fill

pytestmark = pytest.mark.usefixtures("quick_dialing")


def damaged(monkeypatch: pytest.MonkeyPatch, couple: Couple, damages: Callable[[int], bool]) -> list[str]:
    """On the receiver's disk a file is other than it was sent, at each telling where `damages` says so."""
    runs = arrival.runs
    tellings: list[str] = []

    def telling(manifest: object, skipped: object, digests: bytearray) -> object:
        number = len(tellings)
        tellings.append("")
        if damages(number):
            index = manifest.names.index("large.bin")  # type: ignore[attr-defined]
            digests[32 * index] ^= 1
        return runs(manifest, skipped, digests)  # type: ignore[arg-type]

    monkeypatch.setattr(concluding, "runs", telling)
    return tellings


def test_f9_a_file_damaged_on_the_receivers_disk_is_sent_again(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=9_000_000)
    tellings = damaged(monkeypatch, couple, lambda number: number == 0)
    exchange = Exchange(couple).run()
    assert len(tellings) == 2
    done_once(couple, exchange)


def test_f9_a_file_damaged_each_time_is_published_never(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=9_000_000)
    with monkeypatch.context() as patch:
        tellings = damaged(patch, couple, lambda _number: True)
        exchange = Exchange(couple).run()
    assert len(tellings) == 2
    assert exchange.codes == ("differs", "differs")
    for heard in (exchange.sender, exchange.receiver):
        end = heard.end()
        assert isinstance(end, st.Failed)
        assert end.problem.exit_code == 8
    assert couple.visible() == []
    no_receipt(couple)
    [left] = list_interrupted(couple.bob.device.transfers)
    assert not list(left.about.staging_path.rglob("large.bin"))
    again = Exchange(couple).run()
    done_once(couple, again)
    end = again.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes > 9_000_000  # large.bin again
    held = sum(path.stat().st_size for path in couple.folder.rglob("*.txt"))
    assert end.bytes > 9_000_000 + held / 2
    assert any(status.bytes_done >= held for status in again.sender.all(st.Progress)[:1])  # and nothing else


def test_f9_a_file_of_which_a_part_is_sent_again_is_resumed_there(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal still called it complete, so the part that had come again was given up."""
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    before = exchange.receiver.on_status

    def on_status(status: st.Status) -> None:
        again = exchange.receiver.all(st.Reconnecting)
        if again and isinstance(status, st.Progress) and status.bytes_done > LARGE // 3:
            exchange.reception.controls.cancel()
        before(status)

    exchange.receiver.on_status = on_status
    with monkeypatch.context() as patch:
        damaged(patch, couple, lambda number: number == 0)
        exchange.run()
    assert exchange.receiver.code() == "cancelled_midway"
    again = Exchange(couple).run()
    done_once(couple, again)
    end = again.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.8


def test_f9_an_edit_and_a_cut_while_it_is_sent_again_are_no_second_difference(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the sender knew of a file that differed said nothing any more of what was there by then."""
    fill(couple.folder, large=LARGE)
    damaged(monkeypatch, couple, lambda number: number == 0)
    begin, send = SentHashes.begin, Channel.send
    connections: list[list[int]] = []
    packs: list[int] = []

    def beginning(self: SentHashes, in_part: Iterable[int]) -> None:
        connections.append(list(in_part))
        if len(connections) == 2:
            edit_unseen(couple.folder / "large.bin")
        begin(self, connections[-1])

    def losing_in_the_second(self: Channel, message: m.Message) -> None:
        if is_kind(message, Kind.PACK) and len(connections) == 2:
            packs.append(len(packs))
            if len(packs) == 8:
                self.lose()
                raise LinkLostError
        send(self, message)

    monkeypatch.setattr(SentHashes, "begin", beginning)
    monkeypatch.setattr(Channel, "send", losing_in_the_second)
    exchange = Exchange(couple).run()
    assert len(connections) == 3
    assert connections[2]  # it was there in part
    done_once(couple, exchange)


def test_what_was_hashed_as_it_was_sent_is_not_read_again(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=5_000_000)
    losing(monkeypatch, Kind.HASHES, 1)
    read_again = SentHashes.read_again
    read: list[list[int]] = []

    def noting(
        self: SentHashes, selection: Selection, manifest: Manifest, those: list[int], stopped: Callable[[], bool]
    ) -> None:
        read.append(those)
        read_again(self, selection, manifest, those, stopped)

    monkeypatch.setattr(SentHashes, "read_again", noting)
    exchange = Exchange(couple).run()
    assert read == [[], []]
    done_once(couple, exchange)


def test_a_hostile_sender_that_finds_everything_different_ends_soon(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other files each time: three rounds at most."""
    for number in range(30):
        (couple.folder / f"{number:02d}").write_text(f"content {number}")
    verdict_on = arrival.verdict_on
    said: list[int] = []

    def hostile(_differing: object, manifest: object) -> object:
        said.append(len(said))
        return verdict_on([said[-1]], manifest)  # type: ignore[arg-type]

    monkeypatch.setattr(comparing, "verdict_on", hostile)
    monkeypatch.setattr(arrival.Arrived, "differing", lambda _self, _digests: [len(said)])
    monkeypatch.setattr(comparing, "_ROUNDS", 1000)
    exchange = Exchange(couple).start()
    exchange.join()
    assert len(said) == 3
    assert exchange.receiver.code() == "differs"
    assert couple.visible() == []
    no_receipt(couple)


def test_a_hostile_sender_that_finds_all_of_it_different(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    monkeypatch.setattr(
        arrival.Arrived,
        "differing",
        lambda self, _d: [i for i in range(len(self._manifest)) if self._manifest.is_file(i)],
    )
    exchange = Exchange(couple).run()
    assert exchange.codes == ("differs", "differs")
    assert couple.visible() == []
    no_receipt(couple)
    nothing_left(couple)


def test_a_hostile_receiver_that_has_something_else_each_time_ends_soon(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        (couple.folder / f"{number:02d}").write_text(f"content {number}")
    runs = arrival.runs
    told: list[int] = []

    def telling(manifest: object, skipped: object, digests: bytearray) -> object:
        other = bytearray(digests)
        other[32 * len(told)] ^= 1
        told.append(len(told))
        return runs(manifest, skipped, other)  # type: ignore[arg-type]

    monkeypatch.setattr(concluding, "runs", telling)
    monkeypatch.setattr(concluding, "_ROUNDS", 1000)
    exchange = Exchange(couple).start().join(receiver=False)
    exchange.stop_receiver()
    assert len(told) == 3
    assert exchange.sender.code() == "differs"
    no_receipt(couple)
