"""Turns rounds into medians, ratios, verdicts and the tables of benchmarks/README.md. Pure: no clock, no process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb, log10
from pathlib import Path
from typing import Any

from benchmarks.measure import median
from benchmarks.targets import TARGETS, Target

OURS = "Countersign"
_CHANCE = 0.05
_BEGIN, _END = "<!-- {name}: begin -->", "<!-- {name}: end -->"


@dataclass(frozen=True)
class Speed:
    """The medians of one program on one input. seconds: the whole command. start: the same for a file of four bytes."""

    rounds: int
    seconds: float
    least: float
    most: float
    start: float
    sender: float
    receiver: float
    peak: int

    @property
    def moving(self) -> float:
        """What the data alone cost: without start-up, handshake and end."""
        return max(self.seconds - self.start, 1e-9)


def speed_of(kept: dict[str, Any]) -> Speed | None:
    """The medians of a program's rounds; None if there are none."""
    rounds = kept["rounds"]
    if not rounds:
        return None
    seconds = [one["seconds"] for one in rounds]
    return Speed(
        rounds=len(rounds),
        seconds=median(seconds),
        least=min(seconds),
        most=max(seconds),
        start=median([one["seconds"] for one in kept["nothing"]]) if kept["nothing"] else 0.0,
        sender=median([one["sender"]["processor"] for one in rounds]),
        receiver=median([one["receiver"]["processor"] for one in rounds]),
        peak=max(max(one["sender"]["peak"], one["receiver"]["peak"]) for one in rounds),
    )


@dataclass(frozen=True)
class Verdict:
    """A line of the target table. moving: ratio of the data alone; whole: of the whole commands; rounds: `moving` per round.

    The medians of the data alone decide the verdict. A round compares runs close in time, so the rounds say how sure it is.
    """

    target: Target
    moving: float | None
    whole: float | None
    rounds: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        if self.moving is None:
            return "not measured"
        return "reached" if self.moving >= self.target.ratio else "not reached"

    @property
    def certainty(self) -> str:
        """Whether the whole range of the middle of such rounds is on one side of the target."""
        if not self.rounds:
            return ""
        low, high = middle_range(self.rounds)
        if high < self.target.ratio or low >= self.target.ratio:
            return "sure"
        return f"open, {sum(one >= self.target.ratio for one in self.rounds)} of {len(self.rounds)} rounds reach it"


def middle_range(values: Sequence[float]) -> tuple[float, float]:
    """The range of the median at 95 %, from this sample, by the sign test. It assumes no distribution.

    Leaves out as many values at either end as keep the chance of missing the median below 5 %: none of up to eight, one of nine,
    two of twelve. Fewer than six say less; their whole range is returned.
    """
    ordered = sorted(values)
    count, out, chance = len(ordered), 0, 2 / 2 ** len(ordered)
    while (chance := chance + 2 * comb(count, out + 1) / 2**count) <= _CHANCE:
        out += 1
    return ordered[out], ordered[count - 1 - out]


def verdicts(results: dict[str, Any], targets: Iterable[Target] = TARGETS) -> list[Verdict]:
    """One for each line of the target table."""
    return [_verdict(target, results["inputs"].get(target.input, {}).get("peers", {})) for target in targets]


def _verdict(target: Target, competitors: dict[str, Any]) -> Verdict:
    ours = speed_of(competitors[OURS]) if OURS in competitors else None
    theirs = speed_of(competitors[target.competitor]) if target.competitor in competitors else None
    if ours is None or theirs is None:
        return Verdict(target, None, None)
    moved = zip(
        _moving(competitors[OURS], ours), _moving(competitors[target.competitor], theirs), strict=False
    )  # a round may have failed
    rounds = tuple(other / own for own, other in moved)
    return Verdict(target, theirs.moving / ours.moving, theirs.seconds / ours.seconds, rounds)


def _moving(kept: dict[str, Any], speed: Speed) -> list[float]:
    """What the data alone cost in each round."""
    return [max(one["seconds"] - speed.start, 1e-9) for one in kept["rounds"]]


