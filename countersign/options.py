"""The options of both programs. Secrets are never among them: argv can be read by everybody on a computer."""

from __future__ import annotations

import argparse
from typing import NoReturn

from countersign import __version__
from countersign.base import limits
from countersign.base.errors import BadOption
from countersign.base.i18n import _

SENDER, RECEIVER = "sender", "receiver"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadOption(detail=message)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(_("a port is a number from 0 to 65535"))
    return int(text)


def _address(text: str) -> str:
    try:
        text.encode("idna")  # as the system's look-up does
    except UnicodeError:
        raise argparse.ArgumentTypeError(_("that cannot be an address")) from None
    return text


def make_parser(role: str) -> argparse.ArgumentParser:
    """The parser of one program; its errors are BadOption."""
    receiving = role == RECEIVER
    summary = _("Receive a folder from somebody you trust.") if receiving else _("Send a folder to somebody you trust.")
    parser = _Parser(prog=f"{role}.py", description=summary, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"Countersign {__version__}")
    parser.add_argument("--cli", action="store_true", help=_("run in the terminal instead of a window"))
    parser.add_argument("--json", action="store_true", help=_("one JSON object a line on standard output (terminal)"))
    parser.add_argument("--stats", action="store_true", help=_("say where the time of a transfer went (terminal)"))
    parser.add_argument("--home", metavar="DIR", help=_("where certificates, receipts and state are kept"))
    if receiving:
        parser.add_argument(
            "--bind", type=_address, metavar="ADDR", help=_("wait at this address of this computer only")
        )
        parser.add_argument(
            "--port", type=_port, default=limits.DEFAULT_PORT, metavar="N", help=_("0 takes a free one")
        )
        parser.add_argument("--into", metavar="DIR", help=_("receive into this folder"))
        parser.add_argument("--accept", action="store_true", help=_("accept what is offered without asking"))
        parser.add_argument(
            "--tell-renamed",
            action="store_true",
            help=_("let the sender know when something arrived under another name"),
        )
        parser.add_argument("--keep-listening", action="store_true", help=_("wait for the next one after each"))
    else:
        parser.add_argument("--to", metavar="HOST[:PORT]", help=_("the address that the receiver shows"))
        parser.add_argument("--peer", metavar="NAME", help=_("send to nobody but this one"))
        parser.add_argument("--folder", metavar="DIR", help=_("send this folder instead of SEND_FOLDER"))
        parser.add_argument(
            "--exclude", metavar="PATTERN", action="append", default=[],
            help=_("leave out what is called so, such as *.tmp; may be given more than once"),
        )  # fmt: skip
    _add_commands(parser)
    return parser


def _add_commands(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(_("instead of a transfer"))
    one = group.add_mutually_exclusive_group()
    one.add_argument("--export-cert", metavar="FILE", help=_("write your certificate to a file, or - for the terminal"))
    one.add_argument("--import-cert", metavar="FILE", help=_("add the certificate of somebody you trust"))
    group.add_argument("--name", metavar="NAME", help=_("with --import-cert: how to call them"))
    one.add_argument("--peers", action="store_true", help=_("list the people you trust"))
    one.add_argument("--forget", metavar="NAME", help=_("remove somebody from the people you trust"))
    one.add_argument(
        "--verify-receipt", nargs="+", metavar=("FILE", "FOLDER"), help=_("check a receipt, and a folder against it")
    )
    group.add_argument(
        "--export-checksums", metavar="FILE", help=_("with --verify-receipt: write the sha256sum of every file")
    )
    one.add_argument("--interrupted", action="store_true", help=_("list transfers that can be resumed"))
    one.add_argument("--discard", metavar="ID", help=_("remove what has arrived of an interrupted transfer"))
    one.add_argument("--selftest", action="store_true", help=_("run a whole transfer on this computer and report it"))


def parse_options(role: str, argv: list[str]) -> argparse.Namespace:
    """The options. Raises BadOption; leaves by SystemExit for --help and --version."""
    options = make_parser(role).parse_args(argv)
    if options.verify_receipt and len(options.verify_receipt) > 2:
        raise BadOption(detail=_("--verify-receipt takes a file and perhaps a folder"))
    if options.export_checksums and len(options.verify_receipt or ()) != 2:
        raise BadOption(detail=_("--export-checksums goes with --verify-receipt, a receipt and a folder"))
    if options.name and not options.import_cert:
        raise BadOption(detail=_("--name goes with --import-cert"))
    return options


def is_command(options: argparse.Namespace) -> bool:
    """Whether something else than a transfer is asked for."""
    named = (options.export_cert, options.import_cert, options.forget, options.verify_receipt, options.discard)
    return any(named) or options.peers or options.interrupted or options.selftest
