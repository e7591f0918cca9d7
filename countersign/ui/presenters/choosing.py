"""The sender's first screen: what is sent, to whom, and whether that can be sent."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from countersign.base.errors import BadAddress, FolderEmpty, Problem
from countersign.base.figures import number_text
from countersign.base.i18n import _, ngettext
from countersign.base.printable import printable
from countersign.source.scanning import Scan
from countersign.source.selection import Selection
from countersign.transport.addresses import parse_address
from countersign.trust.peers import Peer
from countersign.ui.presenters.contents import Contents
from countersign.ui.presenters.context import Context
from countersign.ui.presenters.screens import Action, Block, Choice, Drop, Feedback, Field, Screen, Sentence, Text, Tone
from countersign.wording import amount_text, keys_text, taken_out_text


@dataclass(frozen=True)
class Summary:
    """What a selection holds. `problem` where it cannot be sent."""

    selection: Selection
    scan: Scan | None = None
    problem: Problem | None = None


# looks at a selection on a thread of its own; the function takes the Summary on the window's thread, and none of an older question
Summarise = Callable[[Selection, Callable[[Summary], None]], None]


class Choosing:
    """What was chosen so far. `connect` begins a sending; `free`: whether none is under way."""

    def __init__(
        self,
        context: Context,
        options: Namespace,
        summarise: Summarise,
        free: Callable[[], bool],
        connect: Callable[[], None],
    ) -> None:
        self._context = context
        self._window = context.window
        self._peers = context.profile.device.peers
        self._summarise = summarise
        self._free = free
        self._connect = connect
        self._contents = Contents(self._window, self._select, self.show)
        self.selection = context.profile.selection(options.folder or self._kept_folder(), options.exclude)
        self._peer_name: str | None = options.peer
        self._address: str = options.to or self._known_address()
        self._summary: Summary | None = None
        self._problem: Problem | None = None

    def _kept_folder(self) -> str | None:
        """The folder that was sent last, while it is still there."""
        kept = self._context.preferences.read().folder
        return kept if kept and Path(kept).is_dir() else None

    @property
    def address(self) -> str:
        """What is typed as the address."""
        return self._address.strip()

    @property
    def keys(self) -> Sequence[str]:
        """Paths of what looks like a private key, as far as was looked."""
        scan = self._summary.scan if self._summary is not None else None
        return scan.keys if scan is not None else ()

    def peer(self) -> Peer | None:
        """The one that is meant; None for whoever answers. Raises NoSuchPeer."""
        return self._peers.by_name(self._peer_name) if self._peer_name else None

    def begin(self) -> None:
        """Looks at the selection anew and shows the screen."""
        self._look()
        self.say(None)

    def say(self, problem: Problem | None) -> None:
        """The screen, with what was wrong with connecting."""
        self._problem = problem
        self.show()

    def show(self) -> None:
        """The screen."""
        blocks: list[Block] = [self._drop_zone(), self._amount_line()]
        names = [peer.name for peer in self._peers.all()]
        if len(names) > 1:
            chosen = 1 + names.index(self._peer_name) if self._peer_name in names else 0
            shown = (_("Whoever of my people answers there"), *map(printable, names))
            blocks.append(Choice("peer", _("To whom"), shown, chosen, lambda i: self._choose_peer(names, i)))
        label = _("Address that the receiver shows")
        blocks.append(Field("address", label, self._address, self._address_typed, example="192.168.1.20"))
        if self.keys:
            blocks.append(Text(keys_text(self.keys), Tone.BAD))
        if self._problem is not None:
            blocks.append(Text(str(self._problem), Tone.BAD))
        connect = Action(_("Connect"), self._connect, main=True, enabled=self._sendable and bool(self.address))
        heading = _("Send a folder") if self.selection.is_folder else _("Send files")
        self._window.show(Screen("start", heading, tuple(blocks), (connect,), drop=self._dropped, place="home"))

    # --- what --------------------------------------------------------------------------------------------------------

    def _drop_zone(self) -> Drop:
        """What is chosen; another choice is dropped on it, or made by its buttons."""
        selection = self.selection
        if self._untouched and self._summary is not None and self._summary.problem is not None:
            text, below = _("Drop files or a folder here"), _("or choose; nothing leaves this computer yet")
        elif selection.is_folder:
            text = printable(selection.name, 60)
            below = _("Folder: {path}").format(path=printable(str(selection.place), 60))
        else:
            text = ", ".join(printable(path.name, 40) for path in selection.paths[:3])
            text += ", …" if len(selection.paths) > 3 else ""
            below = _("Drop more here, or choose something else")
        choices = (Action(_("Choose a folder …"), self.choose_folder), Action(_("Choose files …"), self.choose_files))
        return Drop(text, below, choices)

    def _amount_line(self) -> Block:
        summary = self._summary
        if summary is None:
            return Sentence(_("Looking at it …"), (self._look_action(False),), Tone.HINT)
        if summary.problem is not None:
            if self._untouched and isinstance(summary.problem, FolderEmpty):
                return Text("")
            return Sentence(str(summary.problem), (self._look_action(self._narrowed),), Tone.BAD)
        assert summary.scan is not None
        return Sentence(_scan_text(summary.scan), (self._look_action(True),), Tone.GOOD)

    def _look_action(self, enabled: bool) -> Action:
        return Action(_("Look inside …"), self.look_inside, enabled=enabled)

    @property
    def _narrowed(self) -> bool:
        return bool(self.selection.patterns or self.selection.removed)

    @property
    def _untouched(self) -> bool:
        """Whether nothing was chosen yet: the folder for sending that every home has is empty in the beginning."""
        return self.selection == Selection((self._context.profile.home.send_folder,))

    @property
    def _sendable(self) -> bool:
        return self._summary is not None and self._summary.problem is None

    def _look(self) -> None:
        self._summary = None
        self._summarise(self.selection, self._summarised)

    def _summarised(self, summary: Summary) -> None:
        if summary.selection != self.selection:
            return
        self._summary = summary
        if self._free() and self._window.shown() == "start":
            self.show()
        elif self._free() and self._window.shown() == "contents":
            self.look_inside()

    def look_inside(self) -> None:
        """The screen that shows what will be sent."""
        self._contents.show(self.selection, self._summary.scan if self._summary is not None else None)

    def _select(self, selection: Selection) -> None:
        """Another selection, from the screen that looks inside."""
        self.selection = selection
        self._look()
        self.look_inside()

    def choose_folder(self) -> None:
        """Asks for another folder."""
        self._window.choose_folder(_("Send this folder"), self.selection.place, lambda path: self._take([path]))

    def choose_files(self) -> None:
        """Asks for files."""
        self._window.choose_files(_("Send these files"), self.selection.place, self._take)

    def _dropped(self, paths: list[Path]) -> None:
        """One folder is meant as it is; files, or several things, are gathered, and further ones come to them."""
        if not (len(paths) == 1 and paths[0].is_dir()) and not self.selection.is_folder:
            paths = [*self.selection.paths, *(path for path in paths if path not in self.selection.paths)]
        self._take(paths)

    def _take(self, paths: list[Path]) -> None:
        if self._free():
            self.selection = Selection(tuple(paths))
            self._look()
            self.show()

    # --- to whom -----------------------------------------------------------------------------------------------------

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
        self.show()

    def _known_address(self) -> str:
        """Where the one that is meant answered last; or the only one there is."""
        peers = self._peers.all()
        meant = [peer for peer in peers if peer.name == self._peer_name] or (peers if len(peers) == 1 else [])
        return self._context.preferences.read().addresses.get(meant[0].id.hex(), "") if meant else ""


def _scan_text(scan: Scan) -> str:
    """How much it is, and what cannot go as it is."""
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
    return text
