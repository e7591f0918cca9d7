"""When all packs are there: both sides compare, publish once and sign once, whatever is lost, damaged or cancelled at which moment."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from countersign.base import limits
from countersign.base.errors import DiskProblem
from countersign.disk import folders as disk
from countersign.pack import arrival
from countersign.pack.manifest import Manifest
from countersign.pack.reasons import BY_WORD
from countersign.receipts import writing as receipt_writing
from countersign.receipts.checking import check_receipt
from countersign.receipts.writing import Draft
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Stream, StreamWriter
from countersign.session import status as st
from countersign.session.channel import Channel
from countersign.session.proposal import Decision
from countersign.source import comparing
from countersign.source.hashing import SentHashes
from countersign.source.selection import Selection
from countersign.target import concluding, intake, journal, publishing, settling
from countersign.target.journal import list_interrupted
from countersign.target.publishing import Published
from countersign.transfer import connections, receiving
from countersign.transport.link import LinkLostError
from countersign.wire import messages as m
from countersign.wire.messages import Kind
from tests.losing import is_kind, losing
from tests.test_resume import edit_unseen
from tests.transfers import Couple, Exchange, fill, interrupt, snapshot

LARGE = 60_000_000


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(intake, "_ACK_SECONDS", 0.0)
    monkeypatch.setattr(connections, "_PAUSES", (0.05,))
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 20.0)


def counting_publish(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    calls: list[object] = []
    publish = publishing.publish

    def counting(*arguments: object) -> Published:
        calls.append(arguments)
        return publish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(settling, "publish", counting)
    return calls


def done_once(couple: Couple, exchange: Exchange) -> None:
    """Both are done, with one receipt each that both have signed, and nothing is left behind."""
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    for heard, device in ((exchange.sender, couple.alice.device), (exchange.receiver, couple.bob.device)):
        end = heard.end()
        assert isinstance(end, st.Done)
        assert list(device.receipts.iterdir()) == [end.receipt]
        assert end.receipt is not None
        assert check_receipt(end.receipt, couple.into).countersigned
    nothing_left(couple)


def nothing_left(couple: Couple) -> None:
    assert not list_interrupted(couple.bob.device.transfers)
    assert not list((couple.bob.device.state / "staging").iterdir())


def no_receipt(couple: Couple) -> None:
    """Neither a receipt nor a draft of one."""
    for device in (couple.alice.device, couple.bob.device):
        assert not list(device.receipts.iterdir())


# --- lines that are lost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("kind", [Kind.HASHES, Kind.VERDICT, Kind.RECEIPT, Kind.THANKS])
def test_f3_a_line_lost_at_every_word_of_the_end(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, kind: Kind, times: int
) -> None:
    fill(couple.folder, large=5_000_000)
    published = counting_publish(monkeypatch)
    lost = losing(monkeypatch, kind, times)
    exchange = Exchange(couple).run()
    assert len(lost) == times
    assert len(published) == 1
    done_once(couple, exchange)


@pytest.mark.parametrize("kind", [Kind.VERDICT, Kind.RECEIPT])
def test_f3_a_word_that_went_out_and_never_arrived(couple: Couple, monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    fill(couple.folder, large=5_000_000)
    published = counting_publish(monkeypatch)
    assert losing(monkeypatch, kind, 1, sent=True) is not None
    exchange = Exchange(couple).run()
    assert len(published) == 1
    done_once(couple, exchange)


@pytest.mark.parametrize("times", [1, 3])
def test_f9_a_verdict_that_was_never_heard_is_no_round(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """The receiver still held the old content, and the sender took that for content that differs once more."""
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 4)
    edit_unseen(couple.folder / "a" / "b" / "c" / "001.txt")
    lost = losing(monkeypatch, Kind.VERDICT, times, sent=True)
    exchange = Exchange(couple).run()
    assert len(lost) == times
    done_once(couple, exchange)


def test_f9_a_receiver_that_never_hears_a_verdict_is_not_served_for_ever(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 4)
    edit_unseen(couple.folder / "a" / "b" / "c" / "001.txt")
    losing(monkeypatch, Kind.VERDICT, 1000, sent=True)
    exchange = Exchange(couple).start().join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "differs"


def test_f3_time_that_passed_well_is_not_counted_against_the_next_loss(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked for each other for so long since the first loss, however much had gone well in between."""
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 1.0)
    fill(couple.folder, large=1000)
    send = Channel.send
    lost: list[m.Message] = []

    def losing_late(self: Channel, message: m.Message) -> None:
        if is_kind(message, Kind.HASHES) and len(lost) < 2:
            if lost:
                assert not threading.Event().wait(1.2)  # a large folder that is compared
            lost.append(message)
            self.lose()
            raise LinkLostError
        send(self, message)

    monkeypatch.setattr(Channel, "send", losing_late)
    exchange = Exchange(couple).run()
    assert len(lost) == 2
    done_once(couple, exchange)


