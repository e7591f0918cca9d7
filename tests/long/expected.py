"""What must hold after a try, whatever ended it. Each check raises and says what differs from what it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from countersign.receipts.checking import check_receipt, read_receipt
from countersign.receipts.format import Here
from countersign.target.publishing import beside
from tests.transfers import snapshot

Tree: TypeAlias = Mapping[str, tuple[object, ...]]  # as `snapshot` returns it
_SHOWN = 12  # differences of a tree


class LossError(AssertionError):
    """Something is missing, left over, half-written, or has the wrong kind or time."""


class WrongContentsError(LossError):
    """A file holds another file's content, or outdated content."""


@dataclass(frozen=True)
class Look:
    """A source folder at one moment."""

    tree: Tree
    sizes: Mapping[str, int]

    def hides(self, earlier: Look) -> bool:
        """Whether a file changed its content but kept kind, size and time, so that only a hash can tell."""
        return any(
            facts[0] == "file"
            and (was := earlier.tree.get(name)) is not None
            and was[:3] == facts[:3]
            and was[3:] != facts[3:]
            and earlier.sizes[name] == self.sizes[name]
            for name, facts in self.tree.items()
        )


def look_at(folder: Path) -> Look:
    tree = snapshot(folder)
    return Look(tree, {name: (folder / name).lstat().st_size for name in tree})


def must_be(found: Tree, wanted: Tree, what: str) -> None:
    """Raises unless both are equal."""
    differing = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    if not differing:
        return
    wrong = any(
        _contents(found.get(name)) != _contents(wanted.get(name))
        for name in differing
        if name in found and name in wanted
    )
    lines = [f"  {name!r}: {found.get(name)} should be {wanted.get(name)}" for name in differing[:_SHOWN]]
    text = f"{what}: {len(differing)} differ\n" + "\n".join(lines)
    raise WrongContentsError(text) if wrong else LossError(text)


def _contents(facts: tuple[object, ...] | None) -> object:
    return facts[-1] if facts is not None and facts[0] == "file" else None


@dataclass
class Target:
    """A folder to receive into. What was visible before a try stays the same; anything new is a whole top entry of the source."""

    path: Path
    before: Tree = field(default_factory=dict)

    def check(self, sources: Sequence[Tree], what: str) -> None:
        """Checks after any try. sources: what was sent in it, the last one at the end."""
        now = snapshot(self.path) if self.path.exists() else {}
        must_be(
            {name: facts for name, facts in now.items() if name in self.before}, self.before, f"{what}: seen before"
        )
        there, known, sent = by_top(now), by_top(self.before), [by_top(source) for source in reversed(sources)]
        for name in there.keys() - known.keys():
            candidates = [
                tree[top] for tree in sent for top in tree if top == name or name in _other_names(top, tree[top])
            ]
            if not candidates:
                raise LossError(f"{what}: {name!r} is visible and was never sent")
            if there[name] not in candidates:
                must_be(there[name], candidates[0], f"{what}: visible as {name!r}")
        self.before = now

    def check_end(self, sources: Sequence[Tree], renamed: Mapping[str, str], known: Tree, what: str) -> None:
        """Checks after a try that ended well, and after `check`: everything is there. known: what was visible before the try."""
        there, sent, earlier = by_top(self.before), by_top(sources[-1]), by_top(known)
        for top, wanted in sent.items():
            place = renamed.get(top, top)
            if (
                place in earlier or len(sources) > 1
            ):  # the same content may already have been there: then it is left as it is
                must_be(_contents_of(there.get(place, {})), _contents_of(wanted), f"{what}: kept as {place!r}")
            else:
                must_be(there.get(place, {}), wanted, f"{what}: received as {place!r}")
        more = there.keys() - earlier.keys() - {renamed.get(top, top) for top in sent}
        if more and len(sources) == 1:
            raise LossError(f"{what}: more arrived than was sent: {sorted(more)}")


def _other_names(top: str, entry: Tree) -> Iterator[str]:
    return (beside(top, number, entry[""][0] == "folder") for number in range(2, 9))


def by_top(tree: Tree) -> dict[str, Tree]:
    """The trees of all top entries. Each entry is `` in its own tree."""
    found: dict[str, dict[str, tuple[object, ...]]] = {}
    for name, facts in tree.items():
        top, _slash, rest = name.partition("/")
        found.setdefault(top, {})[rest] = facts
    return dict(found)


def _contents_of(tree: Tree) -> Tree:
    """Without times and modes, which are not set on what was already there."""
    return {name: (facts[0], facts[-1] if facts[0] != "folder" else None) for name, facts in tree.items()}


def receipt_fits(receipt: Path, folder: Path, what: str) -> bool:
    """Whether it is countersigned. Raises if it differs from the folder."""
    checked = check_receipt(receipt, folder)
    if checked.differing:
        text = f"{what}: the receipt {receipt.name} differs from {folder}: {checked.differing[:_SHOWN]}"
        raise WrongContentsError(text) if any("content" in why for _name, why in checked.differing) else LossError(text)
    if checked.skipped:
        raise LossError(f"{what}: not arrived, says the receipt: {checked.skipped[:_SHOWN]}")
    return checked.countersigned


def receipts_agree(sent: Path, received: Path, what: str) -> dict[str, str]:
    """Raises unless both are equal to the last byte, except for the names that only the receiver knows. Returns those."""
    own = [line for line in received.read_bytes().splitlines(keepends=True) if not line.startswith(b'{"here":')]
    if b"".join(own) != sent.read_bytes():
        raise LossError(f"{what}: the two receipts are not the same")
    return {item.name: item.here for item in read_receipt(received) if isinstance(item, Here)}


def nothing_left(state: Path, beside_targets: list[Path], what: str) -> None:
    """Raises if a journal or staged files are left.

    A folder created just before and still empty, or a journal that does not count, is removed after a day.
    """
    left = [*state.glob("transfers/*/about.json"), *(path for path in state.glob("staging/**/*") if not path.is_dir())]
    for folder in beside_targets:
        left += [path for path in folder.glob(".countersign-*/**/*") if not path.is_dir()]
    if left:
        raise LossError(f"{what}: left behind: {[str(path) for path in left[:_SHOWN]]}")