def input_table(one: dict[str, Any]) -> str:
    """All programs on one input."""
    lines = [
        "| program | rounds | seconds (least to most) | start-up | MB/s of data | Countersign is "
        "| processor, sender + receiver | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ours = speed_of(one["peers"][OURS]) if OURS in one["peers"] else None
    for name, kept in one["peers"].items():
        speed = speed_of(kept)
        label = f"{name} {kept['version']}"
        if speed is None:
            lines.append(f"| {label} | 0 | failed | | | | | |")
            continue
        ratio = "" if ours is None or name == OURS else f"{speed.moving / ours.moving:.2f} times as fast"
        lines.append(
            f"| {label} | {speed.rounds} | {speed.seconds:.2f} ({speed.least:.2f} to {speed.most:.2f}) | {speed.start:.2f} "
            f"| {one['bytes'] / speed.moving / 1e6:.0f} | {ratio} | {speed.sender:.1f} + {speed.receiver:.1f} s "
            f"| {speed.peak / (1 << 20):.0f} MiB |"
        )
    return "\n".join(lines)


def verdict_table(results: dict[str, Any], beside: Sequence[tuple[str, dict[str, Any]]] = ()) -> str:
    """The target table with the measured values. beside: further runs of the same, each with its name."""
    names = "".join(f" {name} |" for name, _results in beside)
    lines = [
        f"| input | against | target | data alone | whole command | verdict | |{names}",
        "|---|---|---|---|---|---|---|" + "---|" * len(beside),
    ]
    columns = [verdicts(other) for _name, other in beside]
    for number, one in enumerate(verdicts(results)):
        others = "".join(f" {_in_short(column[number])} |" for column in columns)
        lines.append(
            f"| {one.target.input} | {one.target.competitor} | {one.target.ratio:g} | {_spread(one)} | {_times(one.whole)} "
            f"| {one.text} | {one.certainty} |{others}"
        )
    return "\n".join(lines)


def _in_short(one: Verdict) -> str:
    if one.moving is None:
        return ""
    return f"{_spread(one)} / {_times(one.whole)}, {one.text}, {one.certainty}"


def _spread(one: Verdict) -> str:
    """The ratio of the medians, and the least and the most of the rounds."""
    if len(one.rounds) < 2:
        return _times(one.moving)
    return f"{_times(one.moving)} ({min(one.rounds):.2f} to {max(one.rounds):.2f})"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def stage_table(one: dict[str, Any]) -> str:
    """Where our time went in the median round: seconds of work and of waiting by stage, summed over threads."""
    rounds = one["peers"].get(OURS, {}).get("rounds", [])
    told = [r for r in rounds if r["told"].get("sender") and r["told"].get("receiver")]
    if not told:
        return ""
    middle = sorted(told, key=lambda r: float(r["seconds"]))[len(told) // 2]["told"]
    lines = ["| side | stage | work | waiting |", "|---|---|---|---|"]
    for side in ("sender", "receiver"):
        for name, stage in middle[side]["stages"].items():
            lines.append(f"| {side} | {name} | {stage['work']:.2f} | {stage['waiting']:.2f} |")
    return "\n".join(lines)


def results_text(results: dict[str, Any], beside: Sequence[tuple[str, dict[str, Any]]] = ()) -> str:
    """All results in Markdown. beside: as for `verdict_table`."""
    parts = [verdict_table(results, beside)]
    for name, one in results["inputs"].items():
        about = one["about"] + (f", {one['share']:g} of it" if one["share"] != 1 else "")
        parts.append(f"### {name}: {about}\n\n{one['files']:,} files, {one['bytes'] / 1e6:,.0f} MB.")
        parts.append(_machine_line(one.get("machine", {})))
        parts.append(input_table(one))
        stages = stage_table(one)
        if stages:
            parts.append(f"Where Countersign's time went (seconds, added up over threads):\n\n{stages}")
    if results.get("missing"):
        parts.append(
            "Not measured here: " + "; ".join(f"{name} ({how})" for name, how in results["missing"].items()) + "."
        )
    return "\n\n".join(part for part in parts if part)


def _machine_line(facts: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def scaling_text(results: dict[str, Any]) -> str:
    """The scaling rows as a table and a plot of cost over size."""
    rows = results.get("scaling", {}).get("rows", [])
    if not rows:
        return ""
    lines = [
        "| entries | whole command, s | data alone, s | cost per entry against the row above "
        "| sender's peak | receiver's peak | first data |",
        "|---|---|---|---|---|---|---|",
    ]
    before: float | None = None
    for row in rows:
        each = row["moving"] / row["entries"]
        more = "" if before is None else f"{each / before:.2f}"
        before = each
        lines.append(
            f"| {row['entries']:,} | {row['seconds']:.2f} | {row['moving']:.2f} | {more} | {row['sender_peak'] / (1 << 20):.0f} MiB "
            f"| {row['receiver_peak'] / (1 << 20):.0f} MiB | {row['first_data']:.2f} s |"
        )
    machine = _machine_line(results["scaling"].get("machine", {}))
    points = [(float(row["entries"]), float(row["moving"])) for row in rows]
    return f"{machine}\n\n" + "\n".join(lines) + "\n\n```\n" + plot(points, "entries", "seconds") + "\n```"


def plot(points: list[tuple[float, float]], across: str, up: str, width: int = 60, height: int = 16) -> str:
    """A plot in text, both axes logarithmic: a straight line of slope one means twice the size, twice the cost."""
    xs = [log10(x) for x, _y in points]
    ys = [log10(max(y, 1e-3)) for _x, y in points]
    left, right = min(xs), max(*xs, min(xs) + 1)
    low, high = min(ys), max(*ys, min(ys) + 1)
    grid = [[" "] * (width + 1) for _row in range(height + 1)]
    for x, y in zip(xs, ys, strict=True):
        column = round((x - left) / (right - left) * width)
        row = height - round((y - low) / (high - low) * height)
        grid[row][column] = "*"
    lines = []
    for row, cells in enumerate(grid):
        value = 10 ** (high - (high - low) * row / height)
        label = f"{value:8.2f}" if row % 4 == 0 else " " * 8
        lines.append(f"{label} |{''.join(cells)}".rstrip())
    axis = f"{10**left:,.0f}"
    end = f"{10**right:,.0f}"
    lines.append(" " * 9 + "+" + "-" * (width + 1))
    lines.append(" " * 10 + axis + end.rjust(width + 1 - len(axis)))
    lines.append(f"{up} over {across}, both logarithmic".rjust(width))
    return "\n".join(lines)


def merge(path: Path, found: dict[str, Any]) -> dict[str, Any]:
    """Merges new results into a results file, input by input. Returns all of them."""
    results = read(path)
    for key, value in found.items():
        if isinstance(value, dict):
            results.setdefault(key, {}).update(value)
        else:
            results[key] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results


def read(path: Path) -> dict[str, Any]:
    """A results file, or empty results."""
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    results.setdefault("inputs", {})
    return results


def write_readme(readme: Path, results: dict[str, Any], beside: Sequence[tuple[str, dict[str, Any]]] = ()) -> None:
    """Replaces what is between the marks. beside: as for `verdict_table`."""
    text = readme.read_text(encoding="utf-8")
    for name, new in (
        ("results", results_text(results, beside)), ("scaling", scaling_text(results)), ("others", others_text(results)),
    ):  # fmt: skip
        begin, end = _BEGIN.format(name=name), _END.format(name=name)
        before, _mark, rest = text.partition(begin)
        _old, _mark, after = rest.partition(end)
        text = f"{before}{begin}\n{new}\n{end}{after}"
    readme.write_text(text, encoding="utf-8")


def others_text(results: dict[str, Any]) -> str:
    """What is measured for Countersign alone: the first byte, the window."""
    lines = []
    first = results.get("first")
    if first:
        lines.append(
            f"- First data byte of {first['entries']:,} files: {first['first_data']:.2f} s after “send”; "
            f"of one file, {first['nothing']:.2f} s (handshake and key derivation). "
            f"A bare `os.walk` with stat: {first['walk']:.2f} s. So the list and all that follows "
            f"from it cost {(first['first_data'] - first['nothing']) / first['walk']:.1f} walks (target: under 3)."
        )
    window = results.get("window")
    if window:
        lines.append(
            f"- Window up from source: sender {window['sender']:.2f} s, receiver {window['receiver']:.2f} s (target: under 1)."
        )
    return "\n".join(lines)
