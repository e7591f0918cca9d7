"""The composition root: options, home, a face. The only place that wires all of it."""

from __future__ import annotations

import json
import logging
import os
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from countersign.base.errors import BadAddress, BadOption, Cancelled, NoPeers, Problem
from countersign.base.i18n import _
from countersign.base.printable import printable
from countersign.console import attach_console, prepare_streams
from countersign.crash import own_bug
from countersign.display import has_display
from countersign.options import RECEIVER, SENDER, is_command, parse_options
from countersign.places.home import find_home, received_folder
from countersign.transport.addresses import Address, parse_address

if TYPE_CHECKING:
    from countersign.session.running import Session

# Seconds that a thread may keep the interpreter's lock while another waits. Python's 5 ms are long beside the 10 µs between two
# system calls of a thread that makes files: with 0.5 ms 200,000 of them took 11.7 s instead of 13.5 (five of five in turns).
_HAND_OVER = 0.0005


def main(role: str, argv: list[str] | None = None) -> int:
    """Runs one of the two programs; gives the exit code."""
    sys.setswitchinterval(_HAND_OVER)
    attach_console()
    prepare_streams()
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    arguments = sys.argv[1:] if argv is None else argv
    asked_home: str | None = None
    try:
        options = parse_options(role, arguments)
        asked_home = options.home
        return _run(role, options)
    except Problem as problem:
        _tell(problem, "--json" in arguments)
        return problem.exit_code
    except KeyboardInterrupt:
        return Cancelled.exit_code
    except BrokenPipeError:  # whoever read our output has gone; there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return Cancelled.exit_code
    except Exception as error:  # noqa: BLE001 - our own bug: a person gets a sentence, a file gets the traceback
        bug = own_bug(error, find_home(asked_home).state)
        _tell(bug, "--json" in arguments)
        return bug.exit_code


def _tell(problem: Problem, as_json: bool) -> None:
    if as_json:
        event = {"event": "error", "code": problem.code, "message": problem.message, "hint": problem.hint}
        print(json.dumps(event), flush=True)
    else:
        print(f"{problem.message}\n{problem.hint}", file=sys.stderr, flush=True)


def _run(role: str, options: Namespace) -> int:
    if options.selftest:
        from countersign.selftest import selftest

        return selftest(options.json)
    home = find_home(options.home)
    if is_command(options):
        from countersign.cli.commands import run_command
        from countersign.profile import open_profile

        return run_command(options, open_profile(home))
    if options.cli or options.json or not has_display():
        return _run_in_terminal(role, options)
    from countersign.ui.start import run_window

    return run_window(role, options, home)


def _run_in_terminal(role: str, options: Namespace) -> int:
    from countersign.cli.terminal import Terminal
    from countersign.profile import open_profile

    profile = open_profile(find_home(options.home))
    terminal = Terminal(options)
    for note in (*profile.device.identity.notes, *map(str, profile.device.peers.problems()), *_found(profile)):
        terminal.say(note)
    session: Session
    if role == RECEIVER:
        if not profile.device.peers.all():
            terminal.say(str(NoPeers()))
        if not options.into and not received_folder(profile.home)[1]:
            terminal.say(_("There is no Desktop here; what arrives goes to {path}.").format(path=profile.into(None)))
        session = profile.reception(
            profile.into(options.into), options.bind, options.port, terminal.report,
            keep_listening=options.keep_listening,
        )  # fmt: skip
    else:
        assert role == SENDER
        peer = profile.device.peers.by_name(options.peer) if options.peer else None
        address = parse_address(options.to) if options.to else _ask_address(terminal.interactive)
        session = profile.sending(profile.selection(options.folder, options.exclude), address, peer, terminal.report)
    return terminal.run(session)


def _found(profile: object) -> list[str]:
    from countersign.profile import Profile

    assert isinstance(profile, Profile)
    now = profile.device.local_time()
    return [
        _("There is a certificate in {path}. Add it with --import-cert, and --name for how to call them.").format(
            path=printable(str(path), 4096)
        )
        for path, _candidate in profile.device.peers.found_by_hand(now)
    ]


def _ask_address(interactive: bool) -> Address:
    if not interactive:
        raise BadOption(detail=_("--to is needed: the address that the receiver shows"))
    while True:
        try:
            return parse_address(input(_("Address (from the other screen): ")))
        except BadAddress as problem:
            print(problem, file=sys.stderr)
        except EOFError:
            raise Cancelled from None
