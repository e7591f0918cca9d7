"""What must hold when a connection is lost at an awkward moment, a disk fails after it, or a person answers in between."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from countersign.base import limits
from countersign.base.refusals import disk_problem
from countersign.disk.direct import LargeWriter
from countersign.disk.folders import File, Tree
from countersign.pack.archive import Buffer
from countersign.pack.manifest import Manifest
from countersign.seal.keys import KeyRing
from countersign.seal.stream import StreamWriter
from countersign.session import status as st
from countersign.session.channel import Channel
from countersign.session.proposal import Decision
from countersign.source import scanning
from countersign.source.selection import Selection
from countersign.target import creating, intake, staging
from countersign.target.journal import list_interrupted, tidy
from countersign.transfer import connections, offering
from countersign.transport.link import LinkLostError
from countersign.wire import messages as m
from tests.losing import losing
from tests.proxy import Proxy
from tests.transfers import Couple, Exchange, fill, interrupt, snapshot

LARGE = 60_000_000


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(intake, "_ACK_SECONDS", 0.0)
    monkeypatch.setattr(connections, "_PAUSES", (0.1,))
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 20.0)


def through(couple: Couple, exchange: Exchange, proxy: Proxy) -> Exchange:
    exchange.session = couple.alice.sending(Selection((couple.folder,)), proxy.address, None, exchange.sender.report)
    return exchange


@pytest.mark.once
def test_f2_a_full_disk_is_not_hidden_by_a_line_that_is_lost_with_it(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    hit = threading.Event()
    with Proxy(exchange.port, cut_after=[]) as proxy:
        write = LargeWriter.write

        def failing(self: LargeWriter, file: File, data: memoryview, position: int) -> int:
            if len(data) > 2_000_000 and not hit.is_set() and exchange.receiver.all(st.Progress)[-1].bytes_done > 0:
                file.write(memoryview(data)[:1_000_000])  # as on a full disk: a short write, then the error
                hit.set()
                proxy.cut_now()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(self, file, data, position)

        monkeypatch.setattr(LargeWriter, "write", failing)
        through(couple, exchange, proxy).run()
    assert hit.is_set()
    assert exchange.receiver.code() == "disk_full"
    assert exchange.sender.code() != "done"
    assert couple.visible() == []


def test_f2_an_error_of_the_disk_after_the_line_is_lost_is_told_at_once(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last packs are written after the loss; nobody waits for the sender first, only to fail then."""
    fill(couple.folder, large=LARGE)
    lost = threading.Event()
    next_pack, packs = intake.Intake._next_pack, []

    def losing_the_second(self: intake.Intake, channel: Channel) -> m.Sealed:
        packs.append(channel)
        if len(packs) == 2:
            lost.set()
            raise LinkLostError
        return next_pack(self, channel)

    def failing_late(_self: object, *_arguments: object) -> None:
        assert lost.wait(30)
        raise disk_problem(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), couple.into)

    monkeypatch.setattr(intake.Intake, "_next_pack", losing_the_second)
    monkeypatch.setattr(staging.Staging, "write", failing_late)
    exchange = Exchange(couple).run()
    assert exchange.receiver.code() == "disk_full"
    assert not exchange.receiver.all(st.Reconnecting)


