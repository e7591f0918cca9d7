"""Refuses target folders whose content would run, or be trusted, at the next start.

Folders are compared by device and inode, including all folders above the target, so no link, mount or spelling gets
around it. A missing place is identified by the nearest existing folder above it, plus the missing names.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from countersign.base.errors import TargetRefused
from countersign.base.i18n import N_, _
from countersign.base.printable import printable
from countersign.base.refusals import disk_problem
from countersign.disk.folders import Folder, Spot
from countersign.places.home import RECEIVED, received_folder
from countersign.places.own import OwnPlaces, entries_of, spot_at, with_folders_in

OURS = N_("Countersign's own files are there")
STARTS = N_("programs are started or loaded from there")
TRUSTS = N_("keys and what they open are kept there")
USERS = N_("it is your whole home folder")

_PACKAGE = Path(__file__).resolve().parents[1]
_STARTED = (".config/autostart", ".config/systemd/user", ".local/share/applications", "Library/LaunchAgents")
_TRUSTED = (".ssh", ".gnupg")
_PROGRAMS = (".local/bin", "bin")
_STARTUP = "Microsoft/Windows/Start Menu/Programs/Startup"
# folders below a variable's value from which programs are started
_BY_VARIABLE = {
    "XDG_CONFIG_HOME": ("autostart", "systemd/user"),
    "XDG_DATA_HOME": ("applications",),
    "APPDATA": (_STARTUP,),
    "PROGRAMDATA": (_STARTUP,),
}


@dataclass(frozen=True)
class _Standing:
    """Where a path leads: the nearest existing folder, and the missing names below it."""

    spot: Spot | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Place:
    """A refused folder; with `inside`, its content is refused too."""

    at: _Standing
    reason: str
    inside: bool


@dataclass(frozen=True)
class _Target:
    """The folder to check: existing folders, itself or the nearest first, and the missing names."""

    lineage: tuple[Spot, ...]
    missing: tuple[str, ...] = ()

    def is_at(self, place: _Standing) -> bool:
        return self.lineage[0] == place.spot and _folded(self.missing) == _folded(place.missing)

    def is_in(self, place: _Standing) -> bool:
        """Whether it is this folder or lies in it."""
        if not place.missing:
            return place.spot in self.lineage
        begins = self.missing[: len(place.missing)]
        return self.lineage[0] == place.spot and _folded(begins) == _folded(place.missing)

    def is_surely_in(self, place: _Standing) -> bool:
        """Like `is_in`, but names that differ in case may be different folders."""
        return self.is_in(place) and self.missing[: len(place.missing)] == place.missing


def check_target(own: OwnPlaces, into: Path) -> None:
    """Raises TargetRefused for a folder that may not receive, even if it is missing; DiskProblem. Writes nothing."""
    path = Path(os.path.realpath(into))
    nearest = next((above for above in (path, *path.parents) if os.path.lexists(above)), path)
    try:
        folder = Folder.open_root(nearest)
        try:
            _check(own, _Target(tuple(folder.lineage()), _names(path, nearest)), into)
        finally:
            folder.close()
    except OSError as error:
        raise disk_problem(error, nearest) from error


def check_opened(own: OwnPlaces, folder: Folder, into: Path) -> None:
    """Checks the opened folder itself. Raises TargetRefused or OSError."""
    _check(own, _Target(tuple(folder.lineage())), into)


def _check(own: OwnPlaces, target: _Target, into: Path) -> None:
    for place in _places(own, target):
        if target.is_in(place.at) if place.inside else target.is_at(place.at):
            raise TargetRefused(path=printable(str(into), 4096), reason=_(place.reason))


def _places(own: OwnPlaces, target: _Target) -> Iterator[_Place]:
    yield from _own_places(own, target)
    user = Path.home()
    yield _Place(_standing(user), USERS, inside=False)
    for name in _TRUSTED:
        yield _Place(_standing(user / name), TRUSTS, inside=True)
    for name in _STARTED:
        yield from _with_those_above(user, name, inside=True)
    for name in _PROGRAMS:
        yield from _with_those_above(user, name, inside=False)
    for variable, names in _BY_VARIABLE.items():
        base = os.environ.get(variable, "")
        for name in names if os.path.isabs(base) else ():
            yield _Place(_standing(Path(base)), STARTS, inside=False)
            yield from _with_those_above(Path(base), name, inside=True)
    for folder in filter(os.path.isabs, os.get_exec_path()):
        yield _Place(_standing(Path(folder)), STARTS, inside=False)
    for folder in _folders_of_modules():
        yield _Place(_standing(Path(folder)), STARTS, inside=True)


def _with_those_above(base: Path, name: str, *, inside: bool) -> Iterator[_Place]:
    """A place below a base, and the folders between, where an arriving entry could create it."""
    path = base / name
    yield _Place(_standing(path), STARTS, inside)
    while (path := path.parent) != base:
        yield _Place(_standing(path), STARTS, inside=False)


def _folders_of_modules() -> set[str]:
    """The folders in which this Python finds modules, except the program's folder."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    found = {*paths, *site.getsitepackages(), site.getusersitepackages()}
    if sys.prefix != sys.base_prefix:
        found.add(sys.prefix)
    return {path for path in found if path}


# --- ours ----------------------------------------------------------------------------------------------------------------


def _own_places(own: OwnPlaces, target: _Target) -> Iterator[_Place]:
    """The home, the program's folder and their content, except the folders for people."""
    home = own.home
    for top in (home.certs, home.state, home.receipts, _PACKAGE):
        for path in with_folders_in(top):
            yield _Place(_standing(path), OURS, inside=True)
    bases = [home.root, *([own.program] if own.program is not None else [])]
    free = _for_people(own, bases)
    exempt = any(target.is_surely_in(place) for place in free)
    for base in bases:
        at = _standing(base)
        around = _is_around(at, Path.home())  # unpacked in the user's home or above: the rest there is the user's
        yield _Place(at, OURS, inside=not exempt and not around)
        for path in entries_of(base) if not around else ():
            if path.is_dir() and not path.is_symlink() and _standing(path) not in free:
                yield _Place(_standing(path), OURS, inside=True)


def _for_people(own: OwnPlaces, bases: list[Path]) -> set[_Standing]:
    """Our folders that may receive something. A link is not ours."""
    paths = [base / name for base in bases for name in (RECEIVED, own.home.send_folder.name)]
    return {_standing(path) for path in (*paths, received_folder(own.home)[0]) if not path.is_symlink()}


def _is_around(place: _Standing, path: Path) -> bool:
    """Whether a path is this place or lies in it."""
    return any(spot_at(above) == place.spot for above in (path, *path.parents))


def _standing(path: Path) -> _Standing:
    nearest = next((above for above in (path, *path.parents) if spot_at(above) is not None), path)
    return _Standing(spot_at(nearest), _names(path, nearest))


def _names(path: Path, above: Path) -> tuple[str, ...]:
    """The names between two paths."""
    return path.relative_to(above).parts


def _folded(names: tuple[str, ...]) -> tuple[str, ...]:
    """Many disks ignore case, and refusing a name too many does no harm."""
    return tuple(name.casefold() for name in names)
