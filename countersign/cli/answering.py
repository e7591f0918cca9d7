"""What was typed at the terminal, as answers to a session: judges code and key, and knows what the end of the input means."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass

from countersign.base import limits
from countersign.base.errors import BadCode, BadKey, Cancelled, CodeRefused, DeclinedHere, KeyRefused, Problem
from countersign.base.i18n import _
from countersign.base.never import assert_never
from countersign.cli.questions import Asked, InputLine, Questions
from countersign.seal.code import parse_code
from countersign.seal.keytext import parse_key
from countersign.session import status as st
from countersign.session.proposal import Decision, Proposal
from countersign.session.running import Session
from countersign.wording import proposal_lines

_SHOWN_ENTRIES = 40


@dataclass
class _Wrongs:
    """What went wrong with a secret so far: decides what the end of the input means."""

    code: Problem | None = None
    key: Problem | None = None


class Answering:
    """The person of one session. `say` takes a line for them."""

    def __init__(
        self, session: Session, options: Namespace, interactive: bool, questions: Questions, say: Callable[[str], None]
    ) -> None:
        self._session = session
        self._questions = questions
        self._say = say
        self._interactive = interactive
        self._json: bool = options.json
        self._accepts: bool = getattr(options, "accept", False)
        self._tells_renamed: bool = getattr(options, "tell_renamed", False)
        self._keeps_listening: bool = getattr(options, "keep_listening", False)
        self._wrongs = _Wrongs()
        self._tries = limits.CODE_TRIES
        self._said_yes = False  # before the offer was open
        self._proposal: Proposal | None = None
        self._instead: Problem | None = None

    def renamed(self, status: st.Failed) -> st.Failed:
        """A failure under its right name: an end by missing input is called by what was wrong before."""
        if self._instead is not None and isinstance(status.problem, (Cancelled, DeclinedHere)):
            return st.Failed(self._instead)
        return status

    def follow(self, status: st.Status) -> None:
        """Does what a status asks of us, whatever the form of the output."""
        match status:
            case st.NeedCode():
                self._tries = status.tries_left
                self._questions.ask(Asked.CODE)
            case st.CodeWrong():
                self._wrongs.code = CodeRefused()
            case st.OfferSeen():
                self._wrongs.key = None
                self._said_yes = False
            case st.NeedKey():
                self._questions.ask(Asked.KEY)
            case st.KeyWrong():
                self._wrongs.key = BadKey() if status.slip else KeyRefused()
            case st.NeedDecision():
                self._decide(status.proposal)
            case st.Done() | st.Failed():
                self._questions.drop()
            case (
                st.Listening() | st.StrangerRefused() | st.Connected() | st.PeerLocked() | st.Scanning() | st.Ready()
                | st.KeyShown() | st.OfferOpened() | st.KeyChecking() | st.WaitingFor() | st.Progress() | st.Paused()
                | st.Reconnecting() | st.Note() | st.StageTimes()
            ):  # fmt: skip
                pass
            case _:
                assert_never(status)

    def take(self, line: InputLine) -> None:
        """Answers with a line what is asked."""
        question = self._questions.take(line)
        if question is None:
            return
        if line.text is None:
            self._input_ended(question)
            return
        more = self._questions.are_open
        text = line.text.strip()
        match question:
            case Asked.CODE:
                self._typed_code(text)
            case Asked.KEY:
                self._typed_key(text)
            case Asked.ACCEPT:
                self._typed_accept(text)
            case _:
                assert_never(question)
        if more:
            self._questions.prompt()  # what is asked anew has prompted by itself

    def _decide(self, proposal: Proposal) -> None:
        if self._accepts or self._said_yes:
            self._accept()
            return
        self._proposal = proposal
        for line in () if self._json else proposal_lines(proposal, _SHOWN_ENTRIES):  # the event `list` has said it
            self._say(line)
        self._questions.ask(Asked.ACCEPT)

    def _accept(self) -> None:
        self._session.answers.decision.give(Decision(True, tell_renamed=self._tells_renamed))

    def _decline(self) -> None:
        self._session.answers.decision.give(Decision(False))

    def _typed_code(self, text: str) -> None:
        try:
            self._session.answers.code.give(parse_code(text))
        except BadCode as problem:
            self._wrongs.code = problem
            self._tell(problem, {"event": "code_wrong", "tries_left": self._tries, "slip": True})
            self._questions.ask(Asked.CODE)

    def _typed_key(self, text: str) -> None:
        if text.lower() in ("n", "no", "q"):
            self._decline()
            return
        if not self._interactive and text.lower() in ("y", "yes"):
            self._said_yes = True  # a program may say so before the key, as it knows what it waits for
            self._questions.ask(Asked.KEY)
            return
        if self._interactive:
            try:
                parse_key(text)
            except BadKey as problem:
                self._tell(problem, {})
                self._questions.ask(Asked.KEY)
                return
        self._session.answers.key.give(text)

    def _typed_accept(self, text: str) -> None:
        if self._interactive and text.lower() == "l" and self._proposal is not None:
            for line in proposal_lines(self._proposal, len(self._proposal.manifest)):
                self._say(line)
            self._questions.ask(Asked.ACCEPT)
        elif text.lower() not in ("y", "yes", "n", "no") and self._interactive:
            self._say(_("Please type y or n."))
            self._questions.ask(Asked.ACCEPT)
        elif text.lower() not in ("y", "yes"):
            self._questions.drop()
            self._decline()
        else:
            self._accept()

    def _input_ended(self, question: Asked) -> None:
        """Nobody can answer any more: the same as saying no, but it remembers what was wrong before."""
        match question:
            case Asked.ACCEPT:
                self._decline()
                return
            case Asked.KEY:
                seen = self._wrongs.key or DeclinedHere()
                self._decline()
            case Asked.CODE:
                seen = self._wrongs.code or Cancelled()
                self._session.controls.cancel()
            case _:
                assert_never(question)
        if not self._keeps_listening:
            self._instead = KeyRefused() if isinstance(seen, BadKey) else seen

    def _tell(self, problem: Problem, event: dict[str, object]) -> None:
        if not self._json:
            self._say(str(problem))
        elif event:
            print(json.dumps({**event, "message": problem.message, "hint": problem.hint}), flush=True)
