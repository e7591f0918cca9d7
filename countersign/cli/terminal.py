"""The terminal face: runs a session, prints lines or JSON events, gives the exit code. Knows status values and answers, no socket."""

from __future__ import annotations

import json
import queue
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from countersign.awake import Wakefulness
from countersign.base.errors import EXIT_DONE, Cancelled, Problem
from countersign.base.never import assert_never
from countersign.cli.answering import Answering
from countersign.cli.bar import ProgressBar
from countersign.cli.events import event_of
from countersign.cli.questions import InputLine, Questions
from countersign.session import status as st
from countersign.session.running import Session
from countersign.wording import lines_of


@dataclass(frozen=True)
class _Ended:
    """The session's thread is done; with the bug that ended it, if one did."""

    error: BaseException | None = None


@dataclass(frozen=True)
class _Interrupt:
    """Ctrl-C, or a request to terminate."""


_Item: TypeAlias = InputLine | _Ended | _Interrupt | st.Status


class Terminal:
    """Reads statuses and lines on one thread, so that nothing is said twice or out of order."""

    def __init__(self, options: Namespace) -> None:
        self.interactive = sys.stdin is not None and sys.stdin.isatty()
        self._options = options
        self._json: bool = options.json
        self._items: queue.SimpleQueue[_Item] = queue.SimpleQueue()  # a signal may put at any moment
        self._questions = Questions(self.interactive, self._items.put)
        self._bar = ProgressBar()
        self._outcome: int | None = None

    def report(self, status: st.Status) -> None:
        """Takes a status from any thread."""
        self._items.put(status)

    def run(self, session: Session) -> int:
        """Runs a session to its end and gives the exit code."""
        person = Answering(session, self._options, self.interactive, self._questions, self.say)
        thread = threading.Thread(target=self._run_session, args=(session,), name="engine", daemon=True)
        with closing(Wakefulness()) as awake, _interrupts(lambda: self._items.put(_Interrupt())):
            thread.start()
            end = self._follow(session, person, awake)
        thread.join()
        self._bar.end()
        if end.error is not None:
            raise end.error
        return EXIT_DONE if self._outcome is None else self._outcome

    def say(self, text: str = "") -> None:
        """A line for the person: on standard output, or beside it where that is for a program."""
        if not self._bar.print(text):
            print(text, file=sys.stderr if self._json else sys.stdout, flush=True)

    # --- the loop ----------------------------------------------------------------------------------------------------

    def _run_session(self, session: Session) -> None:
        try:
            session.run()
        except BaseException as error:  # noqa: BLE001 - raised again on the main thread
            self._items.put(_Ended(error))
        else:
            self._items.put(_Ended())

    def _follow(self, session: Session, person: Answering, awake: Wakefulness) -> _Ended:
        """Takes item after item until the session's thread is done."""
        while True:
            match self._items.get():
                case _Ended() as end:
                    return end
                case _Interrupt():
                    session.controls.cancel()
                case InputLine() as line:
                    person.take(line)
                case status:
                    awake.follow(status)
                    self._take(status, person)

    def _take(self, status: st.Status, person: Answering) -> None:
        match status:
            case st.StageTimes() if not self._options.stats:
                return
            case st.Done():
                self._outcome = EXIT_DONE
            case st.Failed():
                status = person.renamed(status)
                self._failed(status.problem)
        if self._json:
            event = event_of(status)
            if event is not None:
                print(json.dumps(event, ensure_ascii=True), flush=True)
        else:
            self._show(status)
        person.follow(status)

    def _failed(self, problem: Problem) -> None:
        """Keeps the exit code. A receiver that keeps listening and is cancelled while idle ends as its last transfer did."""
        idle = getattr(self._options, "keep_listening", False) and isinstance(problem, Cancelled)
        if not idle or self._outcome is None:
            self._outcome = problem.exit_code

    # --- showing ---------------------------------------------------------------------------------------------------

    def _show(self, status: st.Status) -> None:
        match status:
            case st.Progress():
                self._bar.show(status)
            case st.Failed():
                self._bar.end()
                for line in lines_of(status):
                    print(line, file=sys.stderr, flush=True)
            case st.Scanning() | st.KeyChecking():  # no words, and no reason to end a bar
                pass
            case (
                st.Listening() | st.StrangerRefused() | st.Connected() | st.NeedCode() | st.CodeWrong()
                | st.PeerLocked() | st.Ready() | st.KeyShown() | st.OfferSeen() | st.OfferOpened() | st.NeedKey()
                | st.KeyWrong() | st.NeedDecision() | st.WaitingFor() | st.Paused() | st.Reconnecting() | st.Note()
                | st.Done() | st.StageTimes()
            ):  # fmt: skip
                self._bar.end()
                for line in lines_of(status):
                    self.say(line)
            case _:
                assert_never(status)


@contextmanager
def _interrupts(cancel: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and a request to terminate cancel in order; a second one does not wait."""
    previous: dict[int, Any] = {}
    numbers: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)

    def on_signal(number: int, _frame: object) -> None:
        signal.signal(number, previous[number])
        cancel()

    for number in numbers:
        previous[number] = signal.getsignal(number)
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
