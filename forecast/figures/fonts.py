"""Which installed fonts can write what a figure says."""

from collections.abc import Iterator

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text

_OWN = "DejaVu Sans"  # comes with Matplotlib
_UNKNOWN = "\N{WHITE SQUARE}"
# They have a glyph for everything, which says nothing, or glyphs that Matplotlib can not draw.
_USELESS = ("LastResort", "Last Resort", "Emoji", "Adobe Blank")


def write_with_what_there_is(figure: Figure) -> str:
    """Give every text of a figure the fonts that it needs; the characters that no font has.

    Those are drawn as squares.
    """
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    wanted = {char for text in texts for char in text.get_text()} - {"\n"}
    missing = wanted - _characters(findfont(FontProperties(family=_OWN)))
    if not missing:
        return ""
    families = [_OWN]
    for family, path in _others():
        found = missing & _characters(path)
        if found:
            families.append(family)
            missing -= found
        if not missing:
            break
    for text in texts:
        text.set_fontfamily(families)
        text.set_text("".join(_UNKNOWN if char in missing else char for char in text.get_text()))
    return "".join(sorted(missing))


def _others() -> Iterator[tuple[str, str]]:
    """The regular fonts that are installed: family and file, those of many scripts first."""
    fonts = {
        entry.name: entry.fname
        for entry in fontManager.ttflist
        if entry.style == "normal"
        and str(entry.weight) in ("400", "normal", "regular")
        and not any(word in entry.name for word in _USELESS)
    }
    ranked = sorted(fonts, key=lambda name: ("CJK" not in name, "Noto" not in name, name))
    yield from ((name, fonts[name]) for name in ranked)


def _characters(path: str) -> set[str]:
    """What a font can write; nothing where its file is gone or can not be read."""
    try:
        return set(map(chr, get_font(path).get_charmap()))
    except (OSError, RuntimeError):
        return set()
