"""A window on paper, and a presenter before it with sessions that never run: what windows decide, without Tk and without threads."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from countersign.base import i18n
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.session import status as st
from countersign.session.answers import Slot
from countersign.session.proposal import Proposal
from countersign.session.running import Session
from countersign.source.scanning import Scan
from countersign.source.selection import Selection
from countersign.ui.preferences import PreferenceStore
from countersign.ui.presenters.choosing import Summary
from countersign.ui.presenters.common import Presenter
from countersign.ui.presenters.context import Context
from countersign.ui.presenters.receiver import ReceiverPresenter
from countersign.ui.presenters.running import Running
from countersign.ui.presenters.screens import (
    CERTIFICATE,
    Bar,
    Big,
    Digits,
    Drop,
    Feedback,
    Field,
    KeyGroups,
    Menu,
    Moving,
    Outcome,
    Place,
    Rows,
    Screen,
    Sentence,
    Text,
    Waiting,
)
from countersign.ui.presenters.sender import SenderPresenter
from tests.transfers import Couple

C = TypeVar("C")


class PaperWindow:
    """A window that only remembers."""

    def __init__(self) -> None:
        self.screens: list[Screen] = []
        self.typed: dict[str, str] = {}
        self.file: Path | None = None
        self.folder: Path | None = None
        self.yes = True
        self.holds = False  # dialogs and questions stay open until `answer`
        self.pending: Callable[[], None] | None = None
        self.closed = False
        self.titles: list[str] = []
        self.revealed: list[Path] = []
        self.files: list[Path] = []
        self.shown_menus: tuple[Menu, ...] = ()
        self.shown_places: tuple[Place, ...] = ()
        self.wanted_looks = ""
        self.questions = 0
        self.spoken = ""

    @property
    def now(self) -> Screen:
        return self.screens[-1]

    def show(self, screen: Screen) -> None:
        self.screens.append(screen)

    def shown(self) -> str:
        return self.now.id if self.screens else ""

    def field(self, identity: str) -> str:
        return self.typed[identity]

    def open_file(
        self, title: str, then: Callable[[Path], None], *, kind: str = CERTIFICATE, at: Path | None = None
    ) -> None:
        self._ask(self.file, then)

    def save_file(self, title: str, suggested: str, then: Callable[[Path], None]) -> None:
        self._ask(self.file, then)

    def choose_folder(self, title: str, at: Path, then: Callable[[Path], None]) -> None:
        self._ask(self.folder, then)

    def choose_files(self, title: str, at: Path, then: Callable[[list[Path]], None]) -> None:
        self._ask(self.files, then)

    def confirm(self, question: str, yes: str, no: str, then: Callable[[], None]) -> None:
        self.questions += 1
        if self.holds:
            self.pending = then
        elif self.yes:
            then()

    def stop_asking(self) -> None:
        self.pending = None

    def _ask(self, chosen: C | None, then: Callable[[C], None]) -> None:
        if not chosen:
            return
        if self.holds:
            self.pending = lambda: then(chosen)
        else:
            then(chosen)

    def answer(self) -> None:
        """Says yes to the question that is open, or chooses in the dialog that is."""
        assert self.pending is not None, "nothing is asked"
        pending, self.pending = self.pending, None
        pending()

    def speak(self) -> None:
        self.spoken = i18n.language()

    def places(self, places: tuple[Place, ...]) -> None:
        self.shown_places = places

    def menus(self, menus: tuple[Menu, ...]) -> None:
        self.shown_menus = menus

    def looks(self, looks: str) -> None:
        self.wanted_looks = looks

    def reveal(self, path: Path) -> None:
        self.revealed.append(path)

    def title(self, text: str) -> None:
        self.titles.append(text)

    def close(self) -> None:
        self.closed = True

    def press(self, label: str) -> None:
        """Presses the button whose label begins so."""
        beside = [action for block in self.now.blocks if isinstance(block, Sentence) for action in block.actions]
        beside += [action for block in self.now.blocks if isinstance(block, Drop) for action in block.choices]
        [action] = [action for action in (*self.now.actions, *beside) if action.label.startswith(label)]
        fields = [
            block
            for block in self.now.blocks
            if isinstance(block, Field) and block.changed is not None and not block.search
        ]
        if action.main and fields:  # a field decides then, as in a real window
            enabled = all(f.changed(self.typed.get(f.id, f.value)).ready for f in fields if f.changed)
        else:
            enabled = action.enabled
        assert enabled, f"“{label}” is disabled"
        action.act()

    def choose(self, label: str) -> None:
        """Chooses the line of a menu that begins so."""
        lines = [item for menu in self.shown_menus for item in menu.items if item is not None]
        [item] = [item for item in lines if item.label.startswith(label)]
        assert item.enabled, f"“{label}” is disabled"
        item.act()

    @property
    def rows(self) -> Rows:
        [rows] = [block for block in self.now.blocks if isinstance(block, Rows)]
        return rows

    def type(self, identity: str, text: str) -> Feedback:
        """Types into a field."""
        self.typed[identity] = text
        [found] = [block for block in self.now.blocks if isinstance(block, Field) and block.id == identity]
        assert found.changed is not None
        return found.changed(text)

    def text(self) -> str:
        """All that can be read."""
        parts = [self.now.heading]
        for block in self.now.blocks:
            if isinstance(block, (Text, Bar, Sentence, Outcome, Waiting)):
                parts.append(block.text)
            elif isinstance(block, Digits):
                parts += [block.digits, block.caption, block.state]
            elif isinstance(block, KeyGroups):
                parts += [block.copies, *(" ".join((signs, *spelled)) for signs, spelled in block.groups)]
            elif isinstance(block, Drop):
                parts += [block.text, block.below]
            elif isinstance(block, Moving):
                parts += [block.title, block.amounts, block.rate, block.left, block.note]
            elif isinstance(block, Big):
                parts += [block.text, block.caption, block.below]
            elif isinstance(block, Field):
                parts.append(block.label)
            elif isinstance(block, Rows):
                parts += [" ".join(block.row(i)) for i in range(block.count)]
        return "\n".join(parts)


class Stage:
    """A presenter, its window, and the sessions that it began; none of them runs."""

    def __init__(self, couple: Couple, role: str, **options: object) -> None:
        self.window = PaperWindow()
        self.sessions: list[Session] = []
        self.holds = False  # work in the background ends at `finish`
        self.finish: Callable[[], None] = lambda: None
        self.looked_at: list[Selection] = []
        self.summarised: list[Callable[[Summary], None]] = []
        given = {
            "into": str(couple.into),
            "bind": None,
            "port": 0,
            "folder": None,
            "to": None,
            "peer": None,
            "exclude": [],
            **options,
        }
        profile = couple.bob if role == "receiver" else couple.alice
        self.preferences = PreferenceStore(profile.home.state)
        context = Context(profile, self.window, self.preferences, self.sessions.append, print, self._work)
        self.presenter: Presenter
        if role == "receiver":
            self.presenter = ReceiverPresenter(context, Namespace(**given))
        else:
            self.presenter = SenderPresenter(context, Namespace(**given), self._summarise)
        self.presenter.begin_here()

    def hear(self, *statuses: st.Status) -> PaperWindow:
        for status in statuses:
            self.presenter.on_status(status)
        return self.window

    def _work(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self.finish = lambda: then(work())
        if not self.holds:
            self.finish()

    def found(self, summary: Summary) -> PaperWindow:
        """What the thread that looks at a selection has found."""
        self.summarised[-1](summary)
        return self.window

    def _summarise(self, selection: Selection, then: Callable[[Summary], None]) -> None:
        self.looked_at.append(selection)
        self.summarised.append(then)

    @property
    def running(self) -> Running:
        """What runs."""
        assert self.presenter.running is not None
        return self.presenter.running

    @property
    def session(self) -> Session:
        """The session that runs."""
        return self.running.session

    def ended(self) -> PaperWindow:
        """The session's thread is done."""
        self.presenter.ended(self.session)
        return self.window

    def said(self, question: str) -> object:
        answers = self.session.answers
        slots: dict[str, Slot[Any]] = {"code": answers.code, "key": answers.key, "decision": answers.decision}
        return slots[question].take()


