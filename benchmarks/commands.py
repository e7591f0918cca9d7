"""The options, and what each of the commands does."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from benchmarks import report, scaling
from benchmarks.competitor_croc import Croc
from benchmarks.competitor_ssh import ssh_competitors
from benchmarks.competitor_tls import BareTls, Socat
from benchmarks.competitor_wormhole import Wormhole
from benchmarks.competitors import Competitor
from benchmarks.inputs import INPUTS
from benchmarks.measure import BenchmarkError
from benchmarks.ours import Ours
from benchmarks.running import SLOW, Turns, machine
from benchmarks.target_disk import Folders, FreshDisk, TargetDisk, file_system

HERE = Path(__file__).resolve().parent
_QUICK = 1 / 32
_ROUNDS = 5
_REST = 4.0  # seconds; a virtual machine takes memory that was freed back after two
_GIB = {"large": 8}  # what an input needs where that is not one GiB
_SPARE = 4  # GiB on a fresh disk that hold its own tables, 200,000 places for files among them
_KEPT = ("text", "python", "tiny")  # of these every target stays until the end, see target_disk.Folders


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks", description=__doc__)
    parser.add_argument(
        "command", nargs="?", default="compare",
        choices=["compare", "scaling", "first", "window", "table", "list"],
        help="compare (side by side with others), scaling (1,000 to 1,000,000 entries), first (first data byte), "
        "window (until it is up), table (writes benchmarks/README.md from the results), list (what can be measured)",
    )  # fmt: skip
    parser.add_argument("--inputs", default=",".join(INPUTS), metavar="A,B", help=f"of {', '.join(INPUTS)}")
    parser.add_argument(
        "--peers", default="", metavar="A,B", help="by the beginning of their names; all that are there"
    )
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument(
        "--keep", action="store_true", help="what arrived stays there: removed files make the next run slow"
    )
    parser.add_argument(
        "--fresh-disk",
        action="store_true",
        help="each round receives on an ext4 made for it, in a file (Linux, as root)",
    )
    parser.add_argument("--touch", action="store_true", help="touch the memory that a round may need before it")
    parser.add_argument("--quick", action="store_true", help="a thirty-second of each input, two rounds")
    parser.add_argument("--entries", default="1000,10000,100000,1000000", metavar="A,B", help="for scaling and first")
    parser.add_argument("--cache", type=Path, default=user_cache_path("countersign-benchmarks"), metavar="DIR")
    parser.add_argument("--targets", type=Path, metavar="DIR", help="receive in here; the cache unless given")
    parser.add_argument(
        "--beside", action="append", default=[], metavar="NAME=FILE", help="results of another run: a column for table"
    )
    parser.add_argument("--results", type=Path, default=HERE / "results" / "results.json", metavar="FILE")
    return parser


def run(arguments: list[str]) -> int:
    """Runs a command; gives the exit code."""
    options = make_parser().parse_args(arguments)
    options.cache = options.cache.resolve()
    options.targets = (options.targets or options.cache / "targets").resolve()
    for folder in (options.cache, options.targets):
        folder.mkdir(parents=True, exist_ok=True)
    if options.quick:
        options.rounds = min(options.rounds, 2)
    try:
        if options.command == "list":
            _list(options)
        elif options.command == "table":
            beside = [
                (name, report.read(Path(path))) for name, _equals, path in (b.partition("=") for b in options.beside)
            ]
            report.write_readme(HERE / "README.md", report.read(options.results), beside)
        elif options.command == "compare":
            _compare(options)
        else:
            found = scaling.COMMANDS[options.command](options)
            report.merge(
                options.results, {options.command: {**found, "machine": machine(file_system(options.targets))}}
            )
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def all_competitors(options: argparse.Namespace) -> list[Competitor]:
    """Every program that can be measured."""
    return [
        Ours(options.targets / "countersign-homes"),
        BareTls(options.cache),
        Wormhole(options.cache),
        *ssh_competitors(options.cache),
        Socat(options.cache),
        Croc(options.cache),
    ]


def _chosen(options: argparse.Namespace) -> tuple[list[Competitor], dict[str, str]]:
    """Those that were asked for and are there, and how to install the others."""
    asked = [name.strip().lower() for name in options.peers.split(",") if name.strip()]
    there: list[Competitor] = []
    missing: dict[str, str] = {}
    for competitor in all_competitors(options):
        if asked and not any(competitor.name.lower().startswith(name) for name in asked):
            continue
        how = competitor.missing()
        if how is None:
            there.append(competitor)
        else:
            missing[competitor.name] = how
    return there, missing


def _say(text: str) -> None:
    print(text, flush=True)


def _list(options: argparse.Namespace) -> None:
    for one in INPUTS.values():
        _say(f"{one.name:10} {one.about}")
    for competitor in all_competitors(options):
        how = competitor.missing()
        _say(f"{competitor.name:24} " + (f"missing: {how}" if how else competitor.version()))


def _target_disk(options: argparse.Namespace, names: list[str], competitors: int) -> TargetDisk:
    """Where the rounds receive. Raises BenchmarkError where there is no room for them."""
    if options.fresh_disk:
        return FreshDisk(options.targets / "disk.img", (_SPARE + 2 * max(_GIB.get(name, 1) for name in names)) << 30)
    need = sum(_GIB.get(name, 1) * (options.rounds * competitors if name in _KEPT else 1) for name in names) + 2
    if not options.quick and shutil.disk_usage(options.targets).free >> 30 < need:
        raise BenchmarkError(
            f"this needs {need} GiB in {options.targets}; --quick, --fresh-disk, fewer rounds or fewer inputs need less"
        )
    return Folders(options.targets, keep=options.keep)


def _compare(options: argparse.Namespace) -> None:
    names = [name.strip() for name in options.inputs.split(",") if name.strip()]
    unknown = [name for name in names if name not in INPUTS]
    if unknown:
        raise BenchmarkError(f"no such input: {', '.join(unknown)}")
    competitors, missing = _chosen(options)
    disk = _target_disk(options, names, len(competitors))
    for name, how in missing.items():
        _say(f"without {name}: {how}")
    rest = 0.0 if options.quick else _REST
    turns = Turns(options.cache, disk, _say, touch=options.touch, rest=rest)
    found: dict[str, Any] = {"missing": missing, "inputs": {}}
    try:
        disk.prepare()
        for competitor in competitors:
            competitor.prepare()
        for name in names:
            chosen = [competitor for competitor in competitors if options.peers or (name, competitor.name) not in SLOW]
            facts = machine(disk.about)
            result = turns.run(INPUTS[name], _QUICK if options.quick else 1, chosen, options.rounds)
            found["inputs"][name] = {**result, "machine": facts}
            report.merge(options.results, found)
    finally:
        for competitor in competitors:
            competitor.close()
        disk.clean()
    _say("")
    for name in names:
        _say(f"{name}:\n{report.input_table(found['inputs'][name])}\n")
        _say(report.stage_table(found["inputs"][name]) + "\n")
    _say(report.verdict_table(found))


__all__ = ["all_competitors", "make_parser", "run"]
