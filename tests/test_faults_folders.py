"""Faults that were found once, of what lies in folders: each is here so that it stays mended."""

from __future__ import annotations

import os
import shutil

import pytest

from countersign.base import limits
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.target.journal import list_interrupted
from tests.faults import LARGE, list_of_journals
from tests.transfers import Couple, Exchange, fill, interrupt, snapshot

pytestmark = pytest.mark.usefixtures("every_progress")


def test_a_folder_that_is_gone_when_the_data_begins(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    shutil.rmtree(couple.folder)
    exchange.reception.answers.decision.give(Decision(True))
    exchange.join()
    assert exchange.codes == ("folder_unreadable", "peer_disk")
    assert couple.visible() == []


def test_a_folder_in_which_nothing_can_be_sent(couple: Couple) -> None:
    (couple.folder / "out").symlink_to("/etc")
    exchange = Exchange(couple).start().join(receiver=False)
    assert exchange.sender.code() == "folder_empty"
    exchange.stop_receiver()


def test_p10_links_that_lead_out_are_left_out_and_named(couple: Couple) -> None:
    (couple.root / "secret").write_text("not for anybody")
    (couple.folder / "x").write_text("x")
    (couple.folder / "leak").symlink_to(couple.root / "secret")
    exchange = Exchange(couple).run()
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert [path for path, _reason in end.skipped] == ["leak"]
    assert couple.visible() == ["x"]


def test_p10_a_file_swapped_for_a_link_after_it_was_listed(couple: Couple) -> None:
    (couple.root / "secret").write_text("not for anybody")
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    (couple.folder / "run.sh").unlink()
    (couple.folder / "run.sh").symlink_to(couple.root / "secret")
    shutil.move(couple.folder / "a", couple.root / "moved")
    (couple.folder / "a").symlink_to(couple.root / "moved")
    exchange.reception.answers.decision.give(Decision(True))
    exchange.join()
    assert exchange.codes == ("done", "done")
    assert not (couple.into / "run.sh").exists()
    assert [path for path in (couple.into / "a").rglob("*") if path.is_file() and not path.is_symlink()] == []


def test_the_deepest_tree_twice(couple: Couple) -> None:
    deep = couple.folder.joinpath(*["d"] * (limits.MAX_DEPTH - 1))
    deep.mkdir(parents=True)
    (deep / "end").write_text("x")
    assert Exchange(couple).run().codes == ("done", "done")
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    end = again.receiver.end()
    assert isinstance(end, st.Done)
    assert end.kept == ("d",)
    assert couple.visible() == ["d"]


def test_what_is_there_already_is_left_or_kept_beside(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    Exchange(couple).run()
    (couple.into / "run.sh").write_text("mine")
    (couple.into / "a" / "b" / "extra").write_text("mine too")
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    assert dict(end.renamed) == {"run.sh": "run (2).sh", "a": "a (2)"}
    assert set(end.kept) == {"large.bin", "empty", "nothing inside", "Grüße 写真.txt", "link"}
    assert (couple.into / "run.sh").read_text() == "mine"
    assert (couple.into / "a" / "b" / "extra").read_text() == "mine too"
    assert (couple.into / "run (2).sh").read_bytes() == (couple.folder / "run.sh").read_bytes()
    assert snapshot(couple.into / "a (2)") == snapshot(couple.folder / "a")


def test_useless_remains_of_the_same_folder_are_removed(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 2)
    for number, path in enumerate(sorted(couple.folder.rglob("*"))):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (number, number))  # nothing is the same any more
    assert Exchange(couple).run().codes == ("done", "done")
    assert not list_of_journals(couple)
    assert not list((couple.bob.device.state / "staging").iterdir())


def test_remains_of_another_folder_are_kept(couple: Couple) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 2)
    other = couple.root / "other"
    other.mkdir()
    (other / "else").write_text("else")
    assert Exchange(couple, folder=other).run().codes == ("done", "done")
    assert len(list_interrupted(couple.bob.device.transfers)) == 1
    exchange = Exchange(couple).run()
    end = exchange.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < LARGE * 0.7


@pytest.mark.parametrize("size", [0, 1])
def test_p2_what_is_shown_is_what_is_written(couple: Couple, size: int) -> None:
    names = ["a b", "é", "e\u0301", "写真", "UPPER", "upper", "-rf", "~", "$HOME", "a'b\"c", "🎉", "COM1", "x" * 255]
    for name in names:
        (couple.folder / name).write_bytes(b"x" * size)
    exchange = Exchange(couple).run()
    proposal = exchange.receiver.all(st.NeedDecision)[0].proposal
    assert sorted(proposal.manifest.names) == sorted(names) == couple.visible()
