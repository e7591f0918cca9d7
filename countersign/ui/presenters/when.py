"""Moments for eyes."""

from __future__ import annotations

import datetime


def when(seconds: float) -> datetime.datetime:
    """A moment in this computer's time zone, from seconds since 1970."""
    return datetime.datetime.fromtimestamp(seconds).astimezone()
