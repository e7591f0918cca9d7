"""What the windows decide, without Tk and without threads: statuses and actions in, screens out."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.base import errors, i18n
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.places.home import Home
from countersign.profile import open_profile
from countersign.seal.keytext import new_key
from countersign.session import status as st
from countersign.session.answers import Slot
from countersign.session.proposal import Decision, Proposal
from countersign.source.scanning import Scan, scan_selection
from countersign.source.selection import Selection
from countersign.ui.preferences import PreferenceStore
from countersign.ui.presenters.common import Context, Presenter
from countersign.ui.presenters.receiver import ReceiverPresenter
from countersign.ui.presenters.screens import (
    CERTIFICATE,
    Bar,
    Big,
    Choice,
    Feedback,
    Field,
    Menu,
    Rows,
    Screen,
    Sentence,
    Text,
)
from countersign.ui.presenters.sender import SenderPresenter, Summary, code_typed
from tests.transfers import Couple, Exchange, fill, interrupt


class PaperWindow:
    """A window that only remembers."""

    def __init__(self) -> None:
        self.screens: list[Screen] = []
        self.typed: dict[str, str] = {}
        self.file: Path | None = None
        self.folder: Path | None = None
        self.yes = True
        self.closed = False
        self.titles: list[str] = []
        self.revealed: list[Path] = []
        self.files: list[Path] = []
        self.shown_menus: tuple[Menu, ...] = ()
        self.wanted_looks = ""
        self.asked_no_more = False
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

    def open_file(self, title: str, kind: str = CERTIFICATE, at: Path | None = None) -> Path | None:
        return self.file

    def save_file(self, title: str, suggested: str) -> Path | None:
        return self.file

    def choose_folder(self, title: str, at: Path) -> Path | None:
        return self.folder

    def choose_files(self, title: str, at: Path) -> list[Path]:
        return self.files

    def confirm(self, question: str, yes: str, no: str) -> bool:
        return self.yes

    def speak(self) -> None:
        self.spoken = i18n.language()

    def stop_asking(self) -> None:
        self.asked_no_more = True

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
            if isinstance(block, (Text, Bar, Sentence)):
                parts.append(block.text)
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
        self.sessions: list[object] = []
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
        context = Context(
            profile, self.window, self.preferences, self.sessions.append, print, lambda work, then: then(work())
        )
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

    def found(self, summary: Summary) -> PaperWindow:
        """What the thread that looks at a selection has found."""
        self.summarised[-1](summary)
        return self.window

    def _summarise(self, selection: Selection, then: Callable[[Summary], None]) -> None:
        self.looked_at.append(selection)
        self.summarised.append(then)

    def said(self, question: str) -> object:
        assert self.presenter.session is not None
        answers = self.presenter.session.answers
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


def test_the_receiver_shows_code_and_addresses(couple: Couple) -> None:
    window = Stage(couple, "receiver").hear(LISTENING)
    assert window.now.heading == "Ready to receive"
    assert "4711" in window.text()
    assert "192.168.1.5\n" in window.text()
    assert "alice" in window.text()


def test_news_at_the_door_are_shown_in_place(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING, st.StrangerRefused())
    assert "unknown" in window.text()
    stage.hear(st.CodeWrong(2, "alice"))
    assert "2 tries left" in window.text()
    assert window.now.id == "listening"


def test_a_locked_peer_can_be_allowed_again(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    device = couple.bob.device
    for _n in range(9):
        device.guesses.begin_try(couple.peer_alice().id, device.now())
    window = stage.hear(LISTENING, st.PeerLocked("alice"))
    window.press("Allow alice")
    assert not device.guesses.locked(couple.peer_alice().id, device.now())


def test_the_receivers_way_to_the_end(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING, OFFER, st.NeedKey(5))
    assert "alice wants to send you something" in window.text()
    [field] = [block for block in window.now.blocks if isinstance(block, Field)]
    assert field.changed is not None
    key = new_key()
    assert field.changed(key).ready
    window.typed["key"] = key
    window.press("Look at the list")
    assert stage.said("key") == key
    stage.hear(st.KeyChecking(), st.KeyWrong(4), st.NeedKey(4))
    assert "4 tries left" in window.text()
    stage.hear(st.NeedDecision(proposal(couple)))
    assert "album/" in window.text()
    assert "\u202e" not in window.text()
    assert "reserved" in window.text()
    assert "there already" in window.text()
    window.press("Accept")
    assert stage.said("decision") == Decision(True)
    stage.hear(st.Progress(50, 100, 1, 3, 25.0, 2.0))
    assert window.titles[-1] == "50%"
    assert "2 s left" in window.text()
    stage.hear(done(couple.into, renamed=(("a", "a (2)"),), kept=("b",)))
    assert "a (2)" in window.text()
    assert "not a file" in window.text()
    window.press("Open folder")
    assert window.revealed == [couple.into]
    stage.presenter.ended()
    window.press("Receive another")
    assert len(stage.sessions) == 2


def test_declining_at_the_key_and_at_the_list(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    stage.hear(LISTENING, OFFER, st.NeedKey(5)).press("Decline")
    assert stage.said("decision") == Decision(False)
    stage.hear(st.NeedDecision(proposal(couple))).press("Decline")
    assert stage.said("decision") == Decision(False)


def test_accepting_is_not_possible_without_room(couple: Couple) -> None:
    window = Stage(couple, "receiver").hear(LISTENING, OFFER, st.NeedDecision(proposal(couple, free=10)))
    assert "not enough room" in window.text()
    with pytest.raises(AssertionError):
        window.press("Accept")


def test_another_port_is_offered(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(st.Failed(errors.PortTaken(port=12346, owner="x", free=4000)))
    stage.presenter.ended()
    assert "12346" in window.text()
    window.press("Use port 4000")
    assert len(stage.sessions) == 2


def test_another_folder_restarts_the_reception(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING)
    window.folder = tmp_path / "elsewhere"
    window.press("Choose another folder")
    assert stage.presenter.session is not None
    assert stage.presenter.session.controls.cancelled
    stage.hear(st.Failed(errors.Cancelled()))
    stage.presenter.ended()
    assert len(stage.sessions) == 2
    assert "elsewhere" in stage.hear(LISTENING).text()


def summary(couple: Couple, files: int, size: int, skipped: int = 0) -> Summary:
    """What a look at the couple's folder has found."""
    selection = Selection((couple.folder,))
    scan = Scan(selection, skipped=[("x", "y")] * skipped)
    for number in range(files):
        scan.manifest.add(Entry(EntryKind.FILE, -1, f"{number:04d}", size // files, 0, ""))
    return Summary(selection, scan)


# --- the sender ------------------------------------------------------------------------------------------------------


def test_the_senders_way_to_the_end(couple: Couple) -> None:
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    window = stage.window
    assert [look.place for look in stage.looked_at] == [couple.folder]
    stage.found(summary(couple, 3, 5000, 1))
    assert "3 files" in window.text()
    assert "1 cannot be sent and is named" in window.text()
    window.press("Connect")
    assert len(stage.sessions) == 1
    stage.hear(st.Connected("bob"), st.NeedCode(3))
    assert "bob" in window.text()
    window.typed["code"] = "12 34"
    window.press("Continue")
    assert stage.said("code") == "1234"
    stage.hear(st.CodeWrong(2, "bob"), st.NeedCode(2))
    assert "2 tries left" in window.text()
    stage.hear(st.KeyShown("AAAA-BBBB-CCCC-DDDD", "Alfa …"), st.WaitingFor("key"))
    assert "AAAA-BBBB-CCCC-DDDD" in window.text()
    stage.hear(st.KeyWrong(4))
    assert "4 tries left" in window.text()
    stage.hear(st.WaitingFor("answer"))
    assert "accept" in window.text()
    stage.hear(st.Progress(0, 100, 0, 3, 0.0, None), st.Reconnecting(200.0))
    assert "looking for the other computer" in window.text()
    stage.hear(done(couple.folder))
    assert window.now.heading == "It has arrived"


@pytest.mark.parametrize(
    ("problem", "button"),
    [
        (errors.Unreachable(address="x"), "Try again"),
        (errors.TheyDoNotTrustUs(), "People"),
        (errors.CodeRefused(), "Back"),
        (errors.Interrupted(), "Try again"),
        (errors.DiskFull(path="x", reason="y"), "Back"),
    ],
)
def test_every_problem_is_a_sentence_with_a_next_step(couple: Couple, problem: errors.Problem, button: str) -> None:
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    stage.found(summary(couple, 3, 5000)).press("Connect")
    window = stage.hear(st.Failed(problem))
    stage.presenter.ended()
    assert problem.message in window.text()
    assert problem.hint in window.text()
    window.press(button)


def test_a_folder_that_can_not_be_sent(couple: Couple) -> None:
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    window = stage.found(Summary(Selection((couple.folder,)), problem=errors.FolderEmpty(path=couple.folder)))
    assert "Choose what you want to send" in window.text()  # nothing was chosen yet
    other = couple.root / "other"
    stage.window.folder = other
    window.press("Another folder")
    stage.found(Summary(Selection((other,)), problem=errors.FolderEmpty(path=other)))
    assert "nothing in" in window.text()
    with pytest.raises(AssertionError):
        window.press("Connect")


def test_a_summary_of_another_folder_is_old_news(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "sender")
    assert (
        "Looking"
        in stage.found(Summary(Selection((tmp_path / "other",)), Scan(Selection((tmp_path / "other",))))).text()
    )


def test_dropping_and_choosing_a_folder(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "sender")
    album = tmp_path / "album"
    album.mkdir()
    drop = stage.window.now.drop
    assert drop is not None
    drop([album])
    assert stage.looked_at[-1].place == album
    stage.window.folder = couple.folder
    stage.window.press("Another folder")
    assert stage.looked_at[-1].place == couple.folder


def test_files_are_gathered(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "sender")
    files = [tmp_path / name for name in ("one.txt", "two.txt", "three.txt")]
    for path in files:
        path.write_text("x")
    stage.window.files = files[:1]
    stage.window.choose("Choose files")
    assert stage.looked_at[-1].paths == (files[0],)
    drop = stage.window.now.drop
    assert drop is not None
    drop(files[:2])
    assert stage.looked_at[-1].paths == tuple(files[:2])
    drop([files[2]])
    assert stage.looked_at[-1].paths == tuple(files)
    assert stage.window.now.heading == "Send files"


def test_an_address_is_judged_while_it_is_typed(couple: Couple) -> None:
    stage = Stage(couple, "sender")
    window = stage.found(summary(couple, 1, 1))
    [field] = [block for block in window.now.blocks if isinstance(block, Field)]
    assert field.changed is not None
    assert not field.changed("").ready
    assert not field.changed("1.2.3").ready
    assert field.changed("1.2.3.4").ready


def test_codes_are_judged_while_they_are_typed() -> None:
    assert [code_typed(text).ready for text in ("", "12", "1234", "12345", "x")] == [False, False, True, False, False]


def test_closing_asks_only_during_a_transfer(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    stage.hear(LISTENING, st.Progress(1, 2, 0, 1, 1.0, 1.0))
    stage.window.yes = False
    stage.presenter.close_asked()
    assert stage.presenter.session is not None
    assert not stage.presenter.session.controls.cancelled
    stage.window.yes = True
    stage.presenter.close_asked()
    assert stage.presenter.session.controls.cancelled
    stage.presenter.ended()
    assert stage.window.closed


def test_a_stop_that_takes_a_moment_is_shown_and_asked_once(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    stage.hear(LISTENING, st.Progress(1, 2, 0, 1, 1.0, 1.0))
    stage.window.yes = True
    stage.presenter.cancel()
    stopping = stage.window.screens[-1]
    assert Bar(None, "Stopping …") in stopping.blocks
    assert not any(action.enabled for action in stopping.actions)
    stage.window.yes = False  # nobody is asked again, and nothing that still comes in changes the screen
    stage.presenter.cancel()
    stage.hear(st.Progress(2, 2, 0, 1, 1.0, 1.0), st.Paused(True, True), st.Reconnecting(5.0))
    assert stage.window.screens[-1] == stopping
    stage.presenter.close_asked()
    assert stage.presenter.session is not None
    assert stage.presenter.session.controls.cancelled
    stage.presenter.ended()
    assert stage.window.closed


def test_closing_a_window_that_does_nothing(couple: Couple) -> None:
    stage = Stage(couple, "sender")
    stage.presenter.close_asked()
    assert stage.window.closed


# --- people ----------------------------------------------------------------------------------------------------------


def test_the_first_time_leads_to_the_people(tmp_path: Path, couple: Couple) -> None:
    alone = Couple(tmp_path, couple.alice, open_profile(Home(tmp_path / "alone")))
    stage = Stage(alone, "receiver")
    window = stage.window
    assert window.now.id == "first"
    assert not stage.sessions
    assert alone.bob.device.identity.fingerprint in window.text()
    window.file = tmp_path / "mine.pem"
    window.press("Save my certificate")
    assert window.file.read_bytes() == alone.bob.device.identity.pem
    window.press("Next")
    window.press("Choose their file")
    assert "your own" in window.text()
    window.file.write_bytes(couple.alice.device.identity.pem)
    window.press("Choose their file")
    assert window.now.id == "compare"
    assert couple.alice.device.identity.fingerprint in window.text()
    window.typed["name"] = "a/b"
    window.press("It is the same")
    assert "cannot be used" in window.text()
    window.typed["name"] = "Ada"
    window.press("It is the same")
    assert [peer.name for peer in alone.bob.device.peers.all()] == ["Ada"]
    assert len(stage.sessions) == 1


def test_people_are_renamed_and_forgotten(couple: Couple) -> None:
    stage = Stage(couple, "sender")
    window = stage.window
    stage.presenter.show_people()
    [rows] = [block for block in window.now.blocks if isinstance(block, Rows)]
    assert rows.chosen is not None
    rows.chosen(0)
    window.press("Rename")
    window.typed["name"] = "Robert"
    window.press("Rename")
    assert [peer.name for peer in couple.alice.device.peers.all()] == ["Robert"]
    rows.chosen(0)
    window.yes = False
    window.press("Forget")
    assert couple.alice.device.peers.all()
    window.yes = True
    window.press("Forget")
    assert not couple.alice.device.peers.all()
    assert window.now.id == "first"


def test_a_certificate_copied_by_hand_is_offered(tmp_path: Path, couple: Couple) -> None:
    alone = Couple(tmp_path, couple.alice, open_profile(Home(tmp_path / "alone")))
    (alone.bob.home.certs / "ada.pem").write_bytes(couple.alice.device.identity.pem)
    stage = Stage(alone, "receiver")
    stage.window.press("Next")
    stage.window.press("Look at it")
    stage.window.typed["name"] = "ada"
    stage.window.press("It is the same")
    assert not (alone.bob.home.certs / "ada.pem").exists()
    assert [peer.name for peer in alone.bob.device.peers.all()] == ["ada"]


# --- what is beside a transfer -----------------------------------------------------------------------------------------


def exchanged(couple: Couple) -> Couple:
    """A couple with a receipt on both sides."""
    fill(couple.folder, large=1000, small=3)
    assert Exchange(couple).run().codes == ("done", "done")
    return couple


def test_history_lists_searches_and_checks_again(couple: Couple) -> None:
    stage = Stage(exchanged(couple), "receiver")
    window = stage.hear(LISTENING)
    window.choose("History")
    assert "received “SEND_FOLDER”" in window.text()
    assert "alice" in window.text()
    assert window.type("search", "nobody").text == "0 transfers"
    assert window.rows.count == 0
    assert window.type("search", "ALICE").text == "1 transfer"
    assert window.rows.chosen is not None
    window.rows.chosen(0)
    window.press("Look at the receipt")
    assert "received by this computer" in window.text()
    assert "a/b/c/000.txt" in window.text()
    window.folder = couple.into
    window.press("Compare with a folder")
    assert "unchanged" in window.text()
    (couple.into / "large.bin").write_bytes(b"other")
    window.press("Compare with a folder")
    assert "large.bin: has another size" in window.text()
    window.press("Back")
    assert window.now.id == "history"
    window.press("Back")
    assert window.now.id == "listening"


def test_people_show_their_last_transfer(couple: Couple) -> None:
    stage = Stage(exchanged(couple), "sender")
    stage.window.choose("People you trust")
    [row] = [stage.window.rows.row(i) for i in range(stage.window.rows.count)]
    assert row[0] == "bob"
    assert row[2] != "never"


def test_a_receipt_that_is_none_is_a_sentence(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "sender")
    stage.window.file = tmp_path / "x.receipt"
    stage.window.choose("Check a receipt")
    assert "No such file" in stage.window.text()
    stage.window.file.write_text("no receipt\n")
    stage.presenter.home()
    stage.window.choose("Check a receipt")
    assert "not a receipt" in stage.window.text()
    stage.window.press("Back")


def test_interrupted_transfers_are_listed_and_discarded(couple: Couple) -> None:
    fill(couple.folder, large=80_000_000)
    interrupt(couple, 5_000_000)
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING)
    assert "1 transfer was interrupted." in window.text()
    window.press("Look …")
    assert "SEND_FOLDER" in window.text()
    assert window.rows.chosen is not None
    window.rows.chosen(0)
    window.yes = False
    window.press("Discard")
    assert window.rows.count == 1
    window.yes = True
    window.press("Discard")
    assert "Nothing was interrupted" in window.text()
    window.press("Back")
    assert window.now.id == "listening"


def test_looking_inside_taking_out_and_leaving_out(couple: Couple) -> None:
    fill(couple.folder, large=1000, small=3)
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    window = stage.window

    def look() -> None:
        """What the thread beside the window would do."""
        selection = stage.looked_at[-1]
        own = couple.alice.device.own
        stage.found(Summary(selection, scan_selection(selection, lambda _f, _b: None, lambda: False, own)))

    look()
    window.press("Look inside")
    assert window.now.id == "contents"
    assert "large.bin" in window.text()
    window.type("search", "000")
    assert window.rows.count == 1
    window.type("search", "")
    names = [window.rows.row(i)[0].strip() for i in range(window.rows.count)]
    assert window.rows.chosen is not None
    window.rows.chosen(names.index("large.bin"))
    window.press("Take out")
    look()
    assert "large.bin" not in [window.rows.row(i)[0].strip() for i in range(window.rows.count)]
    assert "1 entry stays here, as you chose" in window.text()
    window.type("patterns", "*.txt, empty")
    look()
    assert "000.txt" not in window.text()
    window.press("Put everything back")
    look()
    assert "large.bin" in window.text()
    assert "000.txt" not in window.text()
    window.press("Back")
    assert window.now.id == "start"
    assert "stay here, as you chose" in window.text()
    window.folder = couple.root
    window.press("Another folder")
    assert stage.looked_at[-1] == Selection((couple.root,)), "what was left out was meant for this sending"


def test_pausing_from_the_window(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING, st.Progress(1, 4, 0, 1, 1.0, 1.0, "disk"))
    assert "The disk sets the pace." in window.text()
    assert stage.presenter.session is not None
    window.press("Pause")
    assert stage.presenter.session.controls.paused
    assert "Paused." in window.text()
    window.press("Go on")
    assert not stage.presenter.session.controls.paused
    stage.hear(st.Paused(True, by_them=True))
    assert "The other person has paused." in window.text()
    stage.hear(st.Paused(False, by_them=True))
    assert "25%" in window.titles[-1]


def test_looks_and_language_are_chosen_in_the_menu(couple: Couple) -> None:
    stage = Stage(couple, "sender")
    stage.window.choose("Dark")
    assert stage.window.wanted_looks == "dark"
    stage.window.choose("Deutsch")
    assert stage.window.spoken == "de"
    assert stage.window.now.heading == "Einen Ordner senden"
    i18n.use("en")
    stage.presenter.show_menus()
    kept = stage.preferences.read()
    assert (kept.looks, kept.language) == ("dark", "de")
    marked = [
        item.label for menu in stage.window.shown_menus for item in menu.items if item is not None and item.marked
    ]
    assert marked == ["Dark", "Deutsch"]


def test_nothing_leads_away_from_a_transfer(couple: Couple) -> None:
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    window = stage.found(summary(couple, 3, 5000))
    window.press("Connect")
    stage.hear(st.Connected("bob"), st.NeedCode(3))
    enabled = {item.label for menu in window.shown_menus for item in menu.items if item is not None and item.enabled}
    assert not enabled & {"History", "People you trust", "Choose a folder …", "About Countersign"}
    stage.presenter.show_people()
    stage.presenter.show_history()
    assert window.now.id == "code"


def test_what_was_chosen_last_is_there_again(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "sender", to="192.168.7.7")
    stage.found(summary(couple, 1, 1)).press("Connect")
    stage.hear(st.Connected("bob"))
    again = Stage(couple, "sender", to=None).window
    [field] = [block for block in again.now.blocks if isinstance(block, Field)]
    assert field.value == "192.168.7.7"
    receiver = Stage(couple, "receiver")
    window = receiver.hear(LISTENING)
    window.folder = tmp_path
    window.press("Choose another folder")
    receiver.presenter.ended()
    assert Stage(couple, "receiver", into=None).preferences.read().into == str(tmp_path)


def test_one_of_several_addresses_is_shown_large(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(st.Listening(("192.168.1.5", "10.0.0.1"), 12346, "4711", "ABCD", ("wlan0", "tun0")))
    [choice] = [block for block in window.now.blocks if isinstance(block, Choice)]
    assert choice.options == ("192.168.1.5  (Wi-Fi, wlan0)", "10.0.0.1  (private network, tun0)")
    choice.changed(1)
    assert "10.0.0.1" in [block.text for block in window.now.blocks if isinstance(block, Big)]


def test_help_when_nothing_gets_through(couple: Couple) -> None:
    stage = Stage(couple, "receiver")
    window = stage.hear(LISTENING)
    window.choose("The other computer cannot reach")
    assert "12346" in window.text()
    window.press("Back")
    assert window.now.id == "listening"
    other = Stage(couple, "sender", to="192.168.1.5")
    other.found(summary(couple, 1, 1)).press("Connect")
    other.hear(st.Failed(errors.Unreachable(address="192.168.1.5")))
    other.presenter.ended()
    other.window.press("What to look at")
    assert "192.168.1.5" in other.window.text()
    other.window.press("Try again")
    assert len(other.sessions) == 2


@pytest.mark.window
def test_u1_a_drop_is_always_a_copy(tmp_path: Path) -> None:
    """A source that offers to move was told that its files were moved, and may remove them."""
    from types import SimpleNamespace

    from countersign.ui.views.window import AppWindow

    dropped: list[list[Path]] = []
    screen = SimpleNamespace(drop=dropped.append)
    root = SimpleNamespace(tk=SimpleNamespace(splitlist=str.split))
    window = SimpleNamespace(root=root, _screen=screen)
    for action in ("move", "link", "copy", "ask", "private"):
        event = SimpleNamespace(action=action, data=str(tmp_path))
        assert AppWindow._dropped(window, event) == "copy"  # type: ignore[arg-type]
    assert dropped == [[tmp_path]] * 5
