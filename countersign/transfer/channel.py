"""Messages over a link: framing, the state table, deadlines, cancelling. One thread uses a channel at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from countersign import limits
from countersign.errors import Cancelled, Interrupted, Problem, ProtocolProblem, TookTooLong, problem_of_stop, stop_code
from countersign.transfer.answers import Answers
from countersign.transport.link import Link, LinkLostError
from countersign.wire.frames import FrameReader, encode_frame
from countersign.wire.messages import Control, Kind, Message, Role, Sealed, Stop, Waiting, kind_of
from countersign.wire.states import Conversation, State

T = TypeVar("T", bound=Control)
_DRAIN_SECONDS = 3.0  # how long a side that ends early still reads, so that its last word is not lost in a reset
_DRAIN_BYTES = 16 * limits.MIB  # more than that is not what was on its way, but somebody who does not stop
_UNREAD = 1000  # messages that may pile up while we are still writing
_UNREAD_BYTES = 2 * limits.PACK_CAP  # and what they may take in memory
# `waiting` is said every few seconds, and whenever a person pauses: so many at once, and so many a second
_CHATTER, _CHATTER_A_SECOND = 40, 2.0
_SLICE = 64 * limits.KIB
_DRAIN_BUFFER = 64 * limits.KIB


class _Pace:
    """Watches that bytes keep moving: STALL_BYTES in every STALL_SECONDS, or the end of the message."""

    def __init__(self) -> None:
        self._patience = limits.STALL_SECONDS
        self._began = time.monotonic()
        self._bytes = 0

    def moved(self, count: int) -> None:
        self._bytes += count

    def left(self) -> float:
        """Seconds until this counts as a stall. Raises LinkLostError when it does."""
        now = time.monotonic()
        if now - self._began >= self._patience:
            if self._bytes < limits.STALL_BYTES:
                raise LinkLostError
            self._began, self._bytes = now, 0
        return self._patience - (now - self._began)


class Channel:
    """One side of a conversation over a link."""

    def __init__(
        self,
        link: Link,
        role: Role,
        answers: Answers,
        allocate: Callable[[Kind, int], bytearray] | None = None,
    ) -> None:
        self.link = link
        self.role = role
        self.wire_bytes = 0
        self.waited = 0.0  # seconds for the line
        self._answers = answers
        self._conversation = Conversation(role)
        self._allocate = allocate or (lambda _kind, n: bytearray(n))
        self._reader = FrameReader(self._conversation.cap_of, self._lend)
        self._inbox: deque[Message] = deque()
        self._unread_bytes = 0  # of the messages in it
        self._spoke = time.monotonic()
        self._lost = False
        self._they_pause_since: float | None = None
        self._said_paused = False
        self._on_pause: Callable[[bool, bool], None] = lambda _paused, _by_them: None
        self._heard = 0  # messages, `waiting` among them: whoever speaks is alive
        self._chatter = _Chatter()
        self._check: Callable[[], None] = lambda: None
        self._unsent: deque[memoryview] = deque()  # what a cancelled send leaves: a frame must be ended before another
        answers.on_change(link.wake)

    def _lend(self, kind: Kind, size: int) -> bytearray:
        return self._allocate(kind, size)

    def allocate_with(self, allocate: Callable[[Kind, int], bytearray]) -> None:
        """From now on bodies are read into buffers from here."""
        self._allocate = allocate

    def check_with(self, check: Callable[[], None]) -> None:
        """From now on every wait calls `check`, which raises what has gone wrong elsewhere. `link.wake` makes it look at once."""
        self._check = check

    @property
    def state(self) -> State:
        return self._conversation.state

    def send(self, message: Message) -> None:
        """Sends a message, reading what the other says meanwhile.

        Raises LinkLostError, Cancelled, or the problem in the other's `stop`.
        """
        self._conversation.sending(kind_of(message))
        header, body = encode_frame(message)
        self._spoke = time.monotonic()
        self._queue(header, body)
        self._write()

    def receive(self, limit: float | None = None) -> Message:
        """The next message that is not `waiting`; says `waiting` itself where this takes long.

        limit: seconds after which this is TookTooLong, however often the other says `waiting`.
        Raises as `send` does, and ProtocolProblem.
        """
        deadline = None if limit is None else time.monotonic() + limit
        pace = _Pace()
        while True:
            message = self._next()
            if message is not None:
                return message
            self._check_cancelled()
            if deadline is not None and limit is not None:
                if self.held_up:
                    deadline = time.monotonic() + limit  # PAUSE_SECONDS limits that
                elif time.monotonic() > deadline:
                    raise TookTooLong
            heard = self._heard
            got = self._pull(pace)
            if got and limit is not None and not self._reader.between_frames:
                deadline = time.monotonic() + limit  # a long message that moves is no silence
            if self._heard != heard:
                pace = _Pace()
            elif not got:
                self._wait(min(pace.left(), self.keep_company()))

    def expect(self, wanted: type[T], limit: float | None = None) -> T:
        """The next message, which must be of this type."""
        message = self.receive(limit)
        if not isinstance(message, wanted):
            raise ProtocolProblem
        return message

    def expect_sealed(self, kind: Kind, limit: float | None = None) -> Sealed:
        """The next message, which must be this sealed one."""
        message = self.receive(limit)
        if not isinstance(message, Sealed) or message.kind is not kind:
            raise ProtocolProblem
        return message

    def poll(self, seconds: float = 0.0) -> Message | None:
        """A message that is there already or arrives within `seconds`; None otherwise. Says `waiting` where due."""
        message = self._next()
        if message is not None:
            return message
        self._check_cancelled()
        if not self._pull(None) and not self._inbox and seconds > 0:
            self.link.wait(min(seconds, self.keep_company()))
            self._pull(None)
        return self._next()

    def keep_company(self) -> float:
        """Says `waiting` if nothing was said for a while; gives the seconds until it is due again."""
        due = self._spoke + limits.WAITING_SECONDS - time.monotonic()
        changed = self.state is State.DATA and self._answers.paused != self._said_paused
        if due > 0 and not changed:
            return due
        if changed:
            self._said_paused = not self._said_paused
            self._on_pause(self._said_paused, False)
        if self.state not in (State.START, State.CLOSED):
            self.send(Waiting(self._said_paused))
        self._spoke = time.monotonic()
        return limits.WAITING_SECONDS

    def end(self, problem: Problem) -> None:
        """Tells the other side why we end, as far as it can be told, and closes. Never raises for a link that is gone."""
        try:
            if self.state not in (State.CLOSED,) and not (self.state is State.START and self.role is Role.SENDER):
                self._conversation.sending(Kind.STOP)
                self._queue(*encode_frame(Stop(stop_code(problem))))
                self._last_word()
        except LinkLostError:  # they are gone: nobody left to tell
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Ends in order after the last message."""
        self._answers.no_more_changes(self.link.wake)
        self.link.close()

    def tell_pauses(self, on_pause: Callable[[bool, bool], None]) -> None:
        """Calls `on_pause(paused, by_them)` when a person pauses or goes on, on either side."""
        self._on_pause = on_pause

    @property
    def they_pause(self) -> bool:
        """Whether the other side has paused, as far as it said."""
        return self._they_pause_since is not None

    @property
    def held_up(self) -> bool:
        """Whether either person has paused."""
        return self.they_pause or self._answers.paused

    @property
    def lost(self) -> bool:
        """Whether `lose` was called."""
        return self._lost

    def lose(self) -> None:
        """Treats the link as lost, from any thread: what waits on it raises LinkLostError."""
        self._lost = True
        self.link.wake()

    # --- inside ---------------------------------------------------------------------------------------------------

    def _next(self) -> Message | None:
        if not self._inbox:
            return None
        message = self._inbox.popleft()
        self._unread_bytes -= _size_of(message)
        if isinstance(message, Stop):
            raise problem_of_stop(message.code)
        return message

    def _pull(self, pace: _Pace | None) -> bool:
        """Reads what is there, at most to the end of one message: whoever calls looks at everything else in between.

        True where anything came.
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
        self._heard += 1
        if isinstance(message, Waiting):
            self._chatter.heard()
            self._note_pause(message.paused)
            return
        self._inbox.append(message)
        self._unread_bytes += _size_of(message)
        if len(self._inbox) > _UNREAD or self._unread_bytes > _UNREAD_BYTES:
            raise ProtocolProblem

    def _note_pause(self, paused: bool) -> None:
        if self.state is not State.DATA:
            return
        if paused != self.they_pause:
            self._they_pause_since = time.monotonic() if paused else None
            self._on_pause(paused, True)
        elif self._they_pause_since is not None and time.monotonic() - self._they_pause_since > limits.PAUSE_SECONDS:
            raise Interrupted

    def _queue(self, header: bytes, body: bytes | memoryview) -> None:
        if len(body) <= limits.BATCH_CAP:
            self._unsent.append(memoryview(header + bytes(body)))
        else:
            self._unsent += [memoryview(header), memoryview(body)]

    def _send_some(self) -> int:
        # a slice, since TLS says how much is out only when all it was given is
        count = self.link.try_send(self._unsent[0][:_SLICE])
        self._unsent[0] = self._unsent[0][count:]
        if not self._unsent[0]:
            self._unsent.popleft()
        self.wire_bytes += count
        return count

    def _write(self) -> None:
        pace = _Pace()
        while self._unsent:
            count = self._send_some()
            if count:
                pace.moved(count)
                continue
            self._check_cancelled()
            # while the other side is slow to read, what it says is heard: a `stop` ends this, anything else shows life
            heard = self._heard
            self._pull(None)
            last = self._inbox[-1] if self._inbox else None
            if isinstance(last, Stop):
                raise problem_of_stop(last.code)
            if self._heard != heard:
                pace = _Pace()
                continue
            self._wait(pace.left(), write=True)

    def _wait(self, seconds: float, *, write: bool = False) -> None:
        began = time.perf_counter()
        try:
            self.link.wait(seconds, read=True, write=write)
        finally:
            self.waited += time.perf_counter() - began

    def _last_word(self) -> None:
        """Writes what is left without looking at cancellation, then reads and drops until the other side has closed."""
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
        if self._answers.cancelled:
            raise Cancelled
        if self._answers.paused_too_long:
            raise Interrupted
        self._check()


class _Chatter:
    """Counts `waiting`: it needs no answer and is said in every state, so a flood of it would keep us busy for nothing."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._count = 0

    def heard(self) -> None:
        """Raises ProtocolProblem where there are more than anybody needs to say."""
        self._count += 1
        if self._count > _CHATTER + _CHATTER_A_SECOND * (time.monotonic() - self._began):
            raise ProtocolProblem


def _size_of(message: Message) -> int:
    """The bytes of memory that a message holds; a control message is small."""
    return len(message.token) if isinstance(message, Sealed) else limits.CONTROL_CAP
