"""What a window can show: a screen is a heading, blocks from top to bottom, and its buttons. Frozen values; a view draws them.

Two screens with the same `id` are the same place: a view then changes what differs and moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol, TypeAlias

CERTIFICATE, RECEIPT = "certificate", "receipt"  # kinds of files that are chosen


class Tone(Enum):
    """How a text is meant. Colour only underlines it; the words say it."""

    PLAIN = "plain"
    HINT = "hint"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Text:
    """A paragraph, plain text only."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Big:
    """Something to read aloud or compare: a code, a key, a fingerprint; `below` spells it."""

    text: str
    caption: str
    below: str = ""
    size: int = 34  # points
    copies: str = ""  # what the copy button copies, where that is not all of it
    file: Path | None = None  # what can be dragged out of the window from here


@dataclass(frozen=True)
class Digits:
    """A code to read aloud, large, with a line of what state this is."""

    digits: str
    caption: str
    state: str = ""


@dataclass(frozen=True)
class KeyGroups:
    """The key to read aloud: each group above the words of its signs. copies: what the copy keys put on the clipboard."""

    groups: tuple[tuple[str, tuple[str, ...]], ...]
    copies: str


@dataclass(frozen=True)
class Waiting:
    """Somebody else is at work."""

    text: str


@dataclass(frozen=True)
class Outcome:
    """How it ended, or that there is nothing yet: a large mark. icon: of ui.drawing.icons."""

    text: str
    tone: Tone
    icon: str


