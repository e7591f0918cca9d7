"""Receipts put together by hand, so that every byte of them can be a lie."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import msgspec

from countersign.transfer.receipts import Header, Line

LABEL = b"countersign/1 receipt\0"


def signed_receipt(header: Header, lines: list[Line], sign: Callable[[bytes], bytes]) -> bytes:
    """The whole file."""
    body = b"".join(msgspec.json.encode(item) + b"\n" for item in (header, *lines))
    signature = base64.b64encode(sign(LABEL + hashlib.sha256(body).digest())).decode()
    return body + msgspec.json.encode({"signature": signature}) + b"\n"
