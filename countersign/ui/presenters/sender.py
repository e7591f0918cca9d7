"""The sending program: a folder, an address, the code from the phone, the key on the screen, then it goes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from countersign.base import limits
from countersign.base.errors import BadAddress, BadCode, FolderEmpty, Problem
from countersign.base.figures import number_text
from countersign.base.i18n import _, ngettext
from countersign.base.printable import printable
from countersign.seal.code import parse_code
from countersign.session import status as st
from countersign.source.scanning import Scan
from countersign.source.selection import Selection
from countersign.transport.addresses import parse_address
from countersign.trust.peers import Peer
from countersign.ui.presenters.common import Context, Presenter
from countersign.ui.presenters.contents import Contents
from countersign.ui.presenters.screens import (
    Action,
    Bar,
    Big,
    Block,
    Choice,
    Feedback,
    Field,
    MenuItem,
    Screen,
    Sentence,
    Text,
    Tone,
)
from countersign.wording import amount_text, keys_text, sentence_of, taken_out_text, tries_text

_WORTH_ANOTHER_TRY = frozenset({
    "not_countersign", "busy", "peer_silent", "interrupted", "peer_stopped", "peer_cancelled", "peer_cancelled_midway",
    "cancelled_midway",
})  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """What a selection holds. `problem` where it cannot be sent."""

    selection: Selection
    scan: Scan | None = None
    problem: Problem | None = None


# looks at a selection on a thread of its own; the function takes the Summary on the window's thread, and none of an older question
Summarise = Callable[[Selection, Callable[[Summary], None]], None]


class SenderPresenter(Presenter):
    """See the module."""

    def __init__(self, context: Context, options: Namespace, summarise: Summarise) -> None:
        super().__init__(context)
        self._summarise = summarise
        self._selection = self.profile.selection(options.folder or self._kept_folder(), options.exclude)
        self._contents = Contents(self.window, self._select, self._show_start)
        self._peer_name: str | None = options.peer
        self._address: str = options.to or self._known_address()
        self._summary: Summary | None = None
        self._problem: Problem | None = None
        self._key: st.KeyShown | None = None
        self._ready: st.Ready | None = None
        self._peer = ""
        self._code_problem: Text | None = None

    def _kept_folder(self) -> str | None:
        """The folder that was sent last, while it is still there."""
        kept = self.context.preferences.read().folder
        return kept if kept and Path(kept).is_dir() else None

    @property
    def heading_moving(self) -> str:
        return _("Sending")

    # --- menus -------------------------------------------------------------------------------------------------------

    def own_title(self) -> str:
        return _("Send")

    def own_items(self) -> tuple[MenuItem | None, ...]:
        return (
            MenuItem(_("Choose a folder …"), self._choose_folder, "Ctrl+O", self.free),
            MenuItem(_("Choose files …"), self._choose_files, "Ctrl+Shift+O", self.free),
            MenuItem(_("Look at what will be sent"), self._look_inside, "Ctrl+L", self.free),
            None,
        )

    def port(self) -> int:
        return limits.DEFAULT_PORT

    # --- what, to whom -----------------------------------------------------------------------------------------------

    def home(self) -> None:
        """The folder and the address; or the guide for the first time."""
        if not self.people.anybody:
            self.people.show_first_time()
            return
        self._problem = None
        self._look()
        self._show_start()

    def _look(self) -> None:
        self._summary = None
        self._summarise(self._selection, self._summarised)

    def _show_start(self) -> None:
        blocks: list[Block] = [self._what_line(), self._amount_line()]
        names = [peer.name for peer in self.profile.device.peers.all()]
        if len(names) > 1:
            chosen = 1 + names.index(self._peer_name) if self._peer_name in names else 0
            shown = (_("Whoever of my people answers there"), *map(printable, names))
            blocks.append(Choice("peer", _("To whom"), shown, chosen, lambda i: self._choose_peer(names, i)))
        blocks.append(
            Field("address", _("Address that the receiver shows"), self._address, self._address_typed, example="192.168.1.20")
        )  # fmt: skip
        blocks += self._warning()
        if self._problem is not None:
            blocks.append(Text(str(self._problem), Tone.BAD))
        connect = Action(_("Connect"), self._connect, main=True, enabled=self._sendable and bool(self._address.strip()))
        self.window.show(Screen("start", self._heading(), tuple(blocks), (connect,), drop=self._dropped))

    def _heading(self) -> str:
        return _("Send a folder") if self._selection.is_folder else _("Send files")

    def _what_line(self) -> Sentence:
        selection = self._selection
        if selection.is_folder:
            text = _("Folder: {path}").format(path=printable(str(selection.place), 400))
        else:
            names = ", ".join(printable(path.name) for path in selection.paths[:3])
            text = names + (", …" if len(selection.paths) > 3 else "")
        return Sentence(
            text, (Action(_("Another folder …"), self._choose_folder), Action(_("Files …"), self._choose_files))
        )

    def _amount_line(self) -> Block:
        summary = self._summary
        if summary is None:
            return Sentence(_("Looking at it …"), (self._look_action(False),), Tone.HINT)
        if summary.problem is not None:
            if self._untouched and isinstance(summary.problem, FolderEmpty):
                return Text(_("Choose what you want to send, or drop it on this window."))
            return Sentence(str(summary.problem), (self._look_action(self._narrowed),), Tone.BAD)
        scan = summary.scan
        assert scan is not None
        text = amount_text(scan.manifest.files, scan.manifest.bytes)
        if scan.left_out:
            text += "  ·  " + taken_out_text(scan.left_out)
        if scan.skipped:
            skipped = ngettext(
                "{n} cannot be sent and is named at the end",
                "{n} cannot be sent and are named at the end",
                len(scan.skipped),
            )
            text += "  ·  " + skipped.format(n=number_text(len(scan.skipped)))
        if scan.inexact:
            dated = ngettext("{n} cannot keep its date", "{n} cannot keep their dates", len(scan.inexact))
            text += "  ·  " + dated.format(n=number_text(len(scan.inexact)))
        return Sentence(text, (self._look_action(True),), Tone.GOOD)

    def _warning(self) -> list[Block]:
        """What the person should know before anything is sent."""
        scan = self._summary.scan if self._summary is not None else None
        found = self._ready.private_keys if self._ready is not None else scan.keys if scan is not None else ()
        return [Text(keys_text(found), Tone.BAD)] if found else []

    def show_waiting(self, text: str) -> None:
        actions = (Action(_("Cancel"), self.cancel, leaving=True),)
        self.window.show(Screen("waiting", text, (Bar(None, ""), *self._warning()), actions))

    def _look_action(self, enabled: bool) -> Action:
        return Action(_("Look inside …"), self._look_inside, enabled=enabled)

    @property
    def _narrowed(self) -> bool:
        return bool(self._selection.patterns or self._selection.removed)

    @property
    def _untouched(self) -> bool:
        """Whether nothing was chosen yet: the folder for sending that every home has is empty in the beginning."""
        return self._selection == Selection((self.profile.home.send_folder,))

    @property
    def _sendable(self) -> bool:
        return self._summary is not None and self._summary.problem is None

    def _look_inside(self) -> None:
        self._contents.show(self._selection, self._summary.scan if self._summary is not None else None)

    def _select(self, selection: Selection) -> None:
        """Another selection, from the screen that looks inside."""
        self._selection = selection
        self._look()
        self._look_inside()

    def _address_typed(self, text: str) -> Feedback:
        self._address = text
        if not text.strip():
            return Feedback()
        try:
            parse_address(text)
        except BadAddress:
            return Feedback(_("Such as 192.168.1.20, or 192.168.1.20:4000"), Tone.HINT)
        return Feedback(ready=self._sendable)

    def _choose_peer(self, names: list[str], index: int) -> None:
        self._peer_name = names[index - 1] if index else None
        self._address = self._known_address() or self._address
        self._show_start()

    def _known_address(self) -> str:
        """Where the one that is meant answered last; or the only one there is."""
        peers = self.profile.device.peers.all()
        meant = [peer for peer in peers if peer.name == self._peer_name] or (peers if len(peers) == 1 else [])
        return self.context.preferences.read().addresses.get(meant[0].id.hex(), "") if meant else ""

    def _choose_folder(self) -> None:
        path = self.window.choose_folder(_("Send this folder"), self._selection.place)
        if path is not None:
            self._take([path])

    def _choose_files(self) -> None:
        paths = self.window.choose_files(_("Send these files"), self._selection.place)
        if paths:
            self._take(paths)

    def _dropped(self, paths: list[Path]) -> None:
        """One folder is meant as it is; files, or several things, are gathered, and further ones come to them."""
        if not (len(paths) == 1 and paths[0].is_dir()) and not self._selection.is_folder:
            paths = [*self._selection.paths, *(path for path in paths if path not in self._selection.paths)]
        self._take(paths)

    def _take(self, paths: list[Path]) -> None:
        self._selection = Selection(tuple(paths))
        self.aside()
        self._look()
        self._show_start()

    def _connect(self) -> None:
        try:
            address = parse_address(self._address)
            peer = self.profile.device.peers.by_name(self._peer_name) if self._peer_name else None
            session = self.profile.sending(self._selection, address, peer, self.context.report)
        except Problem as problem:
            self._problem = problem
            self._show_start()
            return
        self._problem = self._key = self._code_problem = self._ready = None
        self.show_waiting(_("Connecting …"))
        self.begin(session)

    # --- statuses ------------------------------------------------------------------------------------------------------

    def on_status(self, status: st.Status) -> None:
        """Takes a status of the session."""
        if isinstance(status, st.Connected):
            self._connected(status.peer)
        elif isinstance(status, st.NeedCode):
            self._ask_code()
        elif isinstance(status, st.CodeWrong):
            self._code_problem = Text(sentence_of(status), Tone.BAD)
        elif isinstance(status, st.KeyShown):
            self._key = status
            self._show_key(None)
        elif isinstance(status, st.KeyWrong):
            self._show_key(Text(_("They typed another key.") + " " + tries_text(status.tries_left), Tone.BAD))
        elif isinstance(status, st.WaitingFor):
            if status.what != "key":
                self.show_waiting(sentence_of(status))
        elif isinstance(status, st.Ready):
            self._ready = status
        elif not isinstance(status, st.Scanning):
            super().on_status(status)

    def _summarised(self, summary: Summary) -> None:
        if summary.selection != self._selection:
            return
        self._summary = summary
        if self.session is None and self.window.shown() == "start":
            self._show_start()
        elif self.session is None and self.window.shown() == "contents":
            self._look_inside()

    def _connected(self, name: str) -> None:
        self._peer = name
        if self._selection.is_folder:
            self.context.preferences.change(lambda found: setattr(found, "folder", str(self._selection.place)))
        peer: Peer | None = next((peer for peer in self.profile.device.peers.all() if peer.name == name), None)
        if peer is not None:
            address = self._address.strip()
            self.context.preferences.change(lambda found: found.addresses.update({peer.id.hex(): address}))

    def _ask_code(self) -> None:
        blocks: list[Block] = [
            Text(_("You are connected with {peer}. They see a code of four digits: let them read it to you.").format(
                peer=printable(self._peer))),
            Field("code", _("Code"), "", code_typed, large=True, example="0000"),
        ]  # fmt: skip
        if self._code_problem is not None:
            blocks.append(self._code_problem)
            self._code_problem = None
        actions = (
            Action(_("Cancel"), self.cancel, leaving=True),
            Action(_("Continue"), self._code_given, main=True, enabled=False),
        )
        self.window.show(Screen("code", _("Which code do they see?"), tuple(blocks), actions))

    def _code_given(self) -> None:
        if self.session is not None:
            self.session.answers.code.give(parse_code(self.window.field("code")))
            self.show_waiting(_("Checking the code …"))

    def _show_key(self, problem: Text | None) -> None:
        key = self._key
        assert key is not None
        blocks: list[Block] = [
            Text(
                _("Read this key to {peer}. It seals the folder and is never sent.").format(peer=printable(self._peer))
            ),
            Big(key.key, _("Key"), key.spelled.replace(", ", "\n"), size=26),
            problem if problem is not None else Text(_("Waiting for them to type it …"), Tone.HINT),
            *self._warning(),
        ]
        actions = (Action(_("Cancel"), self.cancel, leaving=True),)
        self.window.show(Screen("key", _("Read them the key"), tuple(blocks), actions))

    # --- the end -------------------------------------------------------------------------------------------------------

    def done_heading(self) -> str:
        return _("It has arrived")

    def again_label(self) -> str:
        return _("Send something else")

    def extra_actions(self, problem: Problem) -> tuple[Action, ...]:
        again = Action(_("Try again"), self._connect, main=True)
        if problem.code == "unreachable":
            return (Action(_("What to look at …"), self._show_reach), again)
        if problem.code in _WORTH_ANOTHER_TRY:
            return (again,)
        return super().extra_actions(problem)

    def _show_reach(self) -> None:
        if self.free:
            blocks: tuple[Block, ...] = (
                Text(_("1.  Is the other window open, and does it say “Ready to receive”?")),
                Text(_("2.  Is the address the one that it shows? {address}").format(address=printable(self._address))),
                Text(_("3.  Are both computers in the same network? Guest networks often keep computers apart.")),
                Text(_("4.  There, the menu Help, “The other computer cannot reach this one”, has the command for the firewall.")),
            )  # fmt: skip
            again = Action(_("Try again"), self._connect, main=True)
            back = Action(_("Back"), self.home, leaving=True)
            self.window.show(Screen("message", _("Nothing answered there"), blocks, (back, again)))


def code_typed(text: str) -> Feedback:
    """Says whether the digits are all there."""
    try:
        parse_code(text)
    except BadCode:
        digits = sum(c.isdigit() for c in text)
        return Feedback(_("{n} of 4 digits").format(n=min(digits, 4)) if digits < 4 else _("The code has four digits."))
    return Feedback(ready=True)
