"""Both programs as processes that are cancelled or killed during the data, and what is kept of that."""

from __future__ import annotations

import json
import os

import pytest

from tests.cli_pair import begin, until_arrived
from tests.programs import command
from tests.transfers import Couple, snapshot


@pytest.mark.once
def test_cancelled_by_ctrl_c_during_the_data_then_resumed(pair: Couple) -> None:
    (pair.folder / "large.bin").write_bytes(os.urandom(400_000_000))
    bob, alice = begin(pair)
    until_arrived(bob, 40_000_000)
    alice.interrupt()
    assert (alice.end(), bob.end()) == (7, 7)
    assert pair.visible() == []
    listed = command("receiver", "--json", "--interrupted", home=pair.bob.home.root)
    event = json.loads(listed.stdout)
    assert (event["event"], event["peer"]) == ("interrupted", "alice")
    assert 0 < event["bytes_there"] < event["bytes"]
    missing = command("receiver", "--discard", "nonsense", home=pair.bob.home.root)
    assert missing.returncode == 2
    bob, alice = begin(pair)
    assert alice.until("done")["wire_bytes"] < 400_000_000 - event["bytes_there"] + 20_000_000
    assert (alice.end(), bob.end()) == (0, 0)
    assert snapshot(pair.into) == snapshot(pair.folder)


@pytest.mark.once
@pytest.mark.parametrize("victim", ["alice", "bob"])
def test_f1_killed_during_the_data_then_resumed(pair: Couple, victim: str) -> None:
    (pair.folder / "large.bin").write_bytes(os.urandom(400_000_000))
    before = snapshot(pair.folder)
    bob, alice = begin(pair)
    until_arrived(bob, 100_000_000)
    (alice if victim == "alice" else bob).kill()
    other = bob if victim == "alice" else alice
    other.until("reconnecting")
    assert pair.visible() == []
    other.interrupt()
    assert other.end() == 7
    (alice if victim == "alice" else bob).end()
    bob, alice = begin(pair)
    assert alice.until("done")["wire_bytes"] < 330_000_000
    assert (alice.end(), bob.end()) == (0, 0)
    assert snapshot(pair.into) == snapshot(pair.folder) == before


@pytest.mark.once
def test_an_interrupted_transfer_is_discarded(pair: Couple) -> None:
    (pair.folder / "large.bin").write_bytes(os.urandom(400_000_000))
    bob, alice = begin(pair)
    until_arrived(bob, 40_000_000)
    bob.interrupt()
    assert (alice.end(), bob.end()) == (7, 7)
    home = pair.bob.home.root
    identity = json.loads(command("receiver", "--json", "--interrupted", home=home).stdout)["id"]
    assert command("receiver", "--discard", identity, home=home).returncode == 0
    assert "Nothing was interrupted" in command("receiver", "--interrupted", home=home).stdout
    assert not list((pair.bob.device.state / "staging").iterdir())
