"""Both programs in the terminal, of two computers that know each other."""

from __future__ import annotations

from tests.programs import Program
from tests.transfers import Couple


def receiver(pair: Couple, *arguments: str) -> tuple[Program, dict[str, object]]:
    program = Program(
        "receiver", "--bind", "127.0.0.1", "--port", "0", "--into", str(pair.into), *arguments, home=pair.bob.home.root
    )
    return program, program.until("listening")


def sender(pair: Couple, port: object, *arguments: str) -> Program:
    return Program("sender", "--to", f"127.0.0.1:{port}", *arguments, home=pair.alice.home.root)


def begin(pair: Couple) -> tuple[Program, Program]:
    """The receiver's program and the sender's, with code and key typed: the data begins."""
    bob, listening = receiver(pair, "--accept")
    alice = sender(pair, listening["port"])
    alice.say(str(listening["code"]))
    bob.say(str(alice.until("key")["key"]))
    return bob, alice


def until_arrived(program: Program, size: int) -> None:
    """Waits for progress of so many bytes."""
    while program.until("progress")["bytes_done"] < size:
        pass
