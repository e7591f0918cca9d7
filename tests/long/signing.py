"""Receipts built by hand, so that every byte can be a lie."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import msgspec

from countersign.base.hashing import digest_of
from countersign.pack.manifest import Manifest
from countersign.receipts.format import Header, Line, header_for, lines_for
from countersign.wire.messages import Role

LABEL = b"countersign/2 receipt "
Sign = Callable[[bytes], bytes]


def body_of(header: Header, lines: Sequence[Line]) -> bytes:
    return b"".join(msgspec.json.encode(item) + b"\n" for item in (header, *lines))


def signature_of(body: bytes, role: Role, sign: Sign) -> str:
    return base64.b64encode(sign(LABEL + role.value.encode() + b"\0" + digest_of(body))).decode()


def signed_receipt(header: Header, lines: Sequence[Line], receiver: Sign, sender: Sign | None = None) -> bytes:
    """The bytes of the whole file."""
    body = body_of(header, lines)
    tail = msgspec.json.encode({"received": signature_of(body, Role.RECEIVER, receiver)}) + b"\n"
    if sender is not None:
        tail += msgspec.json.encode({"sent": signature_of(body, Role.SENDER, sender)}) + b"\n"
    return body + tail


def facts_of(manifest: Manifest, sender_pem: str, receiver_pem: str) -> tuple[Header, list[Line]]:
    """The facts of a correct receipt of a whole transfer; every file has the hash of zeros."""
    digests = bytearray(32 * len(manifest))
    header = header_for(manifest, "x", b"t" * 16, "2026-01-01T00:00:00+00:00", {}, (sender_pem, receiver_pem))
    return header, list(lines_for(manifest, {}, digests))
