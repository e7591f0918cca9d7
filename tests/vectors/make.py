"""`python3 -m tests.vectors.make [--replace]`: writes the vectors in `own/`. Without --replace it keeps files that differ, and fails.

Run it in the environment of the tests. Every input is fixed here, so the files come out the same every time; only a deflated
member depends on the version of the compressor.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from pathlib import Path
from typing import Any

from countersign.base.errors import Problem
from countersign.base.hashing import digest_of
from countersign.seal import keytext
from countersign.seal.keys import Label
from countersign.seal.stream import Stream
from countersign.wire.messages import Role
from tests.vectors.devices import device
from tests.vectors.formats import FORMATS, Inputs, body_of, flipped, signature_of, write_master

OWN = Path(__file__).resolve().parent / "own"
Cases = dict[str, Inputs]

SECRET = bytes(range(32)).hex()
IV = bytes(range(16, 32)).hex()
NOW = 499_162_800
KEY = keytext.with_check([n * 2 + 1 for n in range(15)])
SALT = bytes(range(48, 64)).hex()
TRANSFER = bytes(range(64, 80)).hex()
RECEIVER_NONCE, SENDER_NONCE = bytes(range(96, 128)).hex(), bytes(range(128, 160)).hex()
TIME = "2026-01-31T12:34:56+01:00"
MTIME = 1_700_000_000_123_456_789
IDS = {"sender_id": device("alice").id.hex(), "receiver_id": device("bob").id.hex()}

ENTRIES: list[list[Any]] = [
    [0, -1, "album", 0, MTIME, ""],
    [1, 0, "Grüße.txt", 5, -1, ""],
    [3, 0, "link", 0, 0, "run.sh"],
    [2, 0, "run.sh", 300, MTIME, ""],
    [1, -1, "z", 0, 0, ""],
]
DIGESTS = [digest_of(bytes([number])).hex() for number in range(len(ENTRIES))]


def cases() -> dict[str, Cases]:
    """The inputs of every case, by format and name."""
    ring = {"master": write_master({"key": KEY, "salt": SALT}).hex(), "transfer_id": TRANSFER, **IDS}
    nonces = {"receiver_nonce": RECEIVER_NONCE, "sender_nonce": SENDER_NONCE}
    listed = {"entries": ENTRIES, "skipped": []}
    partly = {"entries": ENTRIES, "skipped": [[2, 5], [3, 0]]}
    return {
        "token": {
            f"{size} bytes": {"key": SECRET, "now": NOW, "iv": IV, "plain": bytes(range(size)).hex()}
            for size in (0, 1, 15, 16, 17, 100)
        },
        "master": {"a key": {"key": KEY, "salt": SALT}},
        "stream_keys": {label.value: {**ring, "label": label.value} for label in Label},
        "stream": {
            f"{stream.name.lower()} {number}": {
                **ring, "stream": stream.name, "number": number, "last": number == 1, "now": NOW + number,
                "iv": bytes([number] * 16).hex(), "payload": f"{stream.name} {number}".encode().hex(),
            }
            for stream in Stream for number in (0, 1)
        },
        "code": {code: {"code": code, **nonces, **IDS} for code in ("0000", "0417", "9999")},
        "rejoin": {"a connection": {**ring, **nonces}},
        "frames": _frames(),
        "summary": {
            "a folder": {"name": "Grüße", "files": 3, "bytes": 305, "entries": 5, "renewal": ""},
            "with a renewal": {"name": "x", "files": 0, "bytes": 0, "entries": 1, "renewal": "00ff"},
        },
        "manifest": {"a folder": {"entries": ENTRIES}},
        "answer": {
            "everything": {"entries": ENTRIES, "held": "", "unwanted": "", "partial": [], "renewal": ""},
            "the rest": {"entries": ENTRIES, "held": "02", "unwanted": "10", "partial": [[3, 299]], "renewal": "00ff"},
        },
        "pack": {
            "stored": {"pieces": [[1, 0, 5, b"hello".hex()], [3, 0, 300, bytes(300).hex()], [4, 0, 0, ""]], "withdrawn": []},
            "withdrawn": {"pieces": [[1, 0, 5, None], [3, 0, 2, "abcd"], [4, 0, 0, None]],
                          "withdrawn": [[1, "changed"], [4, "vanished"]]},
            "nothing": {"pieces": [], "withdrawn": []},
            "deflated": {"pieces": [[1, 4096, 2000, (b"again and again " * 125).hex()]], "withdrawn": []},
        },
        "arrival": {"with a zone": {"time": TIME}},
        "hashes": {"all": {**listed, "digests": DIGESTS}, "some skipped": {**partly, "digests": DIGESTS}},
        "verdict": {"all agree": {**listed, "differing": []}, "two differ": {**listed, "differing": [1, 4]},
                    "one of those that arrived": {**partly, "differing": [1]}},
        "renewal": {"by the old key": {"old": "alice", "new": "alice renewed", "pinned": device("alice").der.hex()}},
        "receipt": {"of all": _receipt(listed), "of some": _receipt(partly)},
    }  # fmt: skip


def _frames() -> Cases:
    nonce, short = "hex:" + RECEIVER_NONCE, "hex:" + TRANSFER
    fields: dict[str, dict[str, Any]] = {
        "hello": {"versions": [1], "nonce": nonce},
        "code_proof": {"proof": nonce},
        "code_accepted": {},
        "code_refused": {"tries_left": 2},
        "offer": {"transfer_id": short, "salt": "hex:" + SALT},
        "key_accepted": {},
        "key_refused": {"tries_left": 4},
        "received": {"packs": 3, "files": 70_000, "bytes": 5_000_000_000},
        "waiting": {"paused": True},
        "stop": {"code": "declined"},
        "rejoin": {"transfer_id": short, "proof": nonce},
    }
    control = {name: {"type": name, "fields": told} for name, told in fields.items()}
    sealed = ("manifest", "answer", "pack", "receipt", "thanks", "hashes", "verdict")
    return {**control, **{name: {"type": name, "token": b"sealed".hex()} for name in sealed}}


def _receipt(listed: Inputs) -> Inputs:
    inputs = {
        **listed, "digests": DIGESTS, "name": "Grüße", "transfer_id": TRANSFER, "time": TIME,
        "sender": "alice", "sender_certificate": device("alice").pem,
        "receiver": "bob", "receiver_certificate": device("bob").pem,
    }  # fmt: skip
    inputs["digest"] = digest_of(body_of(inputs)).hex()
    for role in Role:
        inputs[f"signature_of_{role.value}"] = signature_of(inputs, role).hex()
    return inputs


def _broken_bit(name: str, inputs: Inputs, data: bytes) -> int:
    """A bit whose change is refused, searched from the middle on."""
    for bit in itertools.chain(range(4 * len(data), 8 * len(data)), range(4 * len(data))):
        try:
            FORMATS[name].read(inputs, flipped(data, bit))
        except Problem as problem:
            if isinstance(problem, FORMATS[name].error):
                return bit
    raise AssertionError(f"{name}: every change of one bit is accepted")


def keytexts() -> dict[str, Any]:
    """Keys from fifteen values, what may be typed for them, and slips that must be refused."""
    values = [[0] * 15, [31] * 15, list(range(15)), [n * 2 + 1 for n in range(15)], [1] + [0] * 14]
    made = [(fifteen, keytext.with_check(fifteen)) for fifteen in values]
    first = made[3][1]
    return {
        "cases": [
            {"values": fifteen, "key": key, "grouped": keytext.grouped(key), "spelled": keytext.spelled(key)}
            for fifteen, key in made
        ],
        "typed": [
            {"typed": typed, "key": key}
            for typed, key in (
                (keytext.grouped(first), first),
                (first.lower(), first),
                ("  " + " ".join(first) + "\n", first),
                (made[0][1].replace("0", "O"), made[0][1]),
                (made[2][1].replace("1", "l"), made[2][1]),
                (made[2][1].replace("1", "I"), made[2][1]),
            )
        ],
        "slips": [
            {"typed": typed, "slip": slip, "error": "BadKey"}
            for typed, slip in (
                ("0" + first[1:], "one character is another"),
                (first[:15] + "0", "the check character is another"),
                (first[1] + first[0] + first[2:], "two neighbours are swapped"),
                (first[15] + first[1:15] + first[0], "first and last are swapped"),
                (first[:15], "one is missing"),
                (first + first[0], "one too many"),
                ("U" + first[1:], "a letter that no key has"),
                ("", "nothing"),
            )
        ],
    }


def build() -> dict[str, Any]:
    """Every file's content, by name."""
    made: dict[str, Any] = {"keytext": keytexts()}
    for name, inputs_by_case in cases().items():
        listed = []
        for case, inputs in inputs_by_case.items():
            data = FORMATS[name].write(inputs)
            broken = {"bit": _broken_bit(name, inputs, data), "error": FORMATS[name].error.__name__}
            encoded = data.decode() if name == "receipt" else data.hex()
            listed.append({"case": case, "inputs": inputs, "encoded": encoded, "broken": broken})
        made[name] = {"cases": listed}
    return made


def main() -> int:
    """Writes what is missing; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.vectors.make")
    parser.add_argument("--replace", action="store_true", help="write over vectors that differ")
    replace = bool(parser.parse_args().replace)
    OWN.mkdir(exist_ok=True)
    kept = 0
    for name, content in build().items():
        path = OWN / f"{name}.json"
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if path.exists() and not replace:
            print(f"{path.name} differs and was kept", file=sys.stderr)
            kept += 1
            continue
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{path.name} written")
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
