"""The receiving program: code on the screen, key from the phone, the list, then it arrives."""

from __future__ import annotations

from argparse import Namespace

from countersign.errors import BadKey, DiskProblem, PortTaken, Problem
from countersign.i18n import _
from countersign.printable import printable
from countersign.seal.keytext import ALPHABET, LENGTH, grouped, normalise, parse_key
from countersign.setting import Setting
from countersign.transfer import status as st
from countersign.transfer.proposal import Decision, Proposal
from countersign.transfer.status import Report
from countersign.transport.addresses import Address
from countersign.ui.presenters.common import Presenter, Start
from countersign.ui.presenters.screens import Action, Big, Block, Feedback, Field, Rows, Screen, Text, Tone, Window
from countersign.wording import amount_text, entry_text, proposal_notes, sentence_of


class ReceiverPresenter(Presenter):
    """See the module."""

    def __init__(self, setting: Setting, window: Window, start: Start, report: Report, options: Namespace) -> None:
        super().__init__(setting, window, start)
        self.heading_moving = _("Receiving")
        self._report = report
        self._into = setting.into(options.into)
        self._bind: str | None = options.bind
        self._port: int = options.port
        self._listening: st.Listening | None = None
        self._offer: st.OfferSeen | None = None
        self._note: Text | None = None
        self._looking_at_people = False
        self._locked: str | None = None

    # --- waiting -----------------------------------------------------------------------------------------------------

    def home(self) -> None:
        """Ready to receive; or the guide for the first time."""
        self._looking_at_people = False
        if not self.people.anybody:
            self._looking_at_people = True
            self.people.show_first_time()
        elif self.session is None:
            self._note = self._listening = None
            try:
                reception = self.setting.reception(self._into, self._bind, self._port, self._report)
            except Problem as problem:
                self._show_failed(problem)
                return
            self.begin(reception)
        else:
            self._show_listening()

    def show_people(self) -> None:
        if not self.moving and self._offer is None:
            self._looking_at_people = True
            super().show_people()

    def _show_listening(self) -> None:
        status = self._listening
        if status is None or self._looking_at_people:
            return
        names = ", ".join(printable(peer.name) for peer in self.setting.device.peers.all())
        addresses = [str(Address(host, status.port)) for host in status.addresses]
        blocks: list[Block] = [
            Text(_("Read this code to the person who sends. They type it on their computer.")),
            Big(status.code, _("Code"), size=44),
            Big("\n".join(addresses), _("Address of this computer"), size=16, copies=addresses[0]),
            Text(
                _("It goes to {path}. Who may send: {names}.").format(path=printable(str(self._into)), names=names),
                Tone.HINT,
            ),
        ]
        if self._note is not None:
            blocks.append(self._note)
        actions = [Action(_("Choose another folder …"), self._choose_folder)]
        if self._locked is not None:
            actions.append(Action(_("Allow {name} again").format(name=printable(self._locked)), self._allow))
        self.window.show(Screen("listening", _("Ready to receive"), tuple(blocks), tuple(actions)))

    def _choose_folder(self) -> None:
        path = self.window.choose_folder(_("Receive into"), self._into)
        if path is not None and self.session is not None:
            self._into = path
            self._restart()

    def _choose_after_problem(self) -> None:
        path = self.window.choose_folder(_("Receive into"), self._into)
        if path is not None:
            self._into = path
            self.home()

    def _restart(self) -> None:
        """A reception knows its folder from the start, so another folder needs another one."""
        self._waiting_to_restart = True
        self.moving = False
        self.cancel()

    _waiting_to_restart = False

    def ended(self) -> None:
        super().ended()
        if self._waiting_to_restart:
            self._waiting_to_restart = False
            self.home()

    def _allow(self) -> None:
        assert self._locked is not None
        device = self.setting.device
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
        elif isinstance(status, (st.StrangerRefused, st.Connected, st.CodeWrong, st.PeerLocked, st.Note)):
            if isinstance(status, st.PeerLocked):
                self._locked = status.peer
            tone = Tone.HINT if isinstance(status, (st.Connected, st.Note)) else Tone.BAD
            self._note = Text(sentence_of(status), tone)
            self._show_listening()
        elif isinstance(status, st.OfferSeen):
            self._looking_at_people = False
            self._offer = status
        elif isinstance(status, st.NeedKey):
            self._ask_key(None)
        elif isinstance(status, st.KeyWrong):
            self._ask_key(Text(sentence_of(status), Tone.BAD))
        elif isinstance(status, st.KeyChecking):
            self.show_waiting(_("Checking the key …"))
        elif isinstance(status, st.NeedDecision):
            self._show_list(status.proposal)
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
            Text(_("{peer} offers “{name}”: {amount}.").format(
                peer=printable(offer.peer), name=offer.name, amount=amount_text(offer.files, offer.bytes))),
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

    _key_problem: Text | None = None

    def _key_given(self) -> None:
        if self.session is not None:
            self.session.answers.say("key", self.window.field("key"))

    def _decline(self) -> None:
        if self.session is not None:
            self.session.answers.say("decision", Decision(False))

    # --- the list ------------------------------------------------------------------------------------------------------

    def _show_list(self, proposal: Proposal) -> None:
        manifest = proposal.manifest
        blocks: tuple[Block, ...] = (
            Rows((_("Name"), _("Size")), len(manifest), lambda i: entry_text(proposal, i)),
            Text("\n".join(proposal_notes(proposal)), Tone.PLAIN if proposal.fits else Tone.BAD),
        )
        heading = _("{peer} wants to send you {amount}").format(
            peer=printable(proposal.peer), amount=amount_text(manifest.files, manifest.bytes)
        )
        actions = (
            Action(_("Decline"), self._decline, leaving=True),
            Action(_("Accept"), self._accept, main=True, enabled=proposal.fits),
        )
        self.window.show(Screen("list", heading, blocks, actions, careful=True))

    def _accept(self) -> None:
        if self.session is not None:
            self.moving = True
            self.session.answers.say("decision", Decision(True))

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
