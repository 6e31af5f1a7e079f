"""How a table that nobody has described is written, found out and noted for its config."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from forecast.config.data import DataOptions, data_options
from forecast.data.cells import MISSING
from forecast.data.column import Column, columns_of
from forecast.data.dialect import SAMPLE, WHITESPACE, Dialect, Given, decoded, lines_of, records
from forecast.data.numbers import FORMS, NumberForm, is_ambiguous
from forecast.data.roles import suspicious_codes
from forecast.data.sources import RawTable, read_source
from forecast.data.sources.content import Content
from forecast.data.sources.source import kind_of_source
from forecast.data.sources.text import sniff_content
from forecast.data.timing import Timing


@dataclass
class Draft:
    """What has been found so far: options of `data:`, and what is to be said of them."""

    path: str
    options: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def options_with(self, **more: object) -> DataOptions:
        """The options as far as they go."""
        return data_options({"path": self.path, "time": "", "target": "", **self.options, **more})


def note_layout(content: Content, draft: Draft) -> None:
    """Into the options how a text holds the table, where that is not the usual."""
    if _is_text(content):
        _note_dialect(sniff_content(content, Given()), draft)


def read_as_written(content: Content, draft: Draft) -> RawTable:
    """All columns, and into the options what stands below them in a text."""
    if _is_text(content):
        footer = _long_footer(content, sniff_content(content, Given()))
        if footer:
            draft.options["skip_footer"] = footer
            draft.warnings.append(f"the last {_lines(footer)} are no rows, and left out.")
    return read_source(draft.options_with(), None, content)


def _is_text(content: Content) -> bool:
    is_pattern = any(mark in str(content.path) for mark in "*?[") and not content.path.exists()
    return not is_pattern and not _is_database(content) and kind_of_source(content) == "text"


def _is_database(content: Content) -> bool:
    return content.path.suffix.lower() in (".sqlite", ".sqlite3", ".db", ".duckdb") or "://" in str(
        content.path
    )


def _lines(count: int) -> str:
    return f"{count} line{'s' if count > 1 else ''}"


def _note_dialect(dialect: Dialect, draft: Draft) -> None:
    if dialect.separator != ",":
        draft.options["separator"] = dialect.separator
    if not dialect.encoding.startswith("utf"):
        draft.options["encoding"] = dialect.encoding
        draft.warnings.append(f"it is not UTF-8: read as {dialect.encoding} (data.encoding).")
    if dialect.skip_lines:
        lines = (*range(1, dialect.skip_rows + 1), *dialect.skip_lines)
        draft.options["skip_rows"] = list(lines)
        shown = ", ".join(map(str, dialect.skip_lines))
        draft.warnings.append(f"line {shown} below the header is no row, and left out.")
    elif dialect.skip_rows:
        draft.options["skip_rows"] = dialect.skip_rows
    if dialect.comment:
        draft.options["comment"] = dialect.comment
        draft.warnings.append(
            f"lines that begin with {dialect.comment} are left out (data.comment)."
        )
    if not dialect.header:
        draft.options["header"] = False
        draft.warnings.append(
            "the first row is data: there is no header, and the columns are called "
            f"{', '.join(dialect.names[:3])} (data.header)."
        )


def _long_footer(content: Content, dialect: Dialect) -> int:
    """Lines at the end from the first that has more cells than the table: a text with commas."""
    if dialect.separator == WHITESPACE:
        return 0
    text = decoded(content.read()[-SAMPLE:], _of_middle(dialect.encoding), is_whole=True)
    found = list(records(text, replace(dialect, skip_lines=(), skip_rows=0)))[1:]
    most = len(dialect.names) + dialect.blank_columns
    last, begin = found[-1].last_line if found else 0, 0
    for record in reversed(found[-40:]):
        if record.filled and len(record.cells) == most:
            break
        if record.filled and len(record.cells) > most:
            begin = record.first_line
    return last - begin + 1 if begin else 0


def _of_middle(encoding: str) -> str:
    """The encoding of bytes from the middle, where no mark is, and characters may be cut."""
    return "latin-1" if encoding.startswith("utf-8") else encoding


def without_footer(
    raw: RawTable, columns: list[Column], timing: Timing, draft: Draft, content: Content
) -> list[Column]:
    """The columns without the rows at the end that have no date."""
    first = raw.frame.index[len(raw.frame) - timing.footer]
    kept = raw.frame.iloc[: len(raw.frame) - timing.footer]
    cells = raw.frame.iloc[len(raw.frame) - timing.footer].dropna()
    shown = ", ".join(str(cell) for cell in cells.iloc[:2])
    line = raw.lines([int(first)])[0]
    if raw.dialect is not None:
        text = decoded(content.read(), raw.dialect.encoding, is_whole=True)
        draft.options["skip_footer"] = len(lines_of(text)) - line + 1
    else:
        draft.options["skip_footer"] = timing.footer
    draft.warnings.append(
        f"from {raw.word} {line} to the end there are no dates ({shown}): left out "
        "(data.skip_footer)."
    )
    # What made a column one of text may have stood there alone.
    reread = read_source(draft.options_with(), None, content)
    return columns_of(reread.frame) if len(reread.frame) == len(kept) else columns_of(kept)


def find_numbers(targets: Sequence[Column], raw: RawTable, content: Content, draft: Draft) -> None:
    """How the numbers of the targets are written, and what stands for a missing one."""
    shared = [form for form in FORMS if all(form in column.forms for column in targets)]
    form = shared[0] if shared else FORMS[0]
    texts = _written(targets, raw, content)
    if shared and is_ambiguous(texts):
        form = _of_two(shared, texts, draft)
    if form != FORMS[0]:
        draft.options |= {"decimal": form.decimal, "thousands": form.thousands}
    words: list[str | int] = []
    for column in targets:
        words += [word for word in column.missing_words if word not in MISSING]
        codes = suspicious_codes(column.numbers)
        if codes:
            shown = ", ".join(f"{code:g}" for code in codes)
            draft.warnings.append(
                f"`{column.name}`: {shown} is far from all other values, and taken for a missing "
                "one (data.na_values)."
            )
        words += [int(code) for code in codes]
    if words:
        draft.options["na_values"] = list(dict.fromkeys(words))
        text = [word for word in words if isinstance(word, str)]
        if text:
            shown = ", ".join(f"`{word}`" for word in dict.fromkeys(text))
            draft.warnings.append(f"{shown} is taken for a missing value (data.na_values).")


def _written(targets: Sequence[Column], raw: RawTable, content: Content) -> list[str]:
    """The first cells of the targets as the table has them: `1.330` is no number there yet."""
    if raw.dialect is None or raw.files:
        return []
    places = [raw.dialect.names.index(column.name) for column in targets]
    text = decoded(content.head(SAMPLE), raw.dialect.encoding, is_whole=False)
    rows = [r.cells for r in records(text, raw.dialect) if r.first_line > raw.dialect.skip_rows + 1]
    return [row[place] for row in rows for place in places if place < len(row)]


def _of_two(forms: list[NumberForm], texts: list[str], draft: Draft) -> NumberForm:
    """Of two readings of `1.336` the one that the separator speaks for, with a word on it."""
    mark = "," if any("," in text for text in texts) else "."
    as_decimal = NumberForm(mark)
    as_thousands = NumberForm("." if mark == "," else ",", mark)
    separator = draft.options.get("separator")
    if mark == "." and separator is None:
        return forms[0]  # the usual: a decimal point
    # A comma between digits is the decimal one where another mark parts the cells; so is a point,
    # unless dates are written with points too.
    with_points = re.search(r"%d\.%m\.", str(draft.options.get("time_format"))) is not None
    is_decimal = separator is not None if mark == "," else not with_points
    form = as_decimal if is_decimal else as_thousands
    sample = next(text for text in texts if mark in text)
    value = form.parse(sample)[0]
    other = as_thousands if form == as_decimal else as_decimal
    draft.warnings.append(
        f"`{sample}` is read as {value:g}, and could be {other.parse(sample)[0]:g}: see "
        "data.decimal and data.thousands."
    )
    return form
