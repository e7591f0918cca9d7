"""Decodes a sealed payload: MessagePack, strictly, into one type. Anything that does not fit raises one problem."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from countersign.base.errors import Problem, ProtocolProblem

T = TypeVar("T")


def decoded(payload: memoryview | bytes, kind: type[T], otherwise: Problem | type[Problem] = ProtocolProblem) -> T:
    """The value in a payload. Raises `otherwise` if the payload does not fit `kind`."""
    try:
        return msgspec.msgpack.decode(payload, type=kind, strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise otherwise from None
