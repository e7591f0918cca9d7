"""What the sending window decides: what goes where, the code, the key, the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.base import errors
from countersign.session import status as st
from countersign.source.scanning import Scan, scan_selection
from countersign.source.selection import Selection
from countersign.ui.presenters.choosing import Summary
from countersign.ui.presenters.code_entry import code_typed
from countersign.ui.presenters.screens import Field
from tests.paper_window import Stage, done, summary
from tests.transfers import Couple, fill


def test_the_senders_way_to_the_end(couple: Couple) -> None:
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    window = stage.window
    assert [look.place for look in stage.looked_at] == [couple.folder]
    stage.found(summary(couple, 3, 5000, 1))
    assert "3 files" in window.text()
    assert "1 cannot be sent and is named" in window.text()
    window.press("Connect")
    assert len(stage.sessions) == 1
    stage.hear(st.Connected("bob"), st.NeedCode(3))
    assert "bob" in window.text()
    window.typed["code"] = "12 34"
    window.press("Continue")
    assert stage.said("code") == "1234"
    stage.hear(st.CodeWrong(2, "bob"), st.NeedCode(2))
    assert "2 tries left" in window.text()
    stage.hear(st.KeyShown("AAAA-BBBB-CCCC-DDDD", "Alfa …"), st.WaitingFor("key"))
    assert "AAAA-BBBB-CCCC-DDDD" in window.text()
    stage.hear(st.KeyWrong(4))
    assert "4 tries left" in window.text()
    stage.hear(st.WaitingFor("answer"))
    assert "accept" in window.text()
    stage.hear(st.Progress(0, 100, 0, 3, 0.0, None), st.Reconnecting(200.0))
    assert "looking for the other computer" in window.text()
    stage.hear(done(couple.folder))
    assert window.now.heading == "It has arrived"


def test_a_folder_that_can_not_be_sent(couple: Couple) -> None:
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    window = stage.found(Summary(Selection((couple.folder,)), problem=errors.FolderEmpty(path=couple.folder)))
    assert "Drop files or a folder here" in window.text()  # nothing was chosen yet
    other = couple.root / "other"
    stage.window.folder = other
    window.press("Choose a folder")
    stage.found(Summary(Selection((other,)), problem=errors.FolderEmpty(path=other)))
    assert "nothing in" in window.text()
    with pytest.raises(AssertionError):
        window.press("Connect")


def test_a_summary_of_another_folder_is_old_news(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "sender")
    assert (
        "Looking"
        in stage.found(Summary(Selection((tmp_path / "other",)), Scan(Selection((tmp_path / "other",))))).text()
    )


def test_dropping_and_choosing_a_folder(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "sender")
    album = tmp_path / "album"
    album.mkdir()
    drop = stage.window.now.drop
    assert drop is not None
    drop([album])
    assert stage.looked_at[-1].place == album
    stage.window.folder = couple.folder
    stage.window.press("Choose a folder")
    assert stage.looked_at[-1].place == couple.folder


def test_files_are_gathered(couple: Couple, tmp_path: Path) -> None:
    stage = Stage(couple, "sender")
    files = [tmp_path / name for name in ("one.txt", "two.txt", "three.txt")]
    for path in files:
        path.write_text("x")
    stage.window.files = files[:1]
    stage.window.choose("Choose files")
    assert stage.looked_at[-1].paths == (files[0],)
    drop = stage.window.now.drop
    assert drop is not None
    drop(files[:2])
    assert stage.looked_at[-1].paths == tuple(files[:2])
    drop([files[2]])
    assert stage.looked_at[-1].paths == tuple(files)
    assert stage.window.now.heading == "Send files"


def test_an_address_is_judged_while_it_is_typed(couple: Couple) -> None:
    stage = Stage(couple, "sender")
    window = stage.found(summary(couple, 1, 1))
    [field] = [block for block in window.now.blocks if isinstance(block, Field)]
    assert field.changed is not None
    assert not field.changed("").ready
    assert not field.changed("1.2.3").ready
    assert field.changed("1.2.3.4").ready


def test_codes_are_judged_while_they_are_typed() -> None:
    assert [code_typed(text).ready for text in ("", "12", "1234", "12345", "x")] == [False, False, True, False, False]


def test_looking_inside_taking_out_and_leaving_out(couple: Couple) -> None:
    fill(couple.folder, large=1000, small=3)
    stage = Stage(couple, "sender", to="127.0.0.1:9")
    window = stage.window

    def look() -> None:
        """What the thread beside the window would do."""
        selection = stage.looked_at[-1]
        own = couple.alice.device.own
        stage.found(Summary(selection, scan_selection(selection, lambda _f, _b: None, lambda: False, own)))

    look()
    window.press("Look inside")
    assert window.now.id == "contents"
    assert "large.bin" in window.text()
    window.type("search", "000")
    assert window.rows.count == 1
    window.type("search", "")
    names = [window.rows.row(i)[0].strip() for i in range(window.rows.count)]
    assert window.rows.chosen is not None
    window.rows.chosen(names.index("large.bin"))
    window.press("Take out")
    look()
    assert "large.bin" not in [window.rows.row(i)[0].strip() for i in range(window.rows.count)]
    assert "1 entry stays here, as you chose" in window.text()
    window.type("patterns", "*.txt, empty")
    look()
    assert "000.txt" not in window.text()
    window.press("Put everything back")
    look()
    assert "large.bin" in window.text()
    assert "000.txt" not in window.text()
    window.press("Back")
    assert window.now.id == "start"
    assert "stay here, as you chose" in window.text()
    window.folder = couple.root
    window.press("Choose a folder")
    assert stage.looked_at[-1] == Selection((couple.root,)), "what was left out was meant for this sending"
