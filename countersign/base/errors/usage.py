"""Options, names and settings that cannot be used."""

from __future__ import annotations

from countersign.base.errors.problem import EXIT_NOT_TRUSTED, Problem
from countersign.base.i18n import N_


class BadAddress(Problem):
    code = "bad_address"
    sentence = N_("“{address}” is not an address.")
    next_step = N_("Type the address that the other computer shows, such as 192.168.1.20.")


class BadOption(Problem):
    code = "usage"
    sentence = N_("{detail}.")
    next_step = N_("See --help.")


class BadCode(Problem):
    code = "bad_code"
    sentence = N_("The code has four digits.")
    next_step = N_("Type the four digits that the other computer shows.")


class BadKey(Problem):
    code = "bad_key"
    sentence = N_("That key has a slip in it.")
    next_step = N_("Compare it letter by letter: sixteen letters and digits, no letter U.")


class NoSuchPeer(Problem):
    code = "no_such_peer"
    sentence = N_("There is nobody called “{name}” among your people.")
    next_step = N_("--peers lists them.")


class NoSuchTransfer(Problem):
    code = "no_such_transfer"
    sentence = N_("There is no interrupted transfer “{id}”.")
    next_step = N_("--interrupted lists them.")


class TransferUnderWay(Problem):
    code = "under_way"
    sentence = N_("The transfer “{id}” is under way.")
    next_step = N_("Cancel it first.")


class NoPeers(Problem):
    code = "no_peers"
    exit_code = EXIT_NOT_TRUSTED
    sentence = N_("You have nobody to exchange folders with yet.")
    next_step = N_("Give the other person your certificate, and add theirs.")


class NameTaken(Problem):
    code = "name_taken"
    sentence = N_("You already have somebody called “{name}”.")
    next_step = N_("Choose another name.")


class BadName(Problem):
    code = "bad_name"
    sentence = N_("“{name}” cannot be used as a name.")
    next_step = N_(
        "Use letters, digits, spaces, dots and hyphens, sixty at most; thirty in scripts whose letters need more room."
    )
