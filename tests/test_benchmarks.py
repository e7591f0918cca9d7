"""The benchmark measures what it says, and its sums are right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("the benchmarks need wait4", allow_module_level=True)

from benchmarks import report
from benchmarks.checking import check, content_of
from benchmarks.commands import make_parser
from benchmarks.competitor_tls import BareTls
from benchmarks.competitors import Competitor
from benchmarks.inputs import INPUTS, Input, make_small_files
from benchmarks.measure import BenchmarkError, Child, Round, median
from benchmarks.ours import Ours
from benchmarks.running import Turns
from benchmarks.target_disk import Folders, FreshDisk
from benchmarks.targets import TARGETS, Target
from countersign.session.stats import RECEIVERS, SENDERS

pytestmark = pytest.mark.once


def test_ours_and_bare_tls_are_measured_side_by_side(tmp_path: Path) -> None:
    few = Input("few", "twelve files", lambda folder, _share: make_small_files(folder, 12))
    said: list[str] = []
    disk = Folders(tmp_path / "targets")
    turns = Turns(tmp_path / "cache", disk, said.append)
    competitors: list[Competitor] = [Ours(tmp_path / "homes"), BareTls(tmp_path / "cache")]
    for competitor in competitors:
        assert competitor.missing() is None
        competitor.prepare()
    disk.prepare()
    assert disk.about  # it stands in every table
    found = turns.run(few, 1, competitors, 1)
    disk.clean()
    assert (found["files"], found["bytes"]) == (12, 2400)
    for competitor in competitors:
        kept = found["peers"][competitor.name]
        assert not kept["failed"], said
        (measured,) = kept["rounds"]
        assert measured["seconds"] > 0
        assert measured["sender"]["processor"] > 0
        assert measured["receiver"]["peak"] > 1 << 20
    told = found["peers"]["Countersign"]["rounds"][0]["told"]
    assert told["sender"]["stages"].keys() == set(SENDERS)
    assert told["receiver"]["stages"].keys() == set(RECEIVERS)
    assert "| receiver | writing |" in report.stage_table(found)
    assert not list((tmp_path / "targets").iterdir())


def test_what_arrived_otherwise_is_noticed(tmp_path: Path) -> None:
    source, arrived = tmp_path / "source", tmp_path / "arrived"
    for folder in (source, arrived):
        folder.mkdir()
        (folder / "a").write_text("aaaa")
    expected = content_of(source)
    check(source, expected, arrived, full=True)
    (arrived / "a").write_text("aaab")
    check(source, expected, arrived, full=False)
    with pytest.raises(BenchmarkError, match="other content"):
        check(source, expected, arrived, full=True)
    (arrived / "a").write_text("aaa")
    with pytest.raises(BenchmarkError, match="3 bytes instead of 4"):
        check(source, expected, arrived, full=False)


def test_a_program_that_fails_is_no_round(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(BenchmarkError, match="ended with 3: oh no"):
        Child([sys.executable, "-c", "import sys; sys.stderr.write('oh no'); sys.exit(3)"], log=log).wait()


def _kept(*seconds: float, nothing: float = 1.0) -> dict[str, Any]:
    side = {"processor": 2.0, "peak": 100 << 20}
    rounds = [{"seconds": one, "sender": side, "receiver": side, "told": {}} for one in seconds]
    return {"version": "1", "rounds": rounds, "nothing": [{"seconds": nothing}], "failed": []}


def _results(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    one = {"about": "x", "share": 1, "files": 1, "bytes": 8_000_000, "peers": {"Countersign": ours, "scp": theirs}}
    return {"inputs": {"random": one}}


@pytest.mark.parametrize(
    ("ours", "theirs", "moving", "whole", "text", "certainty"),
    [
        (_kept(3.0, 5.0, 9.0), _kept(9.0, nothing=1.0), 2.0, 1.8, "reached", "sure"),
        (_kept(5.0, nothing=3.0), _kept(5.0, nothing=1.0), 2.0, 1.0, "reached", "sure"),
        (_kept(5.0), _kept(5.0), 1.0, 1.0, "not reached", "sure"),
        (_kept(5.0, 5.0, 5.0), _kept(5.0, 9.0, 9.0), 2.0, 1.8, "reached", "open, 2 of 3 rounds reach it"),
        (_kept(5.0, 5.0, 5.0), _kept(5.0, 5.0, 9.0), 1.0, 1.0, "not reached", "open, 1 of 3 rounds reach it"),
        ({**_kept(), "failed": ["x"]}, _kept(5.0), None, None, "not measured", ""),
    ],
)
def test_verdicts(
    ours: dict[str, Any], theirs: dict[str, Any], moving: float | None, whole: float | None, text: str, certainty: str
) -> None:
    (verdict,) = report.verdicts(_results(ours, theirs), [Target("random", "scp", 1.5)])
    assert verdict.moving == (None if moving is None else pytest.approx(moving))
    assert verdict.whole == (None if whole is None else pytest.approx(whole))
    assert (verdict.text, verdict.certainty) == (text, certainty)


@pytest.mark.parametrize(
    ("count", "out"), [(1, 0), (3, 0), (5, 0), (6, 0), (8, 0), (9, 1), (11, 1), (12, 2), (15, 3), (20, 5)]
)
def test_the_range_of_the_middle(count: int, out: int) -> None:
    """The numbers of the table of the sign test at 5 %, two-sided."""
    assert report.middle_range([float(n) for n in reversed(range(count))]) == (out, count - 1 - out)


def test_one_odd_round_of_nine_decides_nothing() -> None:
    rounds = [*[9.0] * 8, 2.0]
    (verdict,) = report.verdicts(_results(_kept(*[5.0] * 9), _kept(*rounds)), [Target("random", "scp", 1.5)])
    assert (verdict.text, verdict.certainty) == ("reached", "sure")
    (verdict,) = report.verdicts(_results(_kept(*[5.0] * 9), _kept(*rounds[1:], 2.0)), [Target("random", "scp", 1.5)])
    assert (verdict.text, verdict.certainty) == ("reached", "open, 7 of 9 rounds reach it")


def test_the_spread_of_the_rounds_is_shown() -> None:
    table = report.verdict_table(_results(_kept(5.0, 5.0, 5.0), _kept(5.0, 7.0, 9.0)))
    assert "| random | scp | 1.15 | 1.50 (1.00 to 2.00) | 1.40 | reached | open, 2 of 3 rounds reach it |" in table


def test_each_round_begins_with_another(tmp_path: Path) -> None:
    class Named(BareTls):
        name = ""

        def transfer(self, source: Path, target: Path) -> Round:
            began.append((self.name, source.name))
            return super().transfer(source, target)

    began: list[tuple[str, str]] = []
    competitors: list[Competitor] = []
    for name in "ab":
        competitor = Named(tmp_path)
        competitor.name = name
        competitor.prepare()
        competitors.append(competitor)
    disk = Folders(tmp_path / "targets")
    turns = Turns(tmp_path / "cache", disk, lambda _text: None)
    turns.run(INPUTS["random"], 1 / 4096, competitors, 3)
    disk.clean()
    names = [name for name, source in began if source != "nothing"]
    assert names == ["a", "b", "b", "a", "a", "b"]


def test_a_disk_is_made_for_each_round(tmp_path: Path) -> None:
    size = 32 << 20
    disk = FreshDisk(tmp_path / "disk.img", size)
    try:
        disk.prepare()
    except BenchmarkError as refused:  # not root, or a machine without loop devices
        assert not list(disk.folder.parent.glob("disk.mounted/*"))
        pytest.skip(str(refused))
    try:
        first = disk.target()
        (first / "a").write_text("a")
        assert first.stat().st_dev != tmp_path.stat().st_dev
        disk.done(first, 1)
        assert not first.exists()
        second = disk.target()
        assert not list(second.iterdir())
        assert disk.target().exists()  # though that one was never given back
    finally:
        disk.clean()
    assert not disk.folder.exists()
    assert (tmp_path / "disk.img").stat().st_blocks * 512 >= size  # written in full: no round pays for that


def test_a_disk_for_each_round_needs_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BenchmarkError, match="needs Linux, root"):
        FreshDisk(tmp_path / "disk.img", 1 << 20).prepare()
    assert not list(tmp_path.iterdir())


def test_tables_and_plot() -> None:
    results = _results(_kept(5.0), _kept(9.0))
    table = report.input_table(results["inputs"]["random"])
    assert "| Countersign 1 | 1 | 5.00 (5.00 to 5.00) | 1.00 | 2 |  | 2.0 + 2.0 s | 100 MiB |" in table
    assert "2.00 times as fast" in table
    assert "not measured" in report.verdict_table(results)
    drawn = report.plot([(10.0, 1.0), (100.0, 10.0), (1000.0, 100.0)], "entries", "seconds")
    stars = [(row, line.index("*")) for row, line in enumerate(drawn.splitlines()) if "*" in line]
    assert [column for _row, column in stars] == sorted((column for _row, column in stars), reverse=True)
    assert len(stars) == 3
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5


def test_the_readme_is_written_from_the_results(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    marks = [f"<!-- {name}: {mark} -->" for name in ("results", "scaling", "others") for mark in ("begin", "end")]
    readme.write_text("top\n" + "\nold\n".join(marks) + "\nbottom\n")
    results = report.merge(tmp_path / "results.json", _results(_kept(5.0), _kept(9.0)))
    report.write_readme(readme, results)
    text = readme.read_text()
    assert "| random | scp | 1.15 | 2.00 | 1.80 | reached | sure |" in text
    assert text.startswith("top\n")
    assert text.endswith("bottom\n")
    again = text
    report.write_readme(readme, report.read(tmp_path / "results.json"))
    assert readme.read_text() == again


def test_every_target_is_of_an_input_that_can_be_made() -> None:
    assert {target.input for target in TARGETS} <= set(INPUTS)
    assert make_parser().parse_args([]).command == "compare"