@dataclass(frozen=True)
class Moving:
    """How far the data is. fraction: 0 to 1. rates: bytes a second of the last minute, the newest last."""

    title: str
    amounts: str
    left: str
    fraction: float
    rate: str = ""
    rates: tuple[float, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Feedback:
    """What a view shows beside a field while it is typed into; `ready` enables the main button."""

    text: str = ""
    tone: Tone = Tone.HINT
    ready: bool = False
    value: str | None = None  # what the field should hold instead, for grouping while typing
    goes_on: bool = False  # nothing is left to type: the main button is pressed by itself
    wrong: tuple[tuple[int, str], ...] = ()  # cells that cannot be right, and what to do about each


@dataclass(frozen=True)
class Field:
    """One line to type into. `changed` is asked after every change."""

    id: str
    label: str
    value: str = ""
    changed: Callable[[str], Feedback] | None = field(default=None, compare=False)
    large: bool = False
    example: str = ""  # an example of the form, shown below while the field is empty
    search: bool = False  # Return in it means nothing; what is typed filters a list on the same screen
    cells: tuple[int, int] | None = None  # how many boxes, and how many signs in each, instead of one line
    digits: bool = False  # in cells: nothing else is taken
    keeps: bool = False  # what is typed stays when the question is asked again


@dataclass(frozen=True)
class Choice:
    """One of several."""

    id: str
    label: str
    options: tuple[str, ...]
    chosen: int
    changed: Callable[[int], None] = field(compare=False, default=lambda _index: None)


@dataclass(frozen=True)
class Rows:
    """A list that may be very long: rows are asked for when they come into view."""

    columns: tuple[str, ...]
    count: int
    row: Callable[[int], tuple[str, ...]] = field(compare=False)
    chosen: Callable[[int], None] | None = field(compare=False, default=None)
    opened: Callable[[int], None] | None = field(
        compare=False, default=None
    )  # a double click; Return, where nothing folds
    folded: Callable[[int, bool], None] | None = field(compare=False, default=None)  # Left closes, Right opens
    version: int = 0  # another number: other rows, seen from the top again
    widths: tuple[int, ...] = (360, 150)  # of the columns, in pixels of a 96 dpi screen
    stretches: int = 0  # the column that takes the rest of the room, and loses the middle of what does not fit


@dataclass(frozen=True)
class Action:
    """A button. The main one also answers Return, the leaving one Escape."""

    label: str
    act: Callable[[], None] = field(compare=False)
    main: bool = False
    leaving: bool = False
    enabled: bool = True


@dataclass(frozen=True)
class Drop:
    """Where files and folders are dropped, with the buttons that choose instead."""

    text: str
    below: str
    choices: tuple[Action, ...]


@dataclass(frozen=True)
class Sentence:
    """A sentence with what can be done about it beside it."""

    text: str
    actions: tuple[Action, ...]
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Bar:
    """How far it is: a fraction from 0 to 1, or None where nobody knows yet."""

    fraction: float | None
    text: str


Block: TypeAlias = (
    Text | Big | Digits | KeyGroups | Field | Choice | Rows | Sentence | Bar | Moving | Waiting | Outcome | Drop
)


@dataclass(frozen=True)
class Place:
    """One of the places of a program, at the left of its window. icon: of ui.drawing.icons."""

    name: str
    label: str
    icon: str
    act: Callable[[], None] = field(compare=False)
    enabled: bool = True


@dataclass(frozen=True)
class MenuItem:
    """One line of a menu. keys: its shortcut, such as `Ctrl+O`; marked: whether it is the chosen one of several, None for a plain item."""

    label: str
    act: Callable[[], None] = field(compare=False)
    keys: str = ""
    enabled: bool = True
    marked: bool | None = None


@dataclass(frozen=True)
class Menu:
    """A menu of the window; None stands for a line between items."""

    title: str
    items: tuple[MenuItem | None, ...]


@dataclass(frozen=True)
class Screen:
    """One place in a program."""

    id: str
    heading: str
    blocks: tuple[Block, ...]
    actions: tuple[Action, ...]
    drop: Callable[[list[Path]], None] | None = field(compare=False, default=None)
    place: str = ""  # the name of the place that this is; empty: the places are hidden, nothing leads away
    centred: bool = False  # one question, in the middle
    careful: bool = False  # a Return that was meant for the screen before must not press the main button


class Window(Protocol):
    """What presenters ask of a window. Every call returns at once."""

    def show(self, screen: Screen) -> None:
        """Shows a screen."""

    def shown(self) -> str:
        """The id of the screen that is shown."""

    def field(self, identity: str) -> str:
        """What is typed into a field of the screen shown now."""

    # Nobody waits for an answer: `then` takes it later, on the window's thread, and may find that much has changed meanwhile.
    # Whoever closes a dialog or a question has chosen nothing, and `then` is not called.

    def open_file(
        self, title: str, then: Callable[[Path], None], *, kind: str = CERTIFICATE, at: Path | None = None
    ) -> None:
        """Lets the person choose a file: a CERTIFICATE or a RECEIPT."""

    def save_file(self, title: str, suggested: str, then: Callable[[Path], None]) -> None:
        """Lets the person choose where to save a file."""

    def choose_folder(self, title: str, at: Path, then: Callable[[Path], None]) -> None:
        """Lets the person choose a folder."""

    def choose_files(self, title: str, at: Path, then: Callable[[list[Path]], None]) -> None:
        """Lets the person choose files, one at least."""

    def confirm(self, question: str, yes: str, no: str, then: Callable[[], None]) -> None:
        """A question with two answers, each a verb; `then` is called for yes. While one is open, another is not asked."""

    def stop_asking(self) -> None:
        """Takes a question back that is open: nobody answers it any more."""

    def speak(self) -> None:
        """The language is another one now."""

    def places(self, places: tuple[Place, ...]) -> None:
        """Shows these places at the left of every screen that is one of them."""

    def menus(self, menus: tuple[Menu, ...]) -> None:
        """Shows these menus."""

    def looks(self, looks: str) -> None:
        """Light, dark, or as the system: one of preferences.LOOKS."""

    def reveal(self, path: Path) -> None:
        """Opens a folder in the system's file manager."""

    def title(self, text: str) -> None:
        """What title bar and task bar say."""

    def close(self) -> None:
        """Ends the program."""
