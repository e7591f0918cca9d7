"""Every text goes through gettext, every catalogue is complete, and numbers follow the reader's language."""

from __future__ import annotations

import ast
import datetime
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from countersign.base import i18n
from countersign.base.errors import Problem, Unreachable
from countersign.base.figures import moment_text, number_text, percent_text, size_text, time_text
from countersign.wording import amount_text
from tests.programs import ROOT

PACKAGE = ROOT / "countersign"
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
NO_FACES = {"icon.py", "icons.py", "kinds.py", "desktop_entry.py"}  # drawings, and a file that the system reads
FACES = [
    *sorted(
        path
        for room in ("ui", "cli", "base/errors")
        for path in (PACKAGE / room).rglob("*.py")
        if path.name not in NO_FACES
    ),
    *(
        PACKAGE / f"{name}.py"
        for name in ("wording", "options", "firewall", "selftest", "app", "base/figures", "bootstrap")
    ),
]
# not translated: our own name, formats, file names, and what only programs read
SAME_EVERYWHERE = re.compile(
    r"Countersign|XXXX-XXXX-XXXX-XXXX|.*\.TLabel|.*\.TFrame|.*\.TButton|T[A-Z]\w+|Treeview.*|WM_\w+|<.*>|[A-Z_0-9]+|"
    r"New-NetFirewallRule.*|-Action Allow.*|sudo .*|[\w.-]+\.(?:pem|json|lock|py|txt|log)|Ctrl\+.*|F\d+|(?:Shift|Ctrl|Command|Control)|"
    r"Strong|Caption|Head|Card|Raised|Good|Bad|Warn|Accent|Sunk|Link|Plain|[A-Z]\w*(?:\.[A-Za-z]\w*)+|"
    r"%.*|(?:k|M|G|T|P)B|#,##0.*|192\.168\..*|\*\.\w+(?: .*)?|[NSEW]|https?://.*"
)
# names, patterns for other programs' output, and parts of commands
NOT_FOR_READING = {
    "contents.py": {"*.tmp, node_modules"},
    "people.py": {"my certificate"},
    "key_entry.py": {"OIL -"},
    "theme.py": {"Dark", "TkTextFont", "TkMenuFont", "TkHeadingFont", "TkCaptionFont", " Semibold", " SemiBold"},
    "table.py": {"tree headings"},
    "tiles.py": {"Tab", "ISO_Left_Tab", "Left", "Right", "Home", "End", "Shift_L", "Shift_R", "BackSpace"},
    "dialogs.py": {"Downloads"},
    "root.py": {"catch {tk_getOpenFile -no such option}", "file join $tk_library msgs",
                "set ::tk::dialog::file::showHiddenBtn 1; set ::tk::dialog::file::showHiddenVar 0"},
    "wording.py": {"Wi-Fi", "Ethernet"},
    "options.py": {"Countersign ", "HOST[:PORT]"},
    "firewall.py": {" -Action Allow -Profile Private,Domain", " accept"},
    "selftest.py": {"Desktop", "empty folder"},
    "bootstrap.py": {"do not match the hashes", "no space left", "name resolution", "timed out", "max retries",
                     "(from versions:", "from versions: none", "brew install", "Scripts"},
}  # fmt: skip
FONTS = {"Segoe UI Variable Text", "Segoe UI", "SF Pro Text", "Helvetica Neue", "Inter", "Noto Sans", "Cantarell", "DejaVu Sans",
         "TkDefaultFont", "TkFixedFont", "Cascadia Mono", "Consolas", "SF Mono", "Menlo", "JetBrains Mono", "Noto Sans Mono",
         "DejaVu Sans Mono"}  # fmt: skip


def texts_in_code() -> set[str | tuple[str, ...]]:
    """The texts that Babel finds in the sources."""
    found = extract_from_dir(ROOT, [("countersign/**.py", "python")], keywords=KEYWORDS)
    return {message for _file, _line, message, _comments, _context in found if message}


def catalogue(language: str) -> Catalog:
    with open(i18n.LOCALES / f"{language}.po", "rb") as file:
        return read_po(file)


@pytest.mark.parametrize("language", [code for code in i18n.LANGUAGES if code != "en"])
def test_a_catalogue_is_whole_and_fits(language: str) -> None:
    found = catalogue(language)
    there = {message.id for message in found if message.id}
    assert there - texts_in_code() == set(), "no longer in the code"
    assert texts_in_code() - there == set(), "not translated yet"
    for message in found:
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        assert not list(message.check(found)), message.id
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert len(strings) == (found.num_plurals if message.pluralizable else 1)
        for string in strings:
            assert string, message.id
            assert placeholders(string) == placeholders(sources[-1]), message.id
            assert (string[:2] == "  ") == (sources[-1][:2] == "  "), message.id


