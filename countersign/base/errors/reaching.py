"""The other computer cannot be reached."""

from __future__ import annotations

from countersign.base.errors.problem import EXIT_UNREACHABLE, Problem
from countersign.base.i18n import N_


class Unreachable(Problem):
    code = "unreachable"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("Nobody answers at {address}.")
    next_step = N_("Is the receiver open there, on the same network, and let through by its firewall?")


class UnknownHost(Unreachable):
    code = "unknown_host"
    sentence = N_("There is no computer called {address}.")
    next_step = N_("Type the number that the receiver shows as its address.")


class NotCountersign(Problem):
    code = "not_countersign"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("Something else answers at {address}.")
    next_step = N_("Check address and port with the other person.")


class PortTaken(Problem):
    code = "port_taken"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("Port {port} is in use by {owner}.")
    next_step = N_("Close it, or choose another port; {free} is free.")


class CannotListen(Problem):
    code = "cannot_listen"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("This computer cannot wait at {address}: {reason}.")
    next_step = N_("Choose another address or port.")


class Busy(Problem):
    code = "busy"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("The other computer is busy with another transfer.")
    next_step = N_("Try again when it is done.")


class PeerSilent(Problem):
    code = "peer_silent"
    exit_code = EXIT_UNREACHABLE
    sentence = N_("The connection ended before the transfer began.")
    next_step = N_("Connect again.")
