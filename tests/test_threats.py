"""Threats that no other test file covers, and a check that docs/SECURITY.md names a test for every threat."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest

from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.target.journal import VERSION, About, Journal, discard, is_staging_name, new_staging_name
from tests.test_documents import table
from tests.transfers import Couple, Exchange, fill, snapshot

ROOT = Path(__file__).resolve().parents[1]
ROWS = {"P": 14, "D": 4, "N": 13, "S": 3, "Z": 3, "F": 10, "R": 2, "B": 1, "L": 1, "U": 1}
NOT_BUILT = {"P8", "N6", "N13"}  # the live folder, discovery, and the wall before strangers
IDS = [f"{letter}{number}" for letter, count in ROWS.items() for number in range(1, count + 1)]
SECURITY = (ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8")


def names_by_file() -> dict[str, set[str]]:
    return {
        path.name: set(re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))
        for path in (ROOT / "tests").glob("test_*.py")
    }


def test_every_row_of_the_table_of_threats_has_a_test_named_after_it() -> None:
    named = {
        part.upper()
        for names in names_by_file().values()
        for name in names
        for part in re.match(r"test_((?:[pdnszfrblu]\d+_)*)", name).group(1).split("_")  # type: ignore[union-attr]
        if part
    }
    assert set(IDS) - named == NOT_BUILT
    assert named - set(IDS) == set()


def test_the_security_page_names_a_test_for_every_case() -> None:
    found = names_by_file()
    rows = {cells[0]: cells for cells in table(SECURITY, "case")}
    assert set(IDS) <= set(rows)
    for case, (_case, _what, proof) in rows.items():
        if case in NOT_BUILT:
            assert "not built yet" in proof
            continue
        proofs = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", proof)
        assert proofs, case
        for file, name in proofs:
            assert file in found, f"{case}: {file}"
            assert not name or any(test.startswith(name) for test in found[file]), f"{case}: {file}::{name}"


def test_the_security_page_names_the_command_of_every_figure() -> None:
    from tests.long.__main__ import NAMES

    for name in NAMES:
        assert f"python3 -m tests.long {name}" in SECURITY, name


def test_p3_clean_up_removes_nothing_but_random_names_of_ours(tmp_path: Path) -> None:
    manifest = Manifest()
    manifest.add(Entry(EntryKind.FILE, -1, "x", 1, 0, ""))
    precious = tmp_path / "home"
    precious.mkdir()
    (precious / "file").write_text("mine")
    link = tmp_path / new_staging_name()
    link.symlink_to(precious)
    for staging in (precious, precious / "..", tmp_path, Path("/"), tmp_path / ".countersign-", link):
        about = About(VERSION, "00", "x", "x", b"x", os.fsencode(staging), 0.0, 1, 1, 1)
        journal = Journal.begin(tmp_path / "transfers", about, manifest)
        journal.close()
        try:
            discard(journal.folder)
        except OSError:
            assert staging == link  # a folder that is not ours is refused
        assert (precious / "file").read_text() == "mine"


def test_p9_entries_named_like_our_own_files(couple: Couple) -> None:
    names = [
        new_staging_name(),
        ".countersign-no-such",
        "about.json",
        "log",
        "guesses.json",
        ".lock",
        "received_folder",
        "state",
    ]
    for name in names:
        (couple.folder / name).write_text(name)
    assert Exchange(couple).run().codes == ("done", "done")
    assert couple.visible() == sorted(names)
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_d2_the_whole_list_is_there_before_anything_is_accepted(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    exchange = Exchange(couple, accept=None).start()
    proposal = exchange.receiver.wait(st.NeedDecision).proposal
    listed = {proposal.manifest.path(index) for index in range(len(proposal.manifest))}
    assert listed == set(snapshot(couple.folder))
    assert not exchange.receiver.all(st.Progress)
    assert not couple.into.exists()
    exchange.reception.answers.decision.give(Decision(True))
    assert exchange.join().codes == ("done", "done")


def test_d3_the_key_is_in_no_file_no_log_and_no_text_form(couple: Couple, caplog: pytest.LogCaptureFixture) -> None:
    fill(couple.folder, large=1000)
    with caplog.at_level(logging.DEBUG):
        exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    shown = exchange.sender.all(st.KeyShown)[0].key
    key = shown.replace("-", "")
    told = (
        caplog.text
        + repr(exchange.sender.statuses)
        + repr(exchange.receiver.statuses)
        + repr(exchange.session.__dict__)
    )
    for path in couple.root.rglob("*"):
        if path.is_file():
            told += path.read_bytes().decode("latin-1")
    assert key not in told
    assert shown not in told
    code = exchange.receiver.all(st.Listening)[0].code
    assert f"code='{code}'" not in told


def test_n4_names_of_our_folders_cannot_be_guessed() -> None:
    names = {new_staging_name() for _n in range(1000)}
    assert len(names) == 1000
    for name in names:
        assert is_staging_name(name)
        assert re.fullmatch(r"\.countersign-[0-9a-f]{32}", name)
