"""What arrives is not what it should be."""

from __future__ import annotations

from countersign.base.errors.problem import EXIT_CONTENT_REFUSED, Problem
from countersign.base.i18n import N_


class ProtocolProblem(Problem):
    code = "protocol"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("The other computer sent something that makes no sense.")
    next_step = N_("Make sure that both have the same version of Countersign.")


class VersionProblem(Problem):
    code = "version"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("The two versions of Countersign do not understand each other.")
    next_step = N_("Update both to the newest one.")


class SealBroken(Problem):
    code = "seal"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("Something that arrived was not what was sent.")
    next_step = N_("Nothing was kept of it. Try again; if it happens again, somebody may be in between.")


class ContentDiffers(Problem):
    code = "differs"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("Some of what arrived ({count}) is not what was sent, more than once.")
    next_step = N_(
        "They were not kept. Check the disks of both computers, then send again: only the rest will be sent."
    )


class OfferRefused(Problem):
    code = "offer"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("The list of files is not one that this program accepts.")
    next_step = N_("Nothing was received. Make sure that both have the same version of Countersign.")


class ReceiptProblem(Problem):
    code = "receipt"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("The receipt does not fit: {detail}.")
    next_step = N_("Do not rely on it; ask for the one that the other computer keeps.")
