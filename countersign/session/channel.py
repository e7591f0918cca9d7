"""Messages over a link: framing, a state table, deadlines, cancelling. Interprets only `waiting` and `stop`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from countersign.base import limits
from countersign.base.errors import Cancelled, Interrupted, Problem, ProtocolProblem, TookTooLong
from countersign.session.background import Background
from countersign.session.controls import Controls
from countersign.session.inbox import Inbox
from countersign.session.pace import Chatter, Pace
from countersign.session.pauses import Pauses
from countersign.transport.link import Link, LinkLostError
from countersign.wire.frames import FrameReader, encode_frame
from countersign.wire.messages import Control, Kind, Message, Role, Sealed, Stop, Waiting, kind_of
from countersign.wire.states import Conversation, Table
from countersign.wire.stops import stop_code

T = TypeVar("T", bound=Control)
Result = TypeVar("Result")
_DRAIN_SECONDS = 3.0  # a side that ends early reads on for this long, so a reset does not destroy its last message
_DRAIN_BYTES = 16 * limits.MIB  # more was not in transit: the peer is not stopping
_SLICE = 64 * limits.KIB
_DRAIN_BUFFER = 64 * limits.KIB
_LOOK = 0.05  # seconds between looks at the connection while a background job runs; its end is noticed at once


class Channel:
    """One side of a conversation over a link. One thread uses it; any thread may call `lose`."""

    def __init__(self, link: Link, role: Role, controls: Controls, table: Table) -> None:
        self.link = link
        self.role = role
        self.wire_bytes = 0
        self.waited = 0.0  # seconds spent waiting for the connection
        self._controls = controls
        self._conversation = Conversation(role, table)
        self._reader = FrameReader(self._conversation.cap_of, self._lend)
        self._allocate: Callable[[Kind, int], bytearray] = lambda _kind, n: bytearray(n)
        self._check: Callable[[], None] = lambda: None
        self._inbox = Inbox()
        self._unsent: deque[memoryview] = deque()  # the rest of a cancelled send: a frame must be completed
        self._pauses = Pauses(controls)
        self._chatter = Chatter()
        self._spoke = time.monotonic()
        self._lost = False
        controls.on_change(link.wake)

    def _lend(self, kind: Kind, size: int) -> bytearray:
        return self._allocate(kind, size)

    def allocate_with(self, allocate: Callable[[Kind, int], bytearray]) -> None:
        """From now on, bodies are read into buffers from `allocate`."""
        self._allocate = allocate

    def check_with(self, check: Callable[[], None]) -> None:
        """From now on, every wait calls `check`, which raises other threads' errors. `link.wake` calls it at once."""
        self._check = check

    def send(self, message: Message) -> None:
        """Sends a message, and reads the peer's messages meanwhile.

        Raises LinkLostError, Cancelled, or the problem in the peer's `stop`.
        """
        self._conversation.sending(kind_of(message))
        header, body = encode_frame(message)
        self._spoke = time.monotonic()
        self._queue(header, body)
        self._write()

    def receive(self, limit: float | None = None) -> Message:
        """The next message except `waiting`; sends `waiting` itself if this takes long.

        limit: seconds until TookTooLong, however often the peer sends `waiting`.
        Raises like `send`, and ProtocolProblem.
        """
        deadline = None if limit is None else time.monotonic() + limit
        pace = Pace()
        while True:
            message = self._inbox.take()
            if message is not None:
                return message
            self._check_cancelled()
            if deadline is not None and limit is not None:
                if self.held_up:
                    deadline = time.monotonic() + limit  # PAUSE_SECONDS limits pauses
                elif time.monotonic() > deadline:
                    raise TookTooLong
            heard = self._inbox.heard
            got = self._pull(pace)
            if got and limit is not None and not self._reader.between_frames:
                deadline = time.monotonic() + limit  # a long message in transit is not silence
            if self._inbox.heard != heard:
                pace = Pace()
            elif not got:
                self._wait(min(pace.left(), self.keep_company()))

    def expect(self, wanted: type[T], limit: float | None = None) -> T:
        """The next message, which must be of this type."""
        message = self.receive(limit)
        if not isinstance(message, wanted):
            raise ProtocolProblem
        return message

    def expect_sealed(self, kind: Kind, limit: float | None = None) -> Sealed:
        """The next message, which must be sealed and of this kind."""
        message = self.receive(limit)
        if not isinstance(message, Sealed) or message.kind is not kind:
            raise ProtocolProblem
        return message

    def poll(self, seconds: float = 0.0) -> Message | None:
        """A message that has arrived or arrives within `seconds`, else None. Sends `waiting` when due."""
        message = self._inbox.take()
        if message is not None:
            return message
        self._check_cancelled()
        if not self._pull(None) and not len(self._inbox) and seconds > 0:
            self.link.wait(min(seconds, self.keep_company()))
            self._pull(None)
        return self._inbox.take()

    def nothing_said(self) -> None:
        """Raises ProtocolProblem if the peer has sent anything but `waiting`. Sends `waiting` when due."""
        if self.poll() is not None:
            raise ProtocolProblem
        self.keep_company()

    def wait_for(self, job: Background[Result]) -> Result:
        """Waits for a background job while the peer must be silent. Returns its result, or raises what it raised."""
        while not job.ended(_LOOK):
            self.nothing_said()
        return job.result()

    def keep_company(self) -> float:
        """Sends `waiting` if we sent nothing for a while. Returns the seconds until it is due again."""
        due = self._spoke + limits.WAITING_SECONDS - time.monotonic()
        changed = self._conversation.is_in_data and self._pauses.is_news
        if due > 0 and not changed:
            return due
        if changed:
            self._pauses.turn()
        if self._conversation.may_say(Kind.WAITING):
            self.send(Waiting(self._pauses.said))
        self._spoke = time.monotonic()
        return limits.WAITING_SECONDS

    def end(self, problem: Problem) -> None:
        """Tells the peer why we end, if possible, and closes. Never raises for a lost link."""
        try:
            if self._conversation.may_say(Kind.STOP):
                self._conversation.sending(Kind.STOP)
                self._queue(*encode_frame(Stop(stop_code(problem))))
                self._last_word()
        except LinkLostError:  # the peer is gone
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Closes in order after the last message."""
        self._controls.no_more_changes(self.link.wake)
        self.link.close()

    def tell_pauses(self, on_pause: Callable[[bool, bool], None]) -> None:
        """Calls `on_pause(paused, by_them)` when either person pauses or resumes."""
        self._pauses.tell = on_pause

    @property
    def held_up(self) -> bool:
        """Whether either person has paused."""
        return self._pauses.held_up

    @property
    def heard(self) -> int:
        """The number of messages received so far."""
        return self._inbox.heard

    @property
    def lost(self) -> bool:
        """Whether `lose` was called."""
        return self._lost

    def lose(self) -> None:
        """Treats the link as lost, from any thread: a wait on it raises LinkLostError."""
        self._lost = True
        self.link.wake()

    # --- inside ---------------------------------------------------------------------------------------------------

    def _pull(self, pace: Pace | None) -> bool:
        """Reads available bytes, at most to the end of one message, so the caller can check everything else in between.

        True if any bytes arrived.
        """
        some = False
        while count := self.link.try_receive(self._reader.get_buffer()):
            some = True
            self.wire_bytes += count
            if pace is not None:
                pace.moved(count)
            message = self._reader.buffer_updated(count)
            if message is not None:
                self._take(message)
                break
        return some

    def _take(self, message: Message) -> None:
        self._conversation.received(kind_of(message))
        self._inbox.heard += 1
        if isinstance(message, Waiting):
            self._chatter.heard()
            if self._conversation.is_in_data:
                self._pauses.heard(message.paused)
        else:
            self._inbox.put(message)

    def _queue(self, header: bytes, body: bytes | memoryview) -> None:
        if len(body) <= limits.BATCH_CAP:
            self._unsent.append(memoryview(header + bytes(body)))
        else:
            self._unsent.extend((memoryview(header), memoryview(body)))

    def _send_some(self) -> int:
        # a slice, since TLS reports progress only when it has sent all it was given
        count = self.link.try_send(self._unsent[0][:_SLICE])
        self._unsent[0] = self._unsent[0][count:]
        if not self._unsent[0]:
            self._unsent.popleft()
        self.wire_bytes += count
        return count

    def _write(self) -> None:
        pace = Pace()
        while self._unsent:
            count = self._send_some()
            if count:
                pace.moved(count)
                continue
            self._check_cancelled()
            # while the peer is slow to read, read its messages: a `stop` ends this, any other shows that it is alive
            heard = self._inbox.heard
            self._pull(None)
            self._inbox.look_for_stop()
            if self._inbox.heard != heard:
                pace = Pace()
                continue
            self._wait(pace.left(), write=True)

    def _wait(self, seconds: float, *, write: bool = False) -> None:
        began = time.perf_counter()
        try:
            self.link.wait(seconds, read=True, write=write)
        finally:
            self.waited += time.perf_counter() - began

    def _last_word(self) -> None:
        """Writes the rest, ignoring cancellation, then reads and drops bytes until the peer closes."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        sink = memoryview(bytearray(_DRAIN_BUFFER))
        dropped = 0
        while self._unsent and time.monotonic() < deadline:
            if not self._send_some():
                dropped += self._drop(sink)
                self.link.wait(deadline - time.monotonic(), write=True)
        while time.monotonic() < deadline and dropped < _DRAIN_BYTES:
            count = self._drop(sink)
            dropped += count
            if not count:
                self.link.wait(deadline - time.monotonic())

    def _drop(self, sink: memoryview) -> int:
        return self.link.try_receive(sink)

    def _check_cancelled(self) -> None:
        if self._lost:
            raise LinkLostError
        if self._controls.cancelled:
            raise Cancelled
        if self._controls.paused_too_long:
            raise Interrupted
        self._check()
