"""The terminal face: prompts, a progress bar, JSON events, exit codes. Knows status values and answers, no socket."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from argparse import Namespace
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress as RichProgress, TaskID, TextColumn

from countersign.awake import Wakefulness
from countersign.base import limits
from countersign.base.errors import (
    EXIT_DONE,
    BadCode,
    BadKey,
    Cancelled,
    CodeRefused,
    DeclinedHere,
    KeyRefused,
    Problem,
)
from countersign.base.figures import percent_text
from countersign.base.i18n import _
from countersign.cli.events import event_of
from countersign.seal.code import parse_code
from countersign.seal.keytext import parse_key
from countersign.session import status as st
from countersign.session.answers import Answers
from countersign.session.proposal import Decision, Proposal
from countersign.session.running import Session
from countersign.wording import lines_of, progress_text, proposal_lines

_SHOWN_ENTRIES = 40


@dataclass(frozen=True)
class _Line:
    """A line from standard input; None at its end."""

    text: str | None


@dataclass(frozen=True)
class _Ended:
    """The session's thread is done; with the bug that ended it, if one did."""

    error: BaseException | None = None


@dataclass(frozen=True)
class _Interrupt:
    """Ctrl-C, or a request to terminate."""


@dataclass
class _Wrongs:
    """What went wrong with a secret so far: decides what the end of the input means."""

    code: Problem | None = None
    key: Problem | None = None


