"""Who I am and whom I trust: saving one's certificate, adding, renaming and forgetting people. Both programs alike."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

from countersign.base.errors import DiskProblem, Problem
from countersign.base.figures import moment_text
from countersign.base.files import PUBLIC_FILE, replace_file
from countersign.base.i18n import _
from countersign.base.printable import printable
from countersign.profile import Profile
from countersign.receipts.history import list_past_transfers
from countersign.trust.fingerprint import DeviceId
from countersign.trust.peers import Candidate, Peer
from countersign.ui.presenters.screens import (
    Action,
    Big,
    Block,
    Feedback,
    Field,
    Rows,
    Screen,
    Sentence,
    Text,
    Tone,
    Window,
)

_NO_NAMES = frozenset(
    {"my certificate", "cert", "mine", "certificate", "peer", "root", "admin", "administrator", "user"}
)


def _own_name() -> str:
    """What the file with our certificate is called at first: it says to the other person whose it is."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a system that does not say
        return _("my certificate")
    plain = "".join(c for c in user if c.isalnum() or c in " -_.")
    return plain if plain.strip(" .") and plain.casefold() not in _NO_NAMES else _("my certificate")


class People:
    """The screens about people. `show_screen` draws one where nothing else needs the person; `leave` goes back."""

    def __init__(
        self, profile: Profile, window: Window, show_screen: Callable[[Screen], None], leave: Callable[[], None]
    ) -> None:
        self._profile = profile
        self._window = window
        self._show_screen = show_screen
        self._leave = leave
        self._chosen: int | None = None
        self._candidate: Candidate | None = None
        self._from: Path | None = None
        self._note: Text | Sentence | None = None
        self._second = False  # the guide is at its second step

    @property
    def anybody(self) -> bool:
        """Whether there is somebody to exchange folders with."""
        return bool(self._profile.device.peers.all())

    def found_by_hand(self) -> Path | None:
        """A certificate that somebody copied into certs/ and that could be added."""
        found = self._profile.device.peers.found_by_hand(self._profile.device.local_time())
        return found[0][0] if found else None

    # --- the first time ----------------------------------------------------------------------------------------------

    def show_first_time(self) -> None:
        """The guide for two people who have never exchanged certificates: first mine to them."""
        if self._second:
            self.show_second()
            return
        identity = self._profile.device.identity
        blocks: list[Block] = [
            Text(
                _(
                    "Once, and never again, you and the other person give each other a small file, so that nobody else can take your place."
                )
            ),
            Text(_("First give them yours: by mail, by chat, on a stick. It is no secret.")),
            Big(identity.fingerprint, _("You are"), _("They will see this, and you compare it on the phone."), size=15,
                file=identity.certificate_path),
        ]  # fmt: skip
        if self._note is not None:
            blocks.append(self._note)
        actions = (
            Action(_("Save my certificate …"), self.save_own),
            Action(_("Next"), self._next, main=True),
        )
        self._show_screen(Screen("first", _("Give them your certificate"), tuple(blocks), actions, drop=self._dropped))

    def _next(self) -> None:
        self._note, self._second = None, True
        self.show_second()

    def _previous(self) -> None:
        self._note, self._second = None, False
        self.show_first_time()

    def show_second(self) -> None:
        """The guide's other half: theirs to me."""
        blocks: list[Block] = [
            Text(_("Now add the file that they give you. Drop it on this window, or choose it.")),
            Text(_("Then you compare on the phone what both of you see. That takes a minute, once.")),
        ]
        found = self.found_by_hand()
        actions = [
            Action(_("Back"), self._previous, leaving=True),
            Action(_("Choose their file …"), self.add, main=True),
        ]
        if found is not None:
            line = _("There is a certificate in the certs folder: {name}").format(name=printable(found.name))
            blocks.append(Sentence(line, (Action(_("Look at it"), lambda: self.examine(found)),)))
        if self._note is not None:
            blocks.append(self._note)
        self._show_screen(Screen("second", _("Add theirs"), tuple(blocks), tuple(actions), drop=self._dropped))

    # --- the list ----------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Myself, and everybody I trust."""
        if not self.anybody:
            self.show_first_time()
            return
        peers = self._profile.device.peers.all()
        identity = self._profile.device.identity
        last = self._last_transfers()
        blocks: list[Block] = [
            Big(identity.fingerprint, _("You are"), size=15, file=identity.certificate_path),
            Sentence(
                _("Somebody new needs your certificate, once."),
                (Action(_("Save my certificate …"), self.save_own),),
                Tone.HINT,
            ),
            Rows(
                (_("Name"), _("Fingerprint"), _("Last transfer")),
                len(peers),
                lambda i: (printable(peers[i].name), peers[i].fingerprint, last.get(peers[i].person, _("never"))),
                self._choose,
                widths=(90, 300, 185),
            ),
        ]
        blocks += [Text(note, Tone.HINT) for note in identity.notes]
        blocks += [Text(str(problem), Tone.BAD) for problem in self._profile.device.peers.problems()]
        if self._note is not None:
            blocks.append(self._note)
        some = self._chosen is not None and self._chosen < len(peers)
        actions = (
            Action(_("Add …"), self.add),
            Action(_("Rename …"), self.rename, enabled=some),
            Action(_("Forget"), self.forget, enabled=some),
            Action(_("Back"), self._back, main=True, leaving=True),
        )
        self._show_screen(
            Screen("people", _("People you trust"), tuple(blocks), actions, drop=self._dropped, place="people")
        )

    def _last_transfers(self) -> dict[DeviceId | None, str]:
        """The moment of the last transfer, by person."""
        device = self._profile.device
        transfers = list_past_transfers(device.receipts, device.identity.ids)
        people = {peer.id.hex(): peer.person for peer in device.peers.pinned()}
        return {people.get(transfer.peer): moment_text(transfer.time) for transfer in reversed(transfers)}

    def _choose(self, index: int) -> None:
        self._chosen = index
        self.show()

    def _back(self) -> None:
        self._note = self._chosen = None
        self._leave()

    def _say(self, text: str, tone: Tone) -> None:
        self._note = Text(text, tone)
        self.show()

    def _dropped(self, paths: list[Path]) -> None:
        if paths:
            self.examine(paths[0])

    # --- actions -------------------------------------------------------------------------------------------------------

    def save_own(self) -> None:
        """Saves our certificate where the person says."""
        self._window.save_file(_("Save my certificate"), f"{_own_name()}.pem", self._save_as)

    def _save_as(self, path: Path) -> None:
        try:
            replace_file(path, self._profile.device.identity.pem, PUBLIC_FILE)
        except OSError as error:
            self._say(str(DiskProblem(path=path, reason=error.strerror or error)), Tone.BAD)
            return
        text = _("Saved as {path}. Give it to the other person.").format(path=printable(str(path)))
        # the folder that they chose, and not certs/, where the secret key lies beside it
        self._note = Sentence(text, (Action(_("Open folder"), lambda: self._window.reveal(path.parent)),), Tone.GOOD)
        self.show()

    def add(self) -> None:
        """Lets the person choose a certificate file."""
        self._window.open_file(_("Add a certificate"), self.examine)

    def examine(self, path: Path) -> None:
        """Looks at a file, and shows what to compare before it is trusted."""
        try:
            self._candidate = self._profile.device.peers.examine(path, self._profile.device.local_time())
        except Problem as problem:
            self._say(str(problem), Tone.BAD)
            return
        self._from = path
        # the name that we propose for saving says nothing about whose it is
        bare = self._candidate.suggested.rstrip(" 0123456789").casefold()
        unnamed = bare in {*_NO_NAMES, _("my certificate").casefold()}
        self._show_compare("" if unnamed else self._candidate.suggested, None)

    def _show_compare(self, name: str, problem: Problem | None) -> None:
        candidate = self._candidate
        assert candidate is not None
        blocks: list[Block] = [
            Text(_("Call them and compare: do they see this under “You are”?")),
            Big(candidate.fingerprint, _("They are"), size=20),
            Text(
                _(
                    "If it differs, somebody has swapped the file on its way: then add nothing, and let them send it again."
                ),
                Tone.HINT,
            ),
            Field("name", _("What do you call them?"), name, self._name_typed),
            Text(
                _("For their side: you are {fingerprint}").format(
                    fingerprint=self._profile.device.identity.fingerprint
                ),
                Tone.HINT,
            ),
        ]
        if problem is not None:
            blocks.append(Text(str(problem), Tone.BAD))
        actions = (
            Action(_("Cancel"), self.show, leaving=True),
            Action(_("It is the same: add"), self._add_candidate, main=True),
        )
        self._show_screen(Screen("compare", _("Is it really theirs?"), tuple(blocks), actions))

    @staticmethod
    def _name_typed(text: str) -> Feedback:
        return Feedback(ready=bool(text.strip()))

    def _add_candidate(self) -> None:
        name = self._window.field("name")
        device = self._profile.device
        assert self._candidate is not None
        try:
            peer = device.peers.add(self._candidate, name)
            device.guesses.allow(peer.id, device.now())
        except Problem as problem:
            self._show_compare(name, problem)
            return
        self._tidy()
        self._note = Text(_("{name} is among your people now.").format(name=printable(peer.name)), Tone.GOOD)
        self._candidate = None
        if len(device.peers.all()) == 1:
            self._back()
        else:
            self.show()

    def _tidy(self) -> None:
        """A file that was copied into certs/ by hand has found its place now."""
        path = self._from
        if path is not None and path.parent == self._profile.home.certs:
            path.unlink(missing_ok=True)

    def _peer(self) -> Peer:
        assert self._chosen is not None
        return self._profile.device.peers.all()[self._chosen]

    def rename(self) -> None:
        """Asks for another name."""
        self._show_rename(self._peer().name, None)

    def _show_rename(self, name: str, problem: Problem | None) -> None:
        blocks: list[Block] = [Field("name", _("What do you call them?"), name, self._name_typed)]
        if problem is not None:
            blocks.append(Text(str(problem), Tone.BAD))
        actions = (
            Action(_("Cancel"), self.show, leaving=True),
            Action(_("Rename"), self._rename_now, main=True),
        )
        self._show_screen(Screen("rename", _("Another name"), tuple(blocks), actions))

    def _rename_now(self) -> None:
        name = self._window.field("name")
        try:
            self._profile.device.peers.rename(self._peer(), name)
        except Problem as problem:
            self._show_rename(name, problem)
            return
        self._chosen = None
        self.show()

    def forget(self) -> None:
        """Removes somebody, after a question."""
        peer = self._peer()
        question = _("Forget {name}? You cannot exchange folders any more until you add their certificate again.")
        text = question.format(name=printable(peer.name))
        self._window.confirm(text, _("Forget"), _("Keep"), lambda: self._forget_now(peer))

    def _forget_now(self, peer: Peer) -> None:
        try:
            self._profile.device.peers.forget(peer.name)
        except Problem as problem:
            self._say(str(problem), Tone.BAD)
            return
        self._chosen = None
        self.show()