LISTENING = st.Listening(("192.168.1.5", "10.0.0.1"), 12346, "4711", "ABCD-…")
OFFER = st.OfferSeen("alice")


def proposal(couple: Couple, free: int = 10**9) -> Proposal:
    manifest = Manifest()
    manifest.add(Entry(EntryKind.FOLDER, -1, "album", 0, 0, ""))
    manifest.add(Entry(EntryKind.FILE, 0, "one\u202e.jpg", 5000, 0, ""))
    manifest.add(Entry(EntryKind.LINK, -1, "link", 0, 0, "album"))
    return Proposal(
        "alice", "holiday", manifest, couple.into, free, 0, 0, {1: "its name is reserved on this computer"}, ("album",)
    )


def done(path: Path, **more: object) -> st.Done:
    return st.Done(path, 3, 5000, 6000, 2.0, (("x", "it is not a file"),), path / "r.receipt", **more)  # type: ignore[arg-type]


def summary(couple: Couple, files: int, size: int, skipped: int = 0) -> Summary:
    """What a look at the couple's folder has found."""
    selection = Selection((couple.folder,))
    scan = Scan(selection, skipped=[("x", "y")] * skipped)
    for number in range(files):
        scan.manifest.add(Entry(EntryKind.FILE, -1, f"{number:04d}", size // files, 0, ""))
    return Summary(selection, scan)