def test_p2_an_answer_to_one_list_is_no_answer_to_another(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    evil = couple.root / "evil"
    evil.mkdir()
    (evil / "evil.exe").write_text("never shown")
    exchange = Exchange(couple, accept=None)
    own, run = couple.alice.device.own, offering.Offering.run

    def other(self: offering.Offering, channel: Channel) -> tuple[KeyRing, StreamWriter]:
        """From the second connection on, another list is offered and sent."""
        if self.ring is not None:
            scan = scanning.scan_selection(Selection((evil,)), lambda *_a: None, lambda: False, own)
            self._manifest = scan.manifest
            delivery = exchange.session._delivery
            assert delivery is not None
            delivery._scan = scan
        return run(self, channel)

    monkeypatch.setattr(offering.Offering, "run", other)
    with Proxy(exchange.port, cut_after=[]) as proxy:
        through(couple, exchange, proxy).start()
        exchange.receiver.wait(st.NeedDecision)
        proxy.cut_now()
        exchange.receiver.wait(st.Reconnecting)
        exchange.reception.answers.decision.give(Decision(True))
        exchange.join()
    assert exchange.receiver.code() == "protocol"
    assert couple.visible() == []


def test_a_line_lost_while_the_person_looks_at_the_list(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, accept=None)
    with Proxy(exchange.port, cut_after=[]) as proxy:
        through(couple, exchange, proxy).start()
        exchange.receiver.wait(st.NeedDecision)
        proxy.cut_now()
        exchange.receiver.wait(st.NeedDecision, 2)
        exchange.reception.answers.decision.give(Decision(True))
        exchange.join()
    assert exchange.codes == ("done", "done")
    assert len(exchange.receiver.all(st.NeedKey)) == 1


@pytest.mark.parametrize("times", [1, 2, 3])
def test_key_accepted_is_not_heard(couple: Couple, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple)
    before = Channel.send
    cut: list[m.Message] = []

    def losing_both(self: Channel, message: m.Message) -> None:
        again = isinstance(message, m.KeyAccepted) and exchange.receiver.all(st.Reconnecting)
        first = isinstance(message, m.Sealed) and message.kind is m.Kind.ANSWER and not cut
        if (again or first) and len(cut) <= times:
            cut.append(message)
            self.link.close()
            raise LinkLostError
        before(self, message)

    monkeypatch.setattr(Channel, "send", losing_both)
    exchange.run()
    assert len(cut) == times + 1
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_cancelled_while_only_the_thanks_is_missing(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    losing(monkeypatch, m.Kind.THANKS, 1000)
    monkeypatch.setattr(connections, "_PAUSES", (30.0,))
    exchange = Exchange(couple).start()
    exchange.receiver.wait(st.Reconnecting)
    exchange.reception.controls.cancel()
    exchange.session.controls.cancel()
    exchange.join()
    assert exchange.receiver.code() == "done"
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    assert end.receipt is not None
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_a_line_lost_during_the_take_over_goes_on_with_it(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=LARGE, small=300)
    interrupt(couple, LARGE // 2)
    adopt = staging.Staging.adopt
    calls: list[object] = []

    def cut(self: staging.Staging, kept: object, on_progress: object) -> None:
        calls.append(kept)
        if len(calls) == 3:
            raise LinkLostError
        adopt(self, kept, on_progress)  # type: ignore[arg-type]

    monkeypatch.setattr(staging.Staging, "adopt", cut)
    exchange = Exchange(couple)
    exchange.start()
    exchange.join()
    assert exchange.codes == ("done", "done")
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.7
    assert snapshot(couple.into) == snapshot(couple.folder)
    assert not list_interrupted(couple.bob.device.transfers)


def test_a_journal_whose_disk_is_away_is_kept(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 2)
    [left] = list_interrupted(couple.bob.device.transfers)
    there = left.about.staging_path.parent
    there.rename(there.with_name("unplugged"))
    other = couple.root / "other"
    other.mkdir()
    (other / "x").write_text("x")
    assert Exchange(couple, folder=other).run().codes == ("done", "done")
    for path in there.iterdir():
        path.rmdir()
    there.rmdir()
    there.with_name("unplugged").rename(there)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.7


def test_many_names_that_are_taken(couple: Couple) -> None:
    couple.into.mkdir(parents=True)
    for number in range(900):
        name = f"{number:04d}" + "x" * 190
        (couple.folder / name).write_text("new")
        (couple.into / name).write_text("old!")
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    assert len(end.renamed) == 900
    from countersign.receipts.checking import check_receipt

    assert end.receipt is not None
    for folder in (couple.folder, couple.into):
        assert not check_receipt(end.receipt, folder).differing


@pytest.mark.once
def test_a_burned_code_is_shown_even_while_somebody_is_waited_for(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REFUSAL_SECONDS", 0.01)
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    with Proxy(exchange.port, cut_after=[LARGE // 2], then_refuse=True) as proxy:
        through(couple, exchange, proxy).start()
        exchange.receiver.wait(st.Reconnecting)
        exchange.session.controls.cancel()
        exchange.join(receiver=False)
    from countersign.transport.addresses import Address

    address = Address("127.0.0.1", exchange.port)
    exchange._codes = ["wrong"] * 3
    exchange.sender.statuses.clear()
    exchange.session = couple.alice.sending(Selection((couple.folder,)), address, None, exchange.sender.report)
    exchange.start().join(receiver=False)
    assert exchange.sender.code() == "code_refused"
    exchange.receiver.wait(st.Listening, 2)
    exchange.sender.statuses.clear()
    exchange.session = couple.alice.sending(Selection((couple.folder,)), address, None, exchange.sender.report)
    exchange.run()
    assert exchange.codes == ("done", "done")


def test_neither_exclusive_rename_nor_hard_links(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    if sys.platform == "win32":
        pytest.skip("Windows' own rename is exclusive")
    from countersign.disk import posix as disk_posix

    def refused(*_a: object, **_k: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(disk_posix, "_rename_exclusive", lambda *_a: errno.ENOTSUP)
    monkeypatch.setattr(os, "link", refused)
    fill(couple.folder, large=1000)
    couple.into.mkdir(parents=True)
    (couple.into / "run.sh").write_text("mine")
    assert Exchange(couple).run().codes == ("done", "done")
    assert (couple.into / "run.sh").read_text() == "mine"
    assert (couple.into / "run (2).sh").read_bytes() == (couple.folder / "run.sh").read_bytes()


def test_what_a_death_at_an_unlucky_moment_leaves_is_tidied(couple: Couple) -> None:
    transfers, place = couple.bob.device.transfers, couple.bob.device.state / "staging"
    (transfers / "never began").mkdir(parents=True)
    orphan = place / (".countersign-" + "0" * 32)
    orphan.mkdir(parents=True)
    (place / "somebody's").mkdir()
    now = orphan.stat().st_mtime
    tidy(transfers, place, now + 100)
    assert orphan.exists()
    tidy(transfers, place, now + 100_000)
    assert not orphan.exists()
    assert not (transfers / "never began").exists()
    assert (place / "somebody's").exists()


def test_p6_a_link_that_stands_where_something_arrives(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    elsewhere = couple.root / "elsewhere"
    elsewhere.mkdir()
    couple.into.mkdir(parents=True)
    (couple.into / "a").symlink_to(elsewhere)
    (couple.into / "run.sh").symlink_to(elsewhere / "made")
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    assert list(elsewhere.iterdir()) == []
    assert (couple.into / "a").is_symlink()
    assert snapshot(couple.into / "a (2)") == snapshot(couple.folder / "a")
    assert (couple.into / "run (2).sh").is_file()


def test_p7_folders_swapped_for_links_in_staging(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who can write there swaps a folder for a link while files arrive. Nothing is written behind the link."""
    for number in range(300):
        (couple.folder / f"{number:03d}").mkdir()
        (couple.folder / f"{number:03d}" / "file").write_text("x" * 2000)
    elsewhere = couple.root / "elsewhere"
    elsewhere.mkdir()
    make_folders, create = staging.Staging.make_folders, creating._create
    places: list[Path] = []
    swapped: list[str] = []

    def making(self: staging.Staging, on_progress: Callable[[], None]) -> None:
        places.append(self.path)
        make_folders(self, on_progress)

    def swapping(manifest: Manifest, tree: Tree, index: int, write: creating.Write, content: Buffer) -> None:
        name = manifest.components(index)[0]
        if int(name) % 2:
            (places[0] / name).rmdir()
            (places[0] / name).symlink_to(elsewhere)
            swapped.append(name)
        create(manifest, tree, index, write, content)

    monkeypatch.setattr(staging.Staging, "make_folders", making)
    monkeypatch.setattr(creating, "_create", swapping)
    exchange = Exchange(couple).run()
    assert swapped
    assert list(elsewhere.iterdir()) == []
    assert exchange.receiver.code() == "disk"
    assert couple.visible() == []
