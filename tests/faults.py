"""Shared by the tests of faults."""

from __future__ import annotations

from pathlib import Path

from tests.transfers import Couple

LARGE = 60_000_000


def list_of_journals(couple: Couple) -> list[Path]:
    transfers = couple.bob.device.transfers
    return list(transfers.iterdir()) if transfers.is_dir() else []
