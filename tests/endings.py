"""What must hold after a transfer has ended."""

from __future__ import annotations

from countersign.receipts.checking import check_receipt
from countersign.session import status as st
from countersign.target.journal import list_interrupted
from tests.transfers import Couple, Exchange, snapshot

LARGE = 60_000_000


def done_once(couple: Couple, exchange: Exchange) -> None:
    """Both are done, with one receipt each that both have signed, and nothing is left behind."""
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
    for heard, device in ((exchange.sender, couple.alice.device), (exchange.receiver, couple.bob.device)):
        end = heard.end()
        assert isinstance(end, st.Done)
        assert list(device.receipts.iterdir()) == [end.receipt]
        assert end.receipt is not None
        assert check_receipt(end.receipt, couple.into).countersigned
    nothing_left(couple)


def nothing_left(couple: Couple) -> None:
    assert not list_interrupted(couple.bob.device.transfers)
    assert not list((couple.bob.device.state / "staging").iterdir())


def no_receipt(couple: Couple) -> None:
    """Neither a receipt nor a draft of one."""
    for device in (couple.alice.device, couple.bob.device):
        assert not list(device.receipts.iterdir())
