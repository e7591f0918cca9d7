"""Pictures and colours: contrasts that people can read, edges that are smooth, one picture for each kind of file."""

from __future__ import annotations

import pytest

from countersign.ui.drawing.colours import DARK, LIGHT, Palette, contrast, mix
from countersign.ui.drawing.dashes import dashed
from countersign.ui.drawing.folder import folder
from countersign.ui.drawing.icons import ICONS, icon, mark
from countersign.ui.drawing.shapes import box, curve, disc, dots

WORDS, OUTLINES = 4.5, 3.0  # WCAG 2.1 AA: 1.4.3 and 1.4.11


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "rail", "card", "sunk"])
@pytest.mark.parametrize("words", ["text", "muted", "accent", "good", "bad", "warn"])
def test_words_read_on_every_ground(palette: Palette, ground: str, words: str) -> None:
    assert contrast(getattr(palette, words), getattr(palette, ground)) >= WORDS


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("tone", ["accent", "good", "bad", "warn"])
def test_words_read_on_their_soft_ground(palette: Palette, tone: str) -> None:
    for words in (tone, "text"):
        assert contrast(getattr(palette, words), getattr(palette, f"{tone}_soft")) >= WORDS


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_buttons_and_outlines(palette: Palette) -> None:
    for fill in (palette.accent, palette.accent_hover, palette.accent_press):
        assert contrast(palette.on_accent, fill) >= WORDS
    for ground in (palette.page, palette.card):
        assert contrast(palette.edge, ground) >= OUTLINES


def test_contrast_is_that_of_the_recommendation() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert mix("#000000", "#ffffff", 0.5) == "#808080"


def test_a_box_has_its_margin_and_smooth_corners() -> None:
    image = box(64, 40, 8, "#ffffff", "#000000", 1, 4)
    assert image.size == (64, 40)
    assert image.getpixel((1, 20)) == (0, 0, 0, 0)
    assert image.getpixel((32, 20)) == (255, 255, 255, 255)
    corner = [image.getpixel((x, y)) for x in range(4, 9) for y in range(4, 9)]
    assert any(isinstance(pixel, tuple) and 0 < pixel[3] < 255 for pixel in corner), "no soft pixel at the corner"


@pytest.mark.parametrize("name", sorted(ICONS))
@pytest.mark.parametrize("size", [16, 20, 40])
def test_every_icon_is_drawn_and_smooth(name: str, size: int) -> None:
    alpha = icon(name, size, "#123456").getchannel("A")
    assert alpha.size == (size, size)
    values = set(alpha.tobytes())
    assert max(values) > 200
    assert len(values) > 4, "its edges are hard"


def test_marks_discs_dots_and_curves_have_their_sizes() -> None:
    assert mark(80, "#e6ebfd", "check", "#3653cf").size == (80, 80)
    assert disc(40, "#3653cf").size == (40, 40)
    assert dots(8, 5, 1, "#3653cf", "#e6ebfd").size == (34, 8)
    assert curve(200, 56, (0.0, 0.0), "#3653cf", "#e6ebfd", "#ffffff").size == (200, 56)
    assert dashed(300, 200, 16, "#ffffff", "#7d8692", "#f6f7f9", 1.6, 6, 4).size == (300, 200)


def test_a_folder_is_drawn_with_its_front_lighter_than_its_back() -> None:
    image = folder(28)
    assert image.size == (28, 28)
    assert image.getpixel((14, 18)) != image.getpixel((14, 8))
