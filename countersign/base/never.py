"""What a type checker must find unreachable: the last branch of a `match` over a closed union."""

from __future__ import annotations

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """Raises AssertionError; mypy rejects a call that it can reach (typing has its own from Python 3.11 on)."""
    raise AssertionError(f"nobody handles {value!r}")
