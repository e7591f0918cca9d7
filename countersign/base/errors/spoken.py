"""The code, the key, and a person who declines."""

from __future__ import annotations

from countersign.base.errors.problem import EXIT_CODE_REFUSED, EXIT_DECLINED, Problem
from countersign.base.i18n import N_


class CodeRefused(Problem):
    code = "code_refused"
    exit_code = EXIT_CODE_REFUSED
    sentence = N_("The code was refused.")
    next_step = N_("Ask for the code that is shown now. After several wrong ones the receiver has to allow you again.")


class Declined(Problem):
    code = "declined"
    exit_code = EXIT_DECLINED
    sentence = N_("The other person declined.")
    next_step = N_("Nothing was sent.")


class DeclinedHere(Problem):
    code = "declined_here"
    exit_code = EXIT_DECLINED
    sentence = N_("You declined.")
    next_step = N_("Nothing was received.")


class KeyRefused(Problem):
    code = "key_refused"
    exit_code = EXIT_DECLINED
    sentence = N_("The key was wrong five times.")
    next_step = N_("Start again; there will be a new key.")


class Cancelled(Problem):
    code = "cancelled"
    exit_code = EXIT_DECLINED
    sentence = N_("Cancelled.")
    next_step = N_("Nothing was sent or received.")


class PeerCancelled(Problem):
    code = "peer_cancelled"
    exit_code = EXIT_DECLINED
    sentence = N_("The other person cancelled.")
    next_step = N_("Nothing was sent or received.")


class TookTooLong(Problem):
    code = "too_long"
    exit_code = EXIT_DECLINED
    sentence = N_("Nobody answered for too long.")
    next_step = N_("Start again when both of you are there.")
