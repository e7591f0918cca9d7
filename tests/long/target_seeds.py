"""Seeds for each target. Those with certificates are made at run time: the repository holds none."""

from __future__ import annotations

import json

import msgspec

from countersign.pack.arrival import Arrival, Verdict, encode, runs
from countersign.pack.plan import Answer, encode_answer
from countersign.pack.reasons import Reason
from countersign.pack.summary import Summary, encode_summary
from countersign.receipts.format import FORMAT
from countersign.wire.messages import CONTROL_TYPES, Kind
from tests.long.archives import PIECES, archive, right_archive
from tests.long.breaks import GOOD, bodies, good_frame
from tests.long.lists import hostile_lists
from tests.long.target_runs import journal_in_room, manifest_of_nine, setting_in_room


def frames() -> list[bytes]:
    return [good_frame(kind) for kind in Kind] + [data for kind in GOOD for _name, data in bodies(kind)][::7]


def messages() -> list[bytes]:
    kinds = sorted(CONTROL_TYPES)
    return [bytes([kinds.index(kind)]) + msgspec.msgpack.encode(GOOD[kind]) for kind in kinds]


def lists() -> list[bytes]:
    found = [b"\x01\x01\x03\x91\x96\x01\xff\xa1a\x03\x00\xa0"]
    for _name, entries, (files, total, count) in hostile_lists():
        found.append(
            bytes([min(255, count), min(255, files), min(255, total)]) + msgspec.msgpack.encode(entries)[:2000]
        )
    return found[::5]


def names() -> list[bytes]:
    names = ("a", "..", "a/b", "C:\\x", "nul", "é", "x" * 300, "../../x", "a:b", "con.txt. ")
    return [*(name.encode() for name in names), b"s\xed\xa0\x80"]


def packs() -> list[bytes]:
    return [
        right_archive(),
        archive(PIECES[:1], withdrawn=[(1, "changed")]),
        archive([], withdrawn=[(0, "changed"), (1, "vanished")]),
    ]


def answers() -> list[bytes]:
    return [encode_answer(answer) for answer in (Answer(), Answer(b"\x01\x00", b"\x02\x00", [(3, 5)]))]


def certificates() -> list[bytes]:
    pem = setting_in_room().device.identity.pem
    import base64

    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    return [pem, der, pem * 2, pem.replace(b"CERTIFICATE", b"PRIVATE KEY"), pem[: len(pem) // 2]]


def receipts() -> list[bytes]:
    from tests.long.signing import facts_of, signed_receipt

    identity, made = setting_in_room().device.identity, manifest_of_nine()
    pem = identity.pem.decode()
    first, lines = facts_of(made, pem, pem)
    whole = signed_receipt(first, lines, identity.sign, identity.sign)
    return [whole, msgspec.json.encode(first) + b"\n", b'{"received":"AA=="}\n', whole + b'{"here":"x","name":"0"}\n']


def arrivals() -> list[bytes]:
    made = manifest_of_nine()
    first = encode(Arrival("2026-01-01T00:00:00+00:00"))
    found = [bytes([len(first)]) + first + encode(run) for run in runs(made, {2: Reason.CHANGED}, bytearray(32 * 9))]
    summary = encode_summary(Summary("x", 9, 9, 9))
    return [*found, encode(Verdict(b"\x01\x00")), summary]


def history() -> list[bytes]:
    own = setting_in_room().device.identity.id.hex()
    facts = {"format": FORMAT, "transfer_id": "x", "name": "x", "sender": own, "receiver": "b", "sender_certificate": "",
             "receiver_certificate": "", "entries": 1, "files": 1, "bytes": 1, "skipped": 0}  # fmt: skip
    times = ("2026-01-01T00:00:00+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01")
    return [msgspec.json.encode({**facts, "time": time}) + b"\n" for time in times]


def preferences() -> list[bytes]:
    return [
        b"{}",
        b'{"looks":"dark","language":"de","windows":{"sender":"700x660+10+10"},"into":"/x"}',
        b'{"version":2}',
    ]


def journals() -> list[bytes]:
    _transfers, folder = journal_in_room()
    return [
        bytes([number]) + (folder / name).read_bytes() for number, name in enumerate(("about.json", "manifest", "log"))
    ]


def guesses() -> list[bytes]:
    peer = (b"p" * 32).hex()
    return [
        json.dumps({"version": 1, "failures": failures}).encode()
        for failures in ({}, {peer: [1e9] * 5}, {"*": [1e9] * 6}, {peer: [2e9, 1.0, -1]})
    ] + [b"", b"{}", b'{"version": 2, "failures": {}}', b'{"version":1,"failures":{"x":[1e999]}}']
