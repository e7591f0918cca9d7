"""Faults that were found once: each is here so that it stays mended. Named after the threat where there is one."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
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
from countersign.target import intake, publishing, settling
from countersign.target.journal import VERSION, About, Journal, Past, Record, discard, list_interrupted
from countersign.transfer import connections
from countersign.transfer.states import TABLE, State
from countersign.transport.link import LinkLostError
from countersign.transport.memory import memory_pair
from countersign.trust.fingerprint import DeviceId
from countersign.wire import messages as m
from tests.proxy import Proxy
from tests.transfers import Couple, Exchange, fill, interrupt, snapshot
from tests.waiting import wait_until

LARGE = 60_000_000


@pytest.fixture(autouse=True)
def _every_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(intake, "_ACK_SECONDS", 0.0)


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


def list_of_journals(couple: Couple) -> list[Path]:
    transfers = couple.bob.device.transfers
    return list(transfers.iterdir()) if transfers.is_dir() else []


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


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    shared = Path("/dev/shm")
    if sys.platform != "linux" or not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


def test_resuming_into_another_file_system(couple: Couple, other_disk: Path) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 2)
    exchange = Exchange(couple, into=other_disk / "received_folder").run()
    assert exchange.codes == ("done", "done")
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.7
    assert snapshot(other_disk / "received_folder") == snapshot(couple.folder)
    assert not list_of_journals(couple)


def test_receiving_into_another_file_system_than_the_home(couple: Couple, other_disk: Path) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, into=other_disk / "received_folder").run()
    assert exchange.codes == ("done", "done")
    assert os.listdir(other_disk) == ["received_folder"]


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


def test_a_folder_that_is_gone_when_the_data_begins(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    shutil.rmtree(couple.folder)
    exchange.reception.answers.decision.give(Decision(True))
    exchange.join()
    assert exchange.codes == ("folder_unreadable", "peer_disk")
    assert couple.visible() == []


def test_a_folder_in_which_nothing_can_be_sent(couple: Couple) -> None:
    (couple.folder / "out").symlink_to("/etc")
    exchange = Exchange(couple).start().join(receiver=False)
    assert exchange.sender.code() == "folder_empty"
    exchange.stop_receiver()


def test_p10_links_that_lead_out_are_left_out_and_named(couple: Couple) -> None:
    (couple.root / "secret").write_text("not for anybody")
    (couple.folder / "x").write_text("x")
    (couple.folder / "leak").symlink_to(couple.root / "secret")
    exchange = Exchange(couple).run()
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert [path for path, _reason in end.skipped] == ["leak"]
    assert couple.visible() == ["x"]


def test_p10_a_file_swapped_for_a_link_after_it_was_listed(couple: Couple) -> None:
    (couple.root / "secret").write_text("not for anybody")
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    (couple.folder / "run.sh").unlink()
    (couple.folder / "run.sh").symlink_to(couple.root / "secret")
    shutil.move(couple.folder / "a", couple.root / "moved")
    (couple.folder / "a").symlink_to(couple.root / "moved")
    exchange.reception.answers.decision.give(Decision(True))
    exchange.join()
    assert exchange.codes == ("done", "done")
    assert not (couple.into / "run.sh").exists()
    assert [path for path in (couple.into / "a").rglob("*") if path.is_file() and not path.is_symlink()] == []


def test_the_deepest_tree_twice(couple: Couple) -> None:
    deep = couple.folder.joinpath(*["d"] * (limits.MAX_DEPTH - 1))
    deep.mkdir(parents=True)
    (deep / "end").write_text("x")
    assert Exchange(couple).run().codes == ("done", "done")
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    end = again.receiver.end()
    assert isinstance(end, st.Done)
    assert end.kept == ("d",)
    assert couple.visible() == ["d"]


def test_what_is_there_already_is_left_or_kept_beside(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    Exchange(couple).run()
    (couple.into / "run.sh").write_text("mine")
    (couple.into / "a" / "b" / "extra").write_text("mine too")
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    assert dict(end.renamed) == {"run.sh": "run (2).sh", "a": "a (2)"}
    assert set(end.kept) == {"large.bin", "empty", "nothing inside", "Grüße 写真.txt", "link"}
    assert (couple.into / "run.sh").read_text() == "mine"
    assert (couple.into / "a" / "b" / "extra").read_text() == "mine too"
    assert (couple.into / "run (2).sh").read_bytes() == (couple.folder / "run.sh").read_bytes()
    assert snapshot(couple.into / "a (2)") == snapshot(couple.folder / "a")


def test_useless_remains_of_the_same_folder_are_removed(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 2)
    for number, path in enumerate(sorted(couple.folder.rglob("*"))):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (number, number))  # nothing is the same any more
    assert Exchange(couple).run().codes == ("done", "done")
    assert not list_of_journals(couple)
    assert not list((couple.bob.device.state / "staging").iterdir())


def test_remains_of_another_folder_are_kept(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 2)
    other = couple.root / "other"
    other.mkdir()
    (other / "else").write_text("else")
    assert Exchange(couple, folder=other).run().codes == ("done", "done")
    assert len(list_interrupted(couple.bob.device.transfers)) == 1
    exchange = Exchange(couple).run()
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.7


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


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs a Unix")
def test_f2_a_full_disk_keeps_what_has_arrived(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from countersign.disk.direct import LargeWriter
    from countersign.disk.folders import File

    fill(couple.folder, large=LARGE)
    written = []
    write = LargeWriter.write

    def filling(self: LargeWriter, file: File, data: memoryview, position: int) -> int:
        written.append(len(data))
        if sum(written) > LARGE // 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, file, data, position)

    with monkeypatch.context() as full:
        full.setattr(LargeWriter, "write", filling)
        exchange = Exchange(couple).run()
    assert exchange.codes == ("peer_disk", "disk_full")
    assert couple.visible() == []
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    end = again.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.7


def test_a_name_that_the_disk_refuses_is_left_out_and_told(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from countersign.disk.folders import File, Folder

    fill(couple.folder, large=1000)
    create, make = Folder.create_file, Folder.make_folder

    def create_file(self: Folder, name: str, executable: bool) -> File:
        if name == "run.sh":
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return create(self, name, executable)

    def make_folder(self: Folder, name: str) -> None:
        if name == "b":
            raise OSError(errno.EILSEQ, os.strerror(errno.EILSEQ))
        make(self, name)

    monkeypatch.setattr(Folder, "create_file", create_file)
    monkeypatch.setattr(Folder, "make_folder", make_folder)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    skipped = {path for path, _reason in end.skipped}
    assert {"run.sh", "a/b", "a/b/c", "a/b/c/000.txt"} <= skipped
    assert (couple.into / "large.bin").exists()


def test_the_renames_fall_back_where_the_system_has_no_exclusive_one(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows' own rename is exclusive")
    import errno

    from countersign.disk import posix as disk_posix

    monkeypatch.setattr(disk_posix, "_rename_exclusive", lambda *_a: errno.ENOSYS)
    fill(couple.folder, large=1000)
    assert Exchange(couple).run().codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    (couple.into / "run.sh").write_text("mine")
    (couple.into / "a" / "mine").write_text("mine")
    assert Exchange(couple).run().codes == ("done", "done")
    assert (couple.into / "run.sh").read_text() == "mine"
    assert (couple.into / "run (2).sh").exists()
    assert (couple.into / "a (2)").is_dir()


@pytest.mark.parametrize("size", [0, 1])
def test_p2_what_is_shown_is_what_is_written(couple: Couple, size: int) -> None:
    names = ["a b", "é", "e\u0301", "写真", "UPPER", "upper", "-rf", "~", "$HOME", "a'b\"c", "🎉", "COM1", "x" * 255]
    for name in names:
        (couple.folder / name).write_bytes(b"x" * size)
    exchange = Exchange(couple).run()
    proposal = exchange.receiver.all(st.NeedDecision)[0].proposal
    assert sorted(proposal.manifest.names) == sorted(names) == couple.visible()
