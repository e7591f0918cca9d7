"""The receiving program: code on the screen, key from the phone, the list, then it arrives."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from countersign.base.errors import BadKey, DiskProblem, PortTaken, Problem
from countersign.base.i18n import _
from countersign.base.printable import printable
from countersign.pack.manifest import TOP
from countersign.seal.keytext import ALPHABET, LENGTH, grouped, normalise, parse_key
from countersign.session import status as st
from countersign.session.proposal import Decision, Proposal
from countersign.transport.addresses import Address
from countersign.ui.presenters.common import Context, Presenter
from countersign.ui.presenters.interrupted import InterruptedList
from countersign.ui.presenters.manifest_tree import ManifestTree
from countersign.ui.presenters.screens import (
    Action,
    Big,
    Block,
    Choice,
    Feedback,
    Field,
    MenuItem,
    Rows,
    Screen,
    Sentence,
    Text,
    Tone,
)
from countersign.wording import amount_text, interface_text, proposal_notes, sentence_of

_SEARCHED_FROM = 12  # entries: a shorter list is seen at once


class ReceiverPresenter(Presenter):
    """See the module."""

    def __init__(self, context: Context, options: Namespace) -> None:
        super().__init__(context)
        self._into = self.profile.into(options.into or self._kept_folder())
        self._interrupted = InterruptedList(self.profile, self.window, self.home)
        self._waiting_to_restart = False
        self._key_problem: Text | None = None
        self._tree: ManifestTree | None = None
        self._proposal: Proposal | None = None
        self._tell_renamed = False
        self._address = 0
        self._bind: str | None = options.bind
        self._port: int = options.port
        self._listening: st.Listening | None = None
        self._offer: st.OfferSeen | None = None
        self._note: Text | None = None
        self._beside = False  # another screen than the program's own way is shown
        self._locked: str | None = None

    def _kept_folder(self) -> str | None:
        """Where the last thing went, while it is still there."""
        kept = self.context.preferences.read().into
        return kept if kept and Path(kept).is_dir() else None

    @property
    def heading_moving(self) -> str:
        return _("Receiving")

    def back_label(self) -> str:
        return _("Receive again")

    # --- menus -------------------------------------------------------------------------------------------------------

    def own_title(self) -> str:
        return _("Receive")

    def own_items(self) -> tuple[MenuItem | None, ...]:
        return (
            MenuItem(_("Receive into …"), self._choose_folder, "Ctrl+O", self.free and self.session is not None),
            MenuItem(_("Interrupted transfers"), self._show_interrupted, "Ctrl+I", self.free),
            None,
        )

    def port(self) -> int:
        return self._listening.port if self._listening is not None else self._port

    @property
    def free(self) -> bool:
        return self.session is None or (self._offer is None and not self.moving)

    def aside(self) -> None:
        self._beside = True

    def _show_interrupted(self) -> None:
        if self.free:
            self.aside()
            self._interrupted.show()

    # --- waiting -----------------------------------------------------------------------------------------------------

    def home(self) -> None:
        """Ready to receive; or the guide for the first time."""
        self._beside = False
        if not self.people.anybody:
            self._beside = True
            self.people.show_first_time()
        elif self.session is None:
            self._note = self._listening = None
            try:
                reception = self.profile.reception(self._into, self._bind, self._port, self.context.report)
            except Problem as problem:
                self._show_failed(problem)
                return
            self.begin(reception)
        else:
            self._show_listening()

    def _show_listening(self) -> None:
        status = self._listening
        if status is None or self._beside:
            return
        names = ", ".join(printable(peer.name) for peer in self.profile.device.peers.all())
        chosen = min(self._address, len(status.addresses) - 1)
        address = str(Address(status.addresses[chosen], status.port))
        blocks: list[Block] = [
            Text(_("Read this code and the address to the person who sends. They type both on their computer.")),
            Big(status.code, _("Code"), size=44),
            Big(address, _("Address of this computer"), size=20),
        ]
        if len(status.addresses) > 1:
            shown = tuple(self._address_text(status, i) for i in range(len(status.addresses)))
            blocks.append(
                Choice("address", _("This computer has several addresses"), shown, chosen, self._choose_address)
            )
        into = _("It goes to {path}").format(path=printable(str(self._into), 400))
        blocks.append(Sentence(into, (Action(_("Choose another folder …"), self._choose_folder),), Tone.HINT))
        blocks.append(
            Sentence(
                _("Who may send: {names}.").format(names=names), (Action(_("People …"), self.show_people),), Tone.HINT
            )
        )
        interrupted = self._interrupted.count_text()
        if interrupted:
            blocks.append(Sentence(interrupted, (Action(_("Look …"), self._show_interrupted),)))
        if self._note is not None:
            blocks.append(self._note)
        actions = []
        if self._locked is not None:
            actions.append(Action(_("Allow {name} again").format(name=printable(self._locked)), self._allow))
        self.window.show(Screen("listening", _("Ready to receive"), tuple(blocks), tuple(actions)))

    @staticmethod
    def _address_text(status: st.Listening, index: int) -> str:
        interface = status.interfaces[index] if index < len(status.interfaces) else ""
        address = str(Address(status.addresses[index], status.port))
        return f"{address}  ({interface_text(interface)})" if interface else address

    def _choose_address(self, index: int) -> None:
        self._address = index
        self._show_listening()

    def _choose_folder(self) -> None:
        path = self.window.choose_folder(_("Receive into"), self._into)
        if path is not None and self.session is not None and self.free:
            self._keep_folder(path)
            self._restart()

    def _choose_after_problem(self) -> None:
        path = self.window.choose_folder(_("Receive into"), self._into)
        if path is not None:
            self._keep_folder(path)
            self.home()

    def _keep_folder(self, path: Path) -> None:
        self._into = path
        self.context.preferences.change(lambda found: setattr(found, "into", str(path)))

    def _restart(self) -> None:
        """A reception knows its folder from the start, so another folder needs another one."""
        self._waiting_to_restart = True
        self.moving = False
        self.cancel()

    def ended(self) -> None:
        super().ended()
        if self._waiting_to_restart:
            self._waiting_to_restart = False
            self.home()

    def _allow(self) -> None:
        assert self._locked is not None
        device = self.profile.device
        device.guesses.allow(device.peers.by_name(self._locked).id, device.now())
        self._locked = None
        self._note = Text(_("They may try again."), Tone.GOOD)
        self._show_listening()

    # --- statuses ------------------------------------------------------------------------------------------------------

    def on_status(self, status: st.Status) -> None:
        """Takes a status of the reception."""
        if isinstance(status, st.Listening):
            self._listening, self._offer = status, None
            self._show_listening()
            self.show_menus()
        elif isinstance(status, (st.StrangerRefused, st.Connected, st.CodeWrong, st.PeerLocked, st.Note)):
            if isinstance(status, st.PeerLocked):
                self._locked = status.peer
            tone = Tone.HINT if isinstance(status, (st.Connected, st.Note)) else Tone.BAD
            self._note = Text(sentence_of(status), tone)
            self._show_listening()
        elif isinstance(status, st.OfferSeen):
            self._beside = False
            self._offer = status
            self.show_menus()
        elif isinstance(status, st.NeedKey):
            self._ask_key(None)
        elif isinstance(status, st.KeyWrong):
            self._ask_key(Text(sentence_of(status), Tone.BAD))
        elif isinstance(status, st.KeyChecking):
            self.show_waiting(_("Checking the key …"))
        elif isinstance(status, st.NeedDecision):
            self._proposal, self._tell_renamed = status.proposal, False
            self._tree = ManifestTree(status.proposal.manifest)
            self._show_list()
        elif isinstance(status, st.WaitingFor):
            self.show_waiting(sentence_of(status))
        elif isinstance(status, st.Failed) and self._waiting_to_restart:
            return
        else:
            super().on_status(status)

    # --- the key -------------------------------------------------------------------------------------------------------

    def _ask_key(self, problem: Text | None) -> None:
        offer = self._offer
        assert offer is not None
        if problem is None and self._key_problem is not None:
            problem, self._key_problem = self._key_problem, None
        elif problem is not None:
            self._key_problem = problem  # the question follows at once and must not wipe the reason
        blocks: list[Block] = [
            Text(_("{peer} wants to send you something. The key opens what it is.").format(peer=printable(offer.peer))),
            Field("key", _("Type the key that they read to you"), "", key_typed, large=True,
                  example="XXXX-XXXX-XXXX-XXXX"),
        ]  # fmt: skip
        if problem is not None:
            blocks.append(problem)
        actions = (
            Action(_("Decline"), self._decline, leaving=True),
            Action(_("Look at the list"), self._key_given, main=True, enabled=False),
        )
        self.window.show(Screen("key", _("Somebody wants to send you something"), tuple(blocks), actions))

    def _key_given(self) -> None:
        if self.session is not None:
            self.session.answers.key.give(self.window.field("key"))

    def _decline(self) -> None:
        if self.session is not None:
            self.session.answers.decision.give(Decision(False))

    # --- the list ------------------------------------------------------------------------------------------------------

    def _show_list(self) -> None:
        proposal, tree = self._proposal, self._tree
        assert proposal is not None
        assert tree is not None
        manifest = proposal.manifest
        blocks: list[Block] = []
        if len(manifest) > _SEARCHED_FROM:
            blocks.append(Field("search", _("Search"), "", self._searched, search=True))
        blocks += [
            Rows((_("Name"), _("Size"), ""), len(tree.rows), self._row, opened=self._open_row, folded=self._fold_row,
                 widths=(330, 90, 190), version=tree.version),
            Text("\n".join(proposal_notes(proposal)), Tone.PLAIN if proposal.fits else Tone.BAD),
        ]  # fmt: skip
        if proposal.existing:
            blocks.append(self._renamed_line())
        heading = _("{peer} wants to send you {amount}").format(
            peer=printable(proposal.peer), amount=amount_text(manifest.files, manifest.bytes)
        )
        actions = (
            Action(_("Decline"), self._decline, leaving=True),
            Action(_("Accept"), self._accept, main=True, enabled=proposal.fits),
        )
        self.window.show(Screen("list", heading, tuple(blocks), actions, careful=True))

    def _renamed_line(self) -> Sentence:
        """Whether the sender learns that a name is taken here: their person may guess names otherwise."""
        if self._tell_renamed:
            return Sentence(
                _("The sender is told that names are taken here."),
                (Action(_("Do not tell"), self._toggle_tell),),
                Tone.HINT,
            )
        return Sentence(
            _("The sender does not learn which names you have."),
            (Action(_("Tell them"), self._toggle_tell),),
            Tone.HINT,
        )

    def _toggle_tell(self) -> None:
        self._tell_renamed = not self._tell_renamed
        self._show_list()

    def _row(self, row: int) -> tuple[str, ...]:
        proposal, tree = self._proposal, self._tree
        assert proposal is not None
        assert tree is not None
        index = tree.rows[row]
        manifest = proposal.manifest
        note = ""
        if index in proposal.impossible:
            note = _(proposal.impossible[index])
        elif manifest.parents[index] == TOP and manifest.names[index] in proposal.existing:
            note = _("is there already")
        return tree.text(row, note)

    def _searched(self, text: str) -> Feedback:
        tree = self._tree
        if tree is not None:
            before = tree.version
            tree.search(text)
            if tree.version != before:
                self._show_list()
        return Feedback(ready=True)

    def _open_row(self, row: int) -> None:
        if self._tree is not None:
            self._tree.toggle(row)
            self._show_list()

    def _fold_row(self, row: int, wanted: bool) -> None:
        if self._tree is not None:
            self._tree.fold(row, wanted)
            self._show_list()

    def _accept(self) -> None:
        if self.session is not None:
            self.moving = True
            self.session.answers.decision.give(Decision(True, tell_renamed=self._tell_renamed))
            self.show_waiting(_("Getting ready …"))

    # --- the end -------------------------------------------------------------------------------------------------------

    def done_heading(self) -> str:
        return _("It is all here")

    def again_label(self) -> str:
        return _("Receive another")

    def extra_actions(self, problem: Problem) -> tuple[Action, ...]:
        if isinstance(problem, DiskProblem) and self.session is None:
            return (Action(_("Choose another folder …"), self._choose_after_problem, main=True),)
        if isinstance(problem, PortTaken):
            free = problem.facts["free"]
            assert isinstance(free, int)
            return (Action(_("Use port {port}").format(port=free), lambda: self._use_port(free), main=True),)
        return super().extra_actions(problem)

    def _use_port(self, port: int) -> None:
        self._port = port
        self.home()


def key_typed(text: str) -> Feedback:
    """Groups the key while it is typed and says whether it can be one."""
    try:
        key = normalise(text)
    except BadKey:
        allowed = "".join(c for c in text.upper() if c in ALPHABET + "OIL -")
        return Feedback(
            _("There is no letter U in a key, and no other signs."), Tone.BAD, value=grouped(normalise(allowed))
        )
    if len(key) > LENGTH:
        return Feedback(_("That is too long."), Tone.BAD)
    if len(key) < LENGTH:
        return Feedback(_("{n} of {all} characters").format(n=len(key), all=LENGTH), value=grouped(key))
    try:
        parse_key(key)
    except BadKey:
        return Feedback(_("One character is off. Compare it again."), Tone.BAD, value=grouped(key))
    return Feedback(_("Complete."), Tone.GOOD, ready=True, value=grouped(key))
