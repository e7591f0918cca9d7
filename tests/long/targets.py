"""What is fuzzed: each target takes any bytes, and either parses them or raises the one problem of its kind. Anything else is a fault.

Names of files in the corpus are names of targets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from countersign.seal.keytext import grouped, new_key
from countersign.seal.token import seal
from tests.long import target_runs as run, target_seeds as seeds

Run = Callable[[bytes], None]
CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Target:
    """`run` returns for bytes that parse and for bytes that are refused as they should. weight: its share of a long run."""

    run: Run
    seeds: Callable[[], list[bytes]]
    weight: float = 1.0


def corpus(name: str) -> list[bytes]:
    """What is kept in the tree: a line of hexadecimal digits for each input."""
    file = CORPUS / f"{name}.txt"
    return [bytes.fromhex(line) for line in file.read_text().splitlines()] if file.exists() else []


TARGETS: dict[str, Target] = {
    "frames": Target(run.frames, seeds.frames),
    "messages": Target(run.messages, seeds.messages, 3.0),
    "conversation": Target(run.conversation, lambda: [bytes(range(1, 17))], 2.0),
    "manifest": Target(run.manifest, seeds.lists, 2.0),
    "names": Target(run.names, seeds.names),
    "answers": Target(run.answers, seeds.answers, 2.0),
    "packs": Target(run.packs, seeds.packs, 2.0),
    "tokens": Target(run.tokens, lambda: [bytes(seal(run.KEY, [b"x" * size], 1)) for size in (0, 15, 100)]),
    "plaintexts": Target(run.plaintexts, lambda: [b"t" * 16 + b"\x03" + bytes(8) + b"\x01" + b"x" * 9]),
    "keytexts": Target(run.keytexts, lambda: [grouped(new_key()).encode(), b"O0-iL " * 4], 2.0),
    "codes": Target(run.codes, lambda: [b"1234", b"12 34", b" 1-2-3-4 ", "１２３４".encode()], 2.0),
    "addresses": Target(run.addresses, lambda: [b"10.0.0.1:80", b"[::1]:5", b"fe80::1%eth0", b"laptop.local"]),
    "shown": Target(run.shown, lambda: [b"a\x1b[2K", "\u202egpj.exe".encode(), b"s\xed\xa0\x80", b"x" * 400]),
    "certificates": Target(run.certificates, seeds.certificates, 0.3),
    "peers": Target(run.peers, seeds.certificates, 0.05),
    "receipts": Target(run.receipts, seeds.receipts, 0.05),
    "arrivals": Target(run.arrivals, seeds.arrivals, 0.05),
    "history": Target(run.history, seeds.history, 0.05),
    "preferences": Target(run.preferences, seeds.preferences, 0.1),
    "journals": Target(run.journals, seeds.journals, 0.05),
    "guesses": Target(run.guesses, seeds.guesses, 0.02),
}  # fmt: skip