@dataclass
class Terminal:
    """Reads statuses and lines on one thread, so that nothing is said twice or out of order."""

    options: Namespace
    queue: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)  # a signal may put at any moment
    wanted: deque[str] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.json: bool = self.options.json
        self.interactive = sys.stdin is not None and sys.stdin.isatty()
        self.accepting: bool = getattr(self.options, "accept", False)
        self.keep_listening: bool = getattr(self.options, "keep_listening", False)
        self.outcome: int | None = None
        self.wrongs = _Wrongs()
        self.console = Console(stderr=True, markup=False, highlight=False)
        self.bar: _Bar | None = None
        self.reader: threading.Thread | None = None
        self.session: Session | None = None
        self.proposal: Proposal | None = None
        self.tries = limits.CODE_TRIES
        self.early: deque[str] = deque()
        self.said_yes = False  # before the offer was open
        self.instead: Problem | None = None  # what an end by missing input is called

    def report(self, status: st.Status) -> None:
        """Takes a status from any thread."""
        self.queue.put(status)

    def run(self, session: Session) -> int:
        """Runs a session to its end and gives the exit code."""
        self.session = session
        thread = threading.Thread(target=self._run_session, args=(session,), name="engine", daemon=True)
        awake = Wakefulness()
        with closing(awake), _interrupts(lambda: self.queue.put(_Interrupt())):
            thread.start()
            while True:
                item = self.queue.get()
                if isinstance(item, _Ended):
                    break
                if isinstance(item, _Interrupt):
                    self._cancel()
                else:
                    if not isinstance(item, _Line):
                        awake.follow(item)
                    self._take(item)
        thread.join()
        self._end_bar()
        if item.error is not None:
            raise item.error
        return EXIT_DONE if self.outcome is None else self.outcome

    def say(self, text: str = "") -> None:
        """A line for the person: on standard output, or beside it where that is for a program."""
        if self.bar is not None:
            self.bar.print(text)
        else:
            print(text, file=sys.stderr if self.json else sys.stdout, flush=True)

    # --- the loop ----------------------------------------------------------------------------------------------------

    def _run_session(self, session: Session) -> None:
        try:
            session.run()
        except BaseException as error:  # noqa: BLE001 - raised again on the main thread
            self.queue.put(_Ended(error))
        else:
            self.queue.put(_Ended())

    def _take(self, item: st.Status | _Line) -> None:
        if isinstance(item, _Line):
            self._line(item.text)
            return
        if isinstance(item, st.StageTimes) and not self.options.stats:
            return
        if isinstance(item, st.Failed) and self.instead is not None:
            if isinstance(item.problem, (Cancelled, DeclinedHere)):
                item = st.Failed(self.instead)
        if self.json:
            event = event_of(item)
            if event is not None:
                print(json.dumps(event, ensure_ascii=True), flush=True)
        else:
            self._show(item)
        self._act(item)

    def _cancel(self) -> None:
        if self.session is not None:
            self.session.controls.cancel()

    def _act(self, status: st.Status) -> None:
        """What a status asks of us, whatever the form of the output."""
        if isinstance(status, st.NeedCode):
            self.tries = status.tries_left
            self._want("code")
        elif isinstance(status, st.CodeWrong):
            self.wrongs.code = CodeRefused()
        elif isinstance(status, st.OfferSeen):
            self.wrongs.key = None
            self.said_yes = False
        elif isinstance(status, st.NeedKey):
            self._want("key")
        elif isinstance(status, st.KeyWrong):
            self.wrongs.key = BadKey() if status.slip else KeyRefused()
        elif isinstance(status, st.NeedDecision):
            self._decide(status.proposal)
        elif isinstance(status, st.Failed):
            self.wanted.clear()
            idle = self.keep_listening and isinstance(status.problem, Cancelled)
            self.outcome = self.outcome if idle and self.outcome is not None else status.problem.exit_code
        elif isinstance(status, st.Done):
            self.wanted.clear()
            self.outcome = EXIT_DONE

    def _decide(self, proposal: Proposal) -> None:
        if self.accepting or self.said_yes:
            self._accept()
        else:
            self._show_proposal(proposal)
            self._want("accept")

    def _accept(self) -> None:
        tell = getattr(self.options, "tell_renamed", False)
        self._answers.decision.give(Decision(True, tell_renamed=tell))

    # --- standard input ----------------------------------------------------------------------------------------------

    def _want(self, what: str) -> None:
        self.wanted.append(what)
        if len(self.wanted) == 1:
            self._prompt()
        if self.early:
            self.queue.put(_Line(self.early.popleft()))
        elif self.reader is None:
            self.reader = threading.Thread(target=self._read_lines, name="input", daemon=True)
            self.reader.start()
        elif not self.reader.is_alive():
            self.queue.put(_Line(None))

    def _prompt(self) -> None:
        if not self.interactive or not self.wanted:
            return
        texts = {
            "code": _("Code (four digits, from the other screen): "),
            "key": _("Key (sixteen characters, read to you; n to decline): "),
            "accept": _("Accept? (y or n, or l for the whole list): "),
        }
        print(texts[self.wanted[0]], end="", file=sys.stderr, flush=True)

    def _read_lines(self) -> None:
        for line in read_lines():
            self.queue.put(_Line(line))
        self.queue.put(_Line(None))

    def _line(self, text: str | None) -> None:
        if not self.wanted:
            if text is not None and not self.interactive:
                self.early.append(text)  # a program may say all it knows at once
            return
        what = self.wanted.popleft()
        if text is None:
            self.wanted.clear()
            self._input_ended(what)
            return
        handler: dict[str, Callable[[str], None]] = {
            "code": self._typed_code,
            "key": self._typed_key,
            "accept": self._typed_accept,
        }
        more = bool(self.wanted)
        handler[what](text.strip())
        if more:
            self._prompt()  # what is wanted anew has prompted by itself

    def _typed_code(self, text: str) -> None:
        try:
            self._answers.code.give(parse_code(text))
        except BadCode as problem:
            self.wrongs.code = problem
            self._tell(problem, {"event": "code_wrong", "tries_left": self.tries, "slip": True})
            self._want("code")

    def _typed_key(self, text: str) -> None:
        if text.lower() in ("n", "no", "q"):
            self._answers.decision.give(Decision(False))
            return
        if not self.interactive and text.lower() in ("y", "yes"):
            self.said_yes = True  # a program may say so before the key, as it knows what it waits for
            self._want("key")
            return
        if self.interactive:
            try:
                parse_key(text)
            except BadKey as problem:
                self._tell(problem, {})
                self._want("key")
                return
        self._answers.key.give(text)

    def _typed_accept(self, text: str) -> None:
        if self.interactive and text.lower() == "l" and self.proposal is not None:
            for line in proposal_lines(self.proposal, len(self.proposal.manifest)):
                self.say(line)
            self._want("accept")
        elif text.lower() not in ("y", "yes", "n", "no") and self.interactive:
            self.say(_("Please type y or n."))
            self._want("accept")
        elif text.lower() not in ("y", "yes"):
            self.wanted.clear()
            self._answers.decision.give(Decision(False))
        else:
            self._accept()

    def _input_ended(self, what: str) -> None:
        """Nobody can answer any more: the same as saying no, but it remembers what was wrong before."""
        if what == "accept":
            self._answers.decision.give(Decision(False))
            return
        seen = self.wrongs.code or Cancelled() if what == "code" else self.wrongs.key or DeclinedHere()
        if isinstance(seen, BadKey):
            seen = KeyRefused()
        if what == "key":
            self._answers.decision.give(Decision(False))
        else:
            self._cancel()
        if not self.keep_listening:
            self.instead = seen

    @property
    def _answers(self) -> Answers:
        assert self.session is not None
        return self.session.answers

    def _tell(self, problem: Problem, event: dict[str, object]) -> None:
        if self.json:
            if event:
                print(json.dumps({**event, "message": problem.message, "hint": problem.hint}), flush=True)
        else:
            self.say(str(problem))

    # --- showing ---------------------------------------------------------------------------------------------------

    def _show(self, status: st.Status) -> None:
        if isinstance(status, st.Progress):
            self._show_progress(status)
            return
        if not isinstance(status, (st.Scanning, st.KeyChecking)):
            self._end_bar()
        for line in lines_of(status):
            if isinstance(status, st.Failed):
                print(line, file=sys.stderr, flush=True)
            else:
                self.say(line)

    def _show_progress(self, status: st.Progress) -> None:
        if not self.console.is_terminal:
            return  # a bar is for eyes; a log gets the result
        if self.bar is None and status.bytes_done >= status.bytes_total:
            return  # it is over and was shown
        if self.bar is None:
            self.bar = _Bar(self.console, status.bytes_total)
        self.bar.update(status)

    def _end_bar(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _show_proposal(self, proposal: Proposal) -> None:
        self.proposal = proposal
        if self.json:
            return  # the event `list` has said it
        for line in proposal_lines(proposal, _SHOWN_ENTRIES):
            self.say(line)


class _Bar:
    """A progress bar with rate and time left."""

    def __init__(self, console: Console, total: int) -> None:
        self._progress = RichProgress(
            BarColumn(), TextColumn("{task.fields[share]}"), TextColumn("{task.fields[text]}"), console=console
        )
        self._task: TaskID = self._progress.add_task("", total=max(total, 1), text="", share="")
        self._progress.start()

    def update(self, status: st.Progress) -> None:
        share = percent_text(status.bytes_done / status.bytes_total if status.bytes_total else 1.0)
        self._progress.update(self._task, completed=status.bytes_done, text=progress_text(status), share=share)

    def print(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


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


def read_lines() -> Iterator[str]:
    """Lines of standard input, read from its handle: a thread that waits here must hold no lock when Python ends."""
    rest = b""
    try:
        handle = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # a program without a terminal has none
        return
    while True:
        try:
            part = os.read(handle, 4096)
        except OSError:
            return
        if not part:
            break
        rest += part
        *lines, rest = rest.split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
        if len(rest) > limits.STOP_CAP:
            rest = b""
    if rest:
        yield rest.decode("utf-8", "replace")