# --- who holds a receipt is done -------------------------------------------------------------------------------------


def test_a_sender_that_holds_the_receipt_is_done_though_the_line_never_comes_back(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told to send all of it again, with the receiver's signature in its hands."""
    monkeypatch.setattr(receiving, "_THANKS_SECONDS", 0.1)
    monkeypatch.setattr(connections, "_THANKS_SECONDS", 0.6)
    monkeypatch.setattr(connections, "_PAUSES", (0.4,))
    fill(couple.folder, large=1000)
    losing(monkeypatch, Kind.THANKS, 1)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    sent, got = exchange.sender.end(), exchange.receiver.end()
    assert isinstance(sent, st.Done)
    assert isinstance(got, st.Done)
    assert sent.receipt is not None
    assert got.receipt is not None
    assert check_receipt(sent.receipt, couple.into).countersigned
    assert not check_receipt(got.receipt, couple.into).countersigned
    assert sent.files == got.files
    nothing_left(couple)


def test_a_sender_that_holds_the_receipt_can_not_be_cancelled_any_more(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "_THANKS_SECONDS", 0.1)
    monkeypatch.setattr(connections, "_PAUSES", (30.0,))
    fill(couple.folder, large=1000)
    losing(monkeypatch, Kind.THANKS, 1)
    exchange = Exchange(couple).start()
    exchange.sender.wait(st.Reconnecting)
    exchange.session.controls.cancel()
    exchange.join()
    assert exchange.codes == ("done", "done")


# --- receipts on a disk that is full ---------------------------------------------------------------------------------


def test_an_earlier_receipt_stays_until_the_next_is_kept(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    losing(monkeypatch, Kind.THANKS, 1)
    keep = Draft.keep
    full: list[object] = []

    def keeping(self: Draft, stem: str, tail: Iterable[object]) -> Path:
        if self._folder == couple.bob.device.receipts:
            full.append(stem)
            if len(full) == 2:
                self.discard()
                raise DiskProblem(path=self._folder, reason="full")
        return keep(self, stem, tail)  # type: ignore[arg-type]

    monkeypatch.setattr(Draft, "keep", keeping)
    exchange = Exchange(couple).run()
    assert len(full) == 2
    assert exchange.receiver.code() == "done"
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    assert list(couple.bob.device.receipts.iterdir()) == [end.receipt]


def test_an_earlier_receipt_that_cannot_be_removed_is_no_bug(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    losing(monkeypatch, Kind.THANKS, 1)
    unlink = Path.unlink

    def refusing(self: Path, missing_ok: bool = False) -> None:
        if self.suffix == ".receipt":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    for device in (couple.alice.device, couple.bob.device):
        assert {path.suffix for path in device.receipts.iterdir()} == {".receipt"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a limit on the size of files")
def test_a_countersignature_that_the_disk_cuts_short_leaves_the_receipt_good(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a line behind it made a good receipt one that is `not whole`."""
    if sys.platform == "win32":
        pytest.skip("no limit of this kind there")
    import resource

    fill(couple.folder, large=1000)
    add = receipt_writing.add_countersignature

    def on_a_full_disk(receipt: Path, signature: bytes) -> None:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (receipt.stat().st_size + 20, before[1]))
        try:
            add(receipt, signature)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    monkeypatch.setattr(concluding, "add_countersignature", on_a_full_disk)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    [receipt] = list(couple.bob.device.receipts.iterdir())
    assert not check_receipt(receipt, couple.into).countersigned


# --- what a receiver may say -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", ["changed", "vanished", "unreadable"])
def test_r2_only_the_sender_says_what_it_withdrew(couple: Couple, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    """A receiver said of a file that it was withdrawn, and the sender signed that."""
    fill(couple.folder, large=1000)
    runs = arrival.runs

    def lying(manifest: object, _skipped: object, digests: object) -> object:
        names = manifest.names  # type: ignore[attr-defined]
        return runs(manifest, {names.index("large.bin"): BY_WORD[lie]}, digests)  # type: ignore[arg-type]

    monkeypatch.setattr(concluding, "runs", lying)
    exchange = Exchange(couple).start().join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "protocol"
    no_receipt(couple)


@pytest.mark.parametrize("lie", ["vanished", "unwanted", None])
def test_r2_what_was_withdrawn_is_told_by_the_same_reason(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, lie: str | None
) -> None:
    fill(couple.folder, large=1000)
    runs = arrival.runs

    def lying(manifest: object, skipped: dict[int, object], digests: object) -> object:
        assert [reason.name for reason in skipped.values()] == ["CHANGED"]  # type: ignore[attr-defined]
        told = dict.fromkeys(skipped, BY_WORD[lie]) if lie else {}
        return runs(manifest, told, digests)  # type: ignore[arg-type]

    monkeypatch.setattr(concluding, "runs", lying)
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    (couple.folder / "run.sh").write_text("changed since it was listed")
    exchange.reception.answers.decision.give(Decision(True))
    exchange.join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "protocol"
    no_receipt(couple)


# --- content that is damaged -----------------------------------------------------------------------------------------


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


def never_last(monkeypatch: pytest.MonkeyPatch, module: object, stream: Stream) -> None:
    """This stream is not ended by what should be its only payload."""

    class Unended(StreamWriter):
        def __init__(self, ring: KeyRing, which: Stream) -> None:
            super().__init__(ring, which)
            self.unended = which is stream

        def write(self, payload: bytes | bytearray | memoryview, last: bool, now: int) -> memoryview:
            return super().write(payload, last and not self.unended, now)

    monkeypatch.setattr(module, "StreamWriter", Unended)


def test_s1_a_verdict_that_goes_on_is_none(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    never_last(monkeypatch, comparing, Stream.VERDICT)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("protocol", "protocol")
    assert couple.visible() == []
    no_receipt(couple)


def test_s1_a_receipt_that_goes_on_is_none(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    never_last(monkeypatch, concluding, Stream.RECEIPT)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("receipt", "done")
    assert not list(couple.alice.device.receipts.iterdir())


def test_s1_thanks_that_go_on_are_none(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    never_last(monkeypatch, comparing, Stream.THANKS)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    [receipt] = list(couple.bob.device.receipts.iterdir())
    assert not check_receipt(receipt, couple.into).countersigned


def test_r2_a_time_that_no_receipt_may_have_is_refused_before_anything_is_published(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(couple.folder, large=1000)
    monkeypatch.setattr(concluding, "time_text", lambda _moment: "now\x1b[2K")
    exchange = Exchange(couple).run()
    assert exchange.codes == ("protocol", "protocol")
    assert couple.visible() == []
    no_receipt(couple)


def test_n9_a_sender_that_finds_a_difference_in_what_is_published(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(couple.folder, large=1000)
    losing(monkeypatch, Kind.RECEIPT, 1)
    differing = arrival.Arrived.differing
    said: list[object] = []

    def hostile(self: arrival.Arrived, digests: bytearray) -> list[int]:
        said.append(digests)
        names = self._manifest.names
        return [names.index("run.sh")] if len(said) > 1 else differing(self, digests)

    monkeypatch.setattr(arrival.Arrived, "differing", hostile)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("protocol", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


# --- clearing away ---------------------------------------------------------------------------------------------------


def test_an_earlier_try_that_cannot_be_cleared_away_is_no_bug(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 4)
    refused: list[Path] = []
    remove_tree = disk.remove_tree

    def refusing(path: Path) -> None:
        if not refused:
            refused.append(path)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        remove_tree(path)

    monkeypatch.setattr(journal, "remove_tree", refusing)
    exchange = Exchange(couple).run()
    assert refused
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
