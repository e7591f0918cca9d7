"""Faults that were found once, of lines, processes and the moment: each is here so that it stays mended."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from countersign.base import limits
from countersign.base.handles import Handle
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.session import channel as channels, status as st
from countersign.session.channel import Channel
from countersign.session.controls import Controls
from countersign.session.proposal import Decision
from countersign.source.reading import Source
from countersign.source.selection import Selection
from countersign.target import publishing, settling
from countersign.target.journal import VERSION, About, Journal, Past, Record, discard, list_interrupted
from countersign.transfer import connections
from countersign.transfer.states import TABLE, State
from countersign.transport.link import LinkLostError
from countersign.transport.memory import memory_pair
from countersign.trust.fingerprint import DeviceId
from countersign.wire import messages as m
from tests.faults import LARGE, list_of_journals
from tests.proxy import Proxy
from tests.transfers import Couple, Exchange, fill, interrupt, snapshot
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("every_progress")


def test_f8_a_second_receiver_leaves_a_running_transfer_alone(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    first = Exchange(couple, accept=None).start()
    first.receiver.wait(st.NeedDecision)
    held = threading.Event()
    before = first.receiver.on_status

    def on_status(status: st.Status) -> None:
        before(status)
        if isinstance(status, st.Progress) and status.bytes_done > LARGE // 4:
            held.wait(30)

    first.receiver.on_status = on_status
    first.reception.answers.decision.give(Decision(True))
    wait_until(lambda: list_of_journals(couple), 20, "the first journal")
    assert list_interrupted(couple.bob.device.transfers) == []
    [journal] = list_of_journals(couple)
    assert discard(journal) is False
    second = Exchange(couple, into=couple.root / "elsewhere").run()
    assert second.codes == ("done", "done")
    held.set()
    first.join()
    assert first.codes == ("done", "done")
    for into in (couple.into, couple.root / "elsewhere"):
        assert snapshot(into) == snapshot(couple.folder)


def test_f4_a_file_that_grows_while_others_share_its_last_pack(couple: Couple) -> None:
    """Its end is withdrawn in a pack that brings the files behind it."""
    (couple.folder / "a.bin").write_bytes(os.urandom(limits.PACK_BYTES * 3 + 1000))
    for number in range(5):
        (couple.folder / f"b{number}").write_bytes(b"x" * 1000)
    read = Source.read
    grown = threading.Event()

    def growing(self: Source, piece: object, buffer: memoryview) -> memoryview:
        if getattr(piece, "offset", 0) == limits.PACK_BYTES * 3:
            with open(couple.folder / "a.bin", "ab") as file:
                file.write(b"more")
            grown.set()
        return read(self, piece, buffer)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Source, "read", growing)
        exchange = Exchange(couple).run()
    assert grown.is_set()
    assert exchange.codes == ("done", "done")
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    assert [path for path, _reason in end.skipped] == ["a.bin"]
    assert couple.visible() == [f"b{number}" for number in range(5)]


@pytest.mark.parametrize("what", ["cut", "cancel"])
def test_f3_whatever_happens_while_it_is_published_it_is_published_once(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(connections, "_PAUSES", (0.05,))
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 20.0)
    fill(couple.folder, large=1000)
    publish = publishing.publish
    begun, go_on = threading.Event(), threading.Event()
    calls = []

    def slow(staging: object, into: Path, own: object) -> object:
        calls.append(into)
        begun.set()
        go_on.wait(30)
        return publish(staging, into, own)  # type: ignore[arg-type]

    monkeypatch.setattr(settling, "publish", slow)
    exchange = Exchange(couple)
    with Proxy(exchange.port, cut_after=[]) as proxy:
        exchange.session = couple.alice.sending(
            Selection((couple.folder,)), proxy.address, None, exchange.sender.report
        )
        exchange.start()
        assert begun.wait(30)
        if what == "cut":
            proxy.cut_now()
        else:
            exchange.reception.controls.cancel()
        threading.Timer(0.3, go_on.set).start()
        exchange.join()
    assert len(calls) == 1
    assert exchange.codes == ("done", "done")  # cancelling comes too late: the receipt still goes out
    assert snapshot(couple.into) == snapshot(couple.folder)
    assert not list_of_journals(couple)


def test_a_take_over_of_many_files_is_journalled_in_small_records(tmp_path: Path) -> None:
    manifest = Manifest()
    for number in range(1000):
        manifest.add(Entry(EntryKind.FILE, -1, f"{number:04d}", 1, 0, ""))
    about = About(VERSION, "00", "x", "x", b"x", b"x", 0.0, 1000, 1000, 1000)
    journal = Journal.begin(tmp_path, about, manifest)
    for number in range(1000):
        journal.add(Record([(number, bytes(32))], []))
    journal.close()
    past = Past(journal.folder, Handle(os.open(journal.folder / "lock", os.O_RDWR)))
    assert sum(past.complete) == 1000
    past.close()


def test_f1_cut_off_while_an_earlier_try_is_taken_over(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    from countersign.target.staging import Staging

    fill(couple.folder, large=LARGE, small=300)
    interrupt(couple, LARGE // 2)
    adopt = Staging.adopt
    calls: list[object] = []

    def cut(self: Staging, kept: object, on_progress: object) -> None:
        if len(calls) == 3:
            raise LinkLostError  # as if the line went away here; what moved so far stays in the new journal
        calls.append(kept)
        adopt(self, kept, on_progress)  # type: ignore[arg-type]

    monkeypatch.setattr(limits, "REJOIN_SECONDS", 0.3)
    monkeypatch.setattr(Staging, "adopt", cut)
    Exchange(couple).run()
    monkeypatch.setattr(Staging, "adopt", adopt)
    assert len(list_interrupted(couple.bob.device.transfers)) == 2
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    proposal = exchange.receiver.all(st.NeedDecision)[-1].proposal
    assert proposal.held_files > 300
    assert snapshot(couple.into) == snapshot(couple.folder)
    assert not list_of_journals(couple)


def test_slow_lines_are_written_to_in_slices_that_count_as_progress() -> None:
    """TLS says how much is out only when all it was given is: 4 MiB at once would look like a stall."""
    one, other = memory_pair(DeviceId(b"a" * 32), DeviceId(b"b" * 32))
    asked = []
    send = one.try_send

    def counting(data: memoryview) -> int:
        asked.append(len(data))
        return send(data)

    one.try_send = counting  # type: ignore[method-assign]
    channel = Channel(one, m.Role.RECEIVER, Controls(), TABLE)
    channel.send(m.Hello([1], b"n" * 32))
    channel._conversation.state = State.MANIFEST
    reader = threading.Thread(target=_drain, args=(other, 3_000_000), daemon=True)
    reader.start()
    channel.send(m.Sealed(m.Kind.ANSWER, memoryview(bytes(2_000_000))))
    channel.close()
    reader.join(10)
    assert max(asked) <= channels._SLICE


def _drain(link: object, limit: int) -> None:
    buffer = memoryview(bytearray(65536))
    total = 0
    try:
        while total < limit:
            link.wait(1.0)  # type: ignore[attr-defined]
            total += link.try_receive(buffer)  # type: ignore[attr-defined]
    except LinkLostError:
        pass


def test_a_peer_that_is_slow_but_says_so_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALL_SECONDS", 0.4)
    monkeypatch.setattr(limits, "WAITING_SECONDS", 0.1)
    one, other = memory_pair(DeviceId(b"a" * 32), DeviceId(b"b" * 32), room=1000)
    sender, receiver = (
        Channel(one, m.Role.SENDER, Controls(), TABLE),
        Channel(other, m.Role.RECEIVER, Controls(), TABLE),
    )
    for side in (sender, receiver):
        side._conversation.state = State.DATA
    done = threading.Event()

    def send() -> None:
        sender.send(m.Sealed(m.Kind.PACK, memoryview(bytes(50_000))))
        done.set()

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    deadline = threading.Event()
    threading.Timer(1.5, deadline.set).start()
    while not deadline.is_set():
        receiver.keep_company()
        deadline.wait(0.05)
    assert not done.is_set()
    receiver.expect_sealed(m.Kind.PACK)
    thread.join(10)
    assert done.is_set()
    for side in (sender, receiver):
        side.close()


def test_a_restarted_sender_is_not_told_to_wait(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 60.0)
    fill(couple.folder, large=LARGE)
    exchange = Exchange(couple)
    with Proxy(exchange.port, cut_after=[LARGE // 2], then_refuse=True) as proxy:
        exchange.session = couple.alice.sending(
            Selection((couple.folder,)), proxy.address, None, exchange.sender.report
        )
        exchange.start()
        exchange.receiver.wait(st.Reconnecting)
        exchange.session.controls.cancel()
        exchange.join(receiver=False)
    from countersign.transport.addresses import Address

    address = Address("127.0.0.1", exchange.port)
    exchange.sender.statuses.clear()
    exchange.session = couple.alice.sending(Selection((couple.folder,)), address, None, exchange.sender.report)
    exchange.run()
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.7
    assert not exchange.receiver.all(st.Failed), "the end of a session whose sender is back is no news"


@pytest.mark.parametrize("times", [1, 2])
def test_f3_the_answer_is_lost_on_its_way(couple: Couple, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    monkeypatch.setattr(connections, "_PAUSES", (0.05,))
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 20.0)
    fill(couple.folder, large=1000)
    send = Channel.send
    cut: list[object] = []

    def losing(self: Channel, message: m.Message) -> None:
        if isinstance(message, m.Sealed) and message.kind is m.Kind.ANSWER and len(cut) < times:
            cut.append(message)
            self.link.close()
            raise LinkLostError
        send(self, message)

    monkeypatch.setattr(Channel, "send", losing)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    assert len(exchange.receiver.all(st.NeedKey)) == 1
    assert snapshot(couple.into) == snapshot(couple.folder)


@pytest.mark.parametrize(("large", "small"), [("large.bin", ""), ("", "run.sh")])
def test_too_many_open_files_is_no_reason_to_leave_files_out(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, large: str, small: str
) -> None:
    import errno

    fill(couple.folder, large=100_000)
    from countersign.disk.folders import File, Folder

    read, read_small = Folder.read_file, Folder.read_small

    def refuse(name: str, wanted: str) -> None:
        if name == wanted:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def full(self: Folder, name: str) -> File:
        refuse(name, large)
        return read(self, name)

    def full_small(self: Folder, name: str, buffer: memoryview) -> tuple[int, os.stat_result]:
        refuse(name, small)
        return read_small(self, name, buffer)

    monkeypatch.setattr(Folder, "read_file", full)
    monkeypatch.setattr(Folder, "read_small", full_small)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("disk", "peer_disk")
    assert couple.visible() == []
