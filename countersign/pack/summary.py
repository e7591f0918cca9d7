"""The first sealed payload: it sums up the offer before its manifest. See docs/PROTOCOL.md."""

from __future__ import annotations

from typing import Annotated

import msgspec

from countersign.base import limits
from countersign.base.errors import OfferRefused
from countersign.pack.payload import decoded

_Renewal = Annotated[bytes, msgspec.Meta(max_length=limits.TOLD_RENEWAL)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_TOTAL_BYTES)]


class Summary(msgspec.Struct, frozen=True, omit_defaults=True):
    """The offer's name, its files, their bytes, and entries of all kinds. `renewal`: see trust.renewal, or empty."""

    name: Annotated[str, msgspec.Meta(max_length=limits.SUMMARY_NAME)]
    files: _Count
    bytes: _Count
    entries: Annotated[int, msgspec.Meta(ge=1, le=limits.MAX_ENTRIES)]
    renewal: _Renewal = b""


def encode_summary(summary: Summary) -> bytes:
    return msgspec.msgpack.encode(summary)


def decode_summary(payload: memoryview | bytes) -> Summary:
    """Raises OfferRefused if it does not fit."""
    return decoded(payload, Summary, OfferRefused)
