"""A transfer ends before its end."""

from __future__ import annotations

from countersign.base.errors.problem import EXIT_CONTENT_REFUSED, EXIT_INTERRUPTED, Problem
from countersign.base.i18n import N_


class Interrupted(Problem):
    code = "interrupted"
    exit_code = EXIT_INTERRUPTED
    sentence = N_("The connection was lost.")
    next_step = N_("When the same folder is sent again, only the rest will be.")


class CancelledMidway(Interrupted):
    code = "cancelled_midway"
    sentence = N_("Cancelled.")


class PeerCancelledMidway(Interrupted):
    code = "peer_cancelled_midway"
    sentence = N_("The other person cancelled.")


class PeerStopped(Interrupted):
    code = "peer_stopped"
    sentence = N_("The other computer stopped.")


class PeerFoundDifference(Interrupted):
    code = "peer_differs"
    exit_code = EXIT_CONTENT_REFUSED
    sentence = N_("Some of what arrived is not what was sent, more than once.")
    next_step = N_(
        "They were not kept. Check the disks of both computers, then send again: only the rest will be sent."
    )


class PeerDiskProblem(Interrupted):
    code = "peer_disk"
    sentence = N_("The other computer has a problem with its folder or disk.")
    next_step = N_("Ask the other person what it says there; then send again, only the rest will be sent.")
