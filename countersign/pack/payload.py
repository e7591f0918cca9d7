"""Decoding what stood in a sealed frame: MessagePack, strictly, into one type. Whatever does not fit is the one problem of its kind."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from countersign.base.errors import Problem, ProtocolProblem

T = TypeVar("T")


def decoded(payload: memoryview | bytes, kind: type[T], otherwise: Problem | type[Problem] = ProtocolProblem) -> T:
    """The value in a payload. Raises `otherwise` for anything that is not one."""
    try:
        return msgspec.msgpack.decode(payload, type=kind, strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise otherwise from None