def placeholders(text: object) -> set[str]:
    return set(re.findall(r"\{(\w+)[^}]*\}", str(text)))


@pytest.mark.parametrize("path", FACES, ids=lambda path: path.name)
def test_no_text_bypasses_the_catalogues(path: Path) -> None:
    allowed = NOT_FOR_READING.get(path.name, set())
    found = [(line, text) for line, text in plain_texts(path) if reads_like_text(text)]
    assert not [f"{path.name}:{line}: {text!r}" for line, text in found if text not in allowed]
    assert allowed <= {text for _line, text in found}, "the list names what is not there"


def test_the_look_for_bypassing_texts_finds_some(tmp_path: Path) -> None:
    path = tmp_path / "face.py"
    path.write_text(
        '"""Doc."""\nfrom x import _\nshow("Hello you")\nshow(_("Fine"))\nshow(f"Sent {n} files")\nraise AssertionError("ours")\n'
    )
    assert [text for _line, text in plain_texts(path) if reads_like_text(text)] == ["Hello you", "Sent ", " files"]


def reads_like_text(text: str) -> bool:
    """Whether this looks like text for people: several words, or one with a capital."""
    words = re.findall(r"[A-Za-z]{2,}", text)
    if not words or text in FONTS or SAME_EVERYWHERE.fullmatch(text):
        return False
    return " " in text.strip() or text[:1] == " " or text[-1:] == " " or text[0].isupper() or text.endswith("…")


def plain_texts(path: Path) -> Iterator[tuple[int, str]]:
    """String constants outside docstrings, annotations, internal assertions, and calls that mark or translate."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node, clean=False) is not None
        ):
            skipped.update(ast.walk(node.body[0]))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in (*KEYWORDS, "AssertionError", "BaseException", "TypeVar"):
                skipped.update(ast.walk(node))
        elif isinstance(node, ast.AnnAssign):
            skipped.update(ast.walk(node.annotation))
        elif isinstance(node, ast.Assert) and node.msg is not None:
            skipped.update(ast.walk(node.msg))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped:
            yield node.lineno, node.value


@pytest.fixture
def german() -> Iterator[None]:
    i18n.use("de")
    yield
    i18n.use("en")


def test_the_second_language(german: None) -> None:
    assert str(Unreachable(address="192.168.1.20")) != str(Problem())
    assert "192.168.1.20" in str(Unreachable(address="192.168.1.20"))
    assert i18n._("Ready to receive") == "Bereit zum Empfangen"
    one, many = amount_text(1, 10), amount_text(1234, 34_500_000)
    assert one.startswith("1 Datei,")
    assert many == "1.234 Dateien, 34,5\u00a0MB"


def test_figures_in_the_readers_form(german: None) -> None:
    assert number_text(1234567) == "1.234.567"
    assert percent_text(0.429) == "42\u00a0%"
    assert percent_text(0.9999) == "99\u00a0%"
    assert size_text(1_500) == "1,5\u00a0kB"
    assert time_text(61) == "1 min 1 s"
    assert moment_text(datetime.datetime(2026, 11, 21, 15, 4).astimezone()) == "21.11.2026, 15:04"


@pytest.mark.parametrize(
    ("variables", "language", "locale"),
    [
        ({"LANG": "de_AT.UTF-8"}, "de", "de_AT"),
        ({"LANGUAGE": "de:en", "LANG": "en_US.UTF-8"}, "de", "de"),
        ({"LANG": "fr_FR.UTF-8"}, "en", "fr_FR"),
        ({"LANG": "C.UTF-8"}, "en", "en"),
        ({"LC_ALL": "POSIX"}, "en", "en"),
        ({"LANG": "xx_YY"}, "en", "xx_YY"),
    ],
)
def test_what_the_system_speaks(
    variables: dict[str, str], language: str, locale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (i18n.VARIABLE, "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    i18n.use("")
    try:
        assert (i18n.language(), i18n.locale_name()) == (language, locale)
        assert number_text(1000)
    finally:
        i18n.use("en")


def test_what_the_person_chose_outweighs_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(i18n.VARIABLE, "en_GB")
    i18n.use("de")
    assert i18n.locale_name() == "de"
    i18n.use("en")
    assert i18n.locale_name() == "en_GB"
