"""Peers that never stop talking: their cost is bounded, they are dropped at once, and cancelling always works."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from countersign.base import limits
from countersign.base.errors import Cancelled, ProtocolProblem
from countersign.session import channel as channels, pace, status as st
from countersign.session.channel import Channel
from countersign.session.controls import Controls
from countersign.source.selection import Selection
from countersign.transfer.states import TABLE, State
from countersign.transport.addresses import Address
from countersign.transport.link import LinkLostError
from countersign.wire import messages as m
from countersign.wire.frames import encode_frame
from tests.hostile_peer import HostilePeer, Scene, bobs_door, sending
from tests.test_hostile import accepted
from tests.transfers import Couple, Heard
from tests.waiting import wait_until

SOON = 5.0  # seconds until the end on a busy machine; it once took 45 and more


@pytest.fixture
def scene(couple: Couple) -> Iterator[Scene]:
    with bobs_door(couple) as made:
        yield made


def frame(message: m.Message) -> bytes:
    header, body = encode_frame(message)
    return header + bytes(body)


class Flood:
    """Sends the same message again and again, on its own thread, until the other side ends the connection."""

    def __init__(self, hostile: HostilePeer, data: bytes) -> None:
        self._hostile, self._data = hostile, data
        self.over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while True:
                self._hostile.raw(self._data)
        except LinkLostError:
            self.over.set()

    def wait(self) -> None:
        assert self.over.wait(SOON), "the flood was not left"
        self._thread.join(SOON)
        self._hostile.link.close()


@pytest.mark.parametrize("message", [m.Waiting(), m.Waiting(True)])
def test_n10_a_flood_before_the_code_is_left(scene: Scene, message: m.Message) -> None:
    hostile, _theirs, _own = scene.greeted()
    Flood(hostile, frame(message) * 1000).wait()


def test_n10_many_floods_before_the_code_hold_no_threads(scene: Scene) -> None:
    before = threading.active_count()
    floods = []
    for _visit in range(6):
        hostile, _theirs, _own = scene.greeted()
        floods.append(Flood(hostile, frame(m.Waiting()) * 1000))
    for flood in floods:
        flood.wait()
    wait_until(lambda: threading.active_count() <= before, SOON, "the threads of the connections to end")


@pytest.mark.parametrize("state", ["key", "list", "data"])
def test_n10_a_flood_of_pauses_is_left_and_told_a_few_times(scene: Scene, state: str) -> None:
    scene.types_key, scene.decides = state != "key", state == "data"
    if state == "data":
        made, _manifest = accepted(scene, ["a", "b"])
    else:
        made = sending(scene)
        made.offer(1, 3, 1)
        if state == "list":
            made.manifest([[1, -1, "a", 3, 0, ""]])
        scene.heard.wait(st.NeedKey if state == "key" else st.NeedDecision)
    Flood(made.hostile, (frame(m.Waiting(True)) + frame(m.Waiting(False))) * 500).wait()
    assert scene.heard.wait(st.Failed).problem.code == "protocol"
    assert len(scene.heard.all(st.Paused)) < 100


def test_n10_cancelling_works_within_a_second_while_somebody_talks(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood that is slow enough for the count to allow it."""
    monkeypatch.setattr(pace, "_CHATTER", 10**9)
    made, _manifest = accepted(scene, ["a", "b"])
    flood = Flood(made.hostile, frame(m.Waiting()) * 100)
    scene.heard.wait(st.NeedDecision)
    began = time.monotonic()
    scene.reception.controls.cancel()
    scene.heard.wait(st.Failed, seconds=SOON)
    assert time.monotonic() - began < SOON
    flood.wait()


def test_n10_received_must_say_something_new(couple: Couple) -> None:
    from countersign.session.meter import Meter
    from countersign.source.delivery import _Sent

    sent = _Sent(Meter(lambda _status: None, time.monotonic, 1, 1), lambda: None)
    sent.packs = 3
    sent.heard(m.Received(1, 0, 0))
    for packs in (1, 0, 4):
        with pytest.raises(ProtocolProblem):
            sent.heard(m.Received(packs, 0, 0))


class FullLink:
    """A link that delivers the same bytes for ever, and accepts none unless told to."""

    def __init__(self, data: bytes, takes: bool = False) -> None:
        self._data = data
        self._takes = takes
        self._at = 0
        self.read = 0

    own_id = peer_id = bytes(32)

    def try_receive(self, buffer: memoryview) -> int:
        count = min(len(buffer), len(self._data) - self._at)
        buffer[:count] = self._data[self._at : self._at + count]
        self._at = (self._at + count) % len(self._data)
        self.read += count
        return count

    def try_send(self, data: memoryview) -> int:
        return len(data) if self._takes else 0

    def wait(self, seconds: float, *, read: bool = True, write: bool = False) -> None:
        pass

    def wake(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_n10_a_channel_that_is_never_silent_hears_a_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_CHATTER", 10**9)
    controls = Controls()
    made = Channel(FullLink(frame(m.Waiting())), m.Role.RECEIVER, controls, TABLE)  # type: ignore[arg-type]
    made._conversation.state = State.DATA
    timer = threading.Timer(0.1, controls.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        made.receive()
    timer.join()


def test_n10_the_last_word_does_not_wait_for_somebody_who_never_stops() -> None:
    link = FullLink(frame(m.Waiting()) * 10_000, takes=True)
    made = Channel(link, m.Role.RECEIVER, Controls(), TABLE)  # type: ignore[arg-type]
    made._conversation.state = State.DATA
    made.end(Cancelled())
    assert link.read <= channels._DRAIN_BYTES + 1_000_000


@pytest.mark.parametrize(("kind", "size"), [(m.Kind.PACK, limits.PACK_CAP), (m.Kind.PACK, 200_000), (m.Kind.PACK, 100)])
def test_n11_what_is_unread_while_we_write_is_counted_in_bytes(kind: m.Kind, size: int) -> None:
    link = FullLink(frame(m.Sealed(kind, memoryview(bytes(size)))))
    made = Channel(link, m.Role.RECEIVER, Controls(), TABLE)  # type: ignore[arg-type]
    made._conversation.state = State.DATA
    with pytest.raises(ProtocolProblem):
        made.send(m.Received(1, 1, 1))
    assert link.read < 4 * limits.PACK_CAP


def test_a_bad_pack_is_told_at_once(scene: Scene) -> None:
    """Once it was reported only with the next message or after a timeout of 31 s."""
    made, _manifest = accepted(scene, ["a", "b"], bytes(limits.PACK_BYTES))  # another pack is expected
    began = time.monotonic()
    made.hostile.say(m.Sealed(m.Kind.PACK, memoryview(b"x" * 1000)))
    assert made.hostile.last_word() == "seal"
    assert time.monotonic() - began < SOON
    made.hostile.link.close()


def test_cancelling_works_while_a_name_is_looked_up(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that does not answer takes half a minute."""
    (couple.folder / "x").write_text("x")
    answer = threading.Event()

    def silent(*_arguments: object, **_options: object) -> list[object]:
        answer.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    heard = Heard()
    session = couple.alice.sending(Selection((couple.folder,)), Address("nobody.invalid", 1), None, heard.report)
    thread = threading.Thread(target=session.run, daemon=True)
    thread.start()
    heard.wait(st.WaitingFor)
    session.controls.cancel()
    thread.join(SOON)
    assert not thread.is_alive()
    assert heard.code() == "cancelled"
    answer.set()
