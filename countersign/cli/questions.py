"""What the person at the terminal is asked, and the lines of standard input that answer, in order."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from countersign.base import limits
from countersign.base.i18n import _


@dataclass(frozen=True)
class InputLine:
    """A line from standard input; None at its end."""

    text: str | None


class Asked(Enum):
    """A question."""

    CODE = "code"
    KEY = "key"
    ACCEPT = "accept"


class Questions:
    """The questions that are open. Reading begins with the first one; lines reach the terminal's loop through `post`."""

    def __init__(self, interactive: bool, post: Callable[[InputLine], None]) -> None:
        self._interactive = interactive
        self._post = post
        self._open: deque[Asked] = deque()
        self._early: deque[str] = deque()  # a program may say all it knows at once
        self._reader: threading.Thread | None = None

    def ask(self, question: Asked) -> None:
        """Asks, after what is asked already."""
        self._open.append(question)
        if len(self._open) == 1:
            self.prompt()
        if self._early:
            self._post(InputLine(self._early.popleft()))
        elif self._reader is None:
            self._reader = threading.Thread(target=self._read, name="input", daemon=True)
            self._reader.start()
        elif not self._reader.is_alive():
            self._post(InputLine(None))

    def take(self, line: InputLine) -> Asked | None:
        """The question that a line answers; None where nothing is asked. The end of the input ends all questions."""
        if not self._open:
            if line.text is not None and not self._interactive:
                self._early.append(line.text)
            return None
        question = self._open.popleft()
        if line.text is None:
            self._open.clear()
        return question

    @property
    def are_open(self) -> bool:
        """Whether something is asked."""
        return bool(self._open)

    def drop(self) -> None:
        """Nothing is asked any more."""
        self._open.clear()

    def prompt(self) -> None:
        """Says to a person what is asked first."""
        if self._interactive and self._open:
            texts = {
                Asked.CODE: _("Code (four digits, from the other screen): "),
                Asked.KEY: _("Key (sixteen characters, read to you; n to decline): "),
                Asked.ACCEPT: _("Accept? (y or n, or l for the whole list): "),
            }
            print(texts[self._open[0]], end="", file=sys.stderr, flush=True)

    def _read(self) -> None:
        for line in read_lines():
            self._post(InputLine(line))
        self._post(InputLine(None))


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
