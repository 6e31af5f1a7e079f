"""Tables of the kinds that people have: each is read right by `init`, or refused with the reason.

The tables and what is true of them stand in `tables/`.
"""

import csv
import shlex
from pathlib import Path

import pandas as pd
import pytest

from forecast.commands.check import describe
from forecast.commands.init import init_table
from forecast.data.profile import Hints
from forecast.errors import DataError, UsageError
from forecast.jobs.job import prepare

TABLES = Path(__file__).parent / "tables"
with (TABLES / "expected.csv").open(encoding="utf-8", newline="") as _file:
    EXPECTED = list(csv.DictReader(_file))
NAMED = {  # what the message about a table that has to be refused names
    "thousands_unq.csv": ["line 2", "the header has 2 names"],
    "dup110.csv": ["item110", "2020-01-06", "lines 3307, 3602", "data.duplicates"],
    "irregular.csv": ["data.resample"],
    "inf.csv": ["line 79", "infinite"],
}


def _hints(arguments: str) -> Hints:
    """Arguments of `forecast init` as hints."""
    words = shlex.split(arguments)
    given = {
        key.removeprefix("--"): value for key, value in zip(words[::2], words[1::2], strict=True)
    }
    return Hints(**given)  # type: ignore[arg-type]


def _in_utc(text: str) -> str:
    """A date of a zone in UTC; what is counted as it is."""
    if text.isdigit():
        return text
    moment = pd.Timestamp(text)
    return (moment.tz_convert(None) if moment.tz is not None else moment).isoformat()


@pytest.mark.parametrize(
    "case", [case for case in EXPECTED if case["outcome"] != "error"], ids=lambda case: case["file"]
)
def test_a_table_is_read_as_a_person_would(case: dict[str, str], tmp_path: Path) -> None:
    """Its config passes `check`, which finds the dates, series and values that are there."""
    config = tmp_path / "t.yaml"
    profile = init_table(TABLES / case["file"], config, hints=_hints(case["args"]))
    found = describe(prepare(config))
    assert str(found.series) == case["series"]
    assert found.freq == case["freq"]
    assert _in_utc(found.first) == case["first"]
    assert _in_utc(found.last) == case["last"]
    assert str(found.target.observed) == case["observed"]
    assert f"{found.target.mean:.6g}" == case["mean"]
    if case["outcome"] == "ok":
        assert ",".join(profile.options.targets) == case["target"]
        assert "+".join(profile.options.ids) == case["id"]


@pytest.mark.parametrize(
    "case", [case for case in EXPECTED if case["outcome"] == "error"], ids=lambda case: case["file"]
)
def test_a_table_that_can_not_be_meant_is_refused(case: dict[str, str], tmp_path: Path) -> None:
    """With the place, and the way out; no config is left."""
    with pytest.raises(DataError) as caught:
        init_table(TABLES / case["file"], tmp_path / "t.yaml", hints=_hints(case["args"]))
    for words in NAMED[case["file"]]:
        assert words in str(caught.value)
    assert not (tmp_path / "t.yaml").exists()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("stock.csv", ["Open: numbers, ", "Close: numbers, ", "--target Open"]),
        ("wide.csv", ["north: numbers", "--target north,west"]),
        ("rossmann.csv", ["Sales: whole numbers, 4121 ... 15889", "(Promo is a flag of 0 and 1)"]),
        ("macrodata.csv", ["realgdp: numbers, 2710.35 ... 13"]),
    ],
)
def test_of_several_columns_none_is_guessed(file: str, words: list[str], tmp_path: Path) -> None:
    """Each is listed with a line, and the command to type; flags and calendar parts are not."""
    with pytest.raises(UsageError) as caught:
        init_table(TABLES / file, tmp_path / "t.yaml")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("file", "zone"), [("dst_naive_spring.csv", "Berlin"), ("dst_naive_autumn.csv", "Berlin")]
)
def test_a_change_of_the_clocks_is_named_as_the_cause(file: str, zone: str, tmp_path: Path) -> None:
    """Of an hour that is missing, or comes twice, in times without a zone."""
    with pytest.raises(DataError, match=rf"the clocks went [\s\S]*{zone}"):
        init_table(TABLES / file, tmp_path / "t.yaml")


@pytest.mark.parametrize(
    ("file", "warning"),
    [
        ("latin1.csv", "cp1252"),
        ("dash_missing.csv", "`-` is taken for a missing value"),
        ("footer.csv", "from line 99 to the end"),
        ("totalrow.csv", "Total, 10060"),
        ("airquality.csv", "-200"),
        ("noheader.csv", "there is no header"),
    ],
)
def test_what_was_made_of_a_table_is_said(file: str, warning: str, tmp_path: Path) -> None:
    """Nothing is left out or taken for missing without a word."""
    case = next(case for case in EXPECTED if case["file"] == file)
    profile = init_table(TABLES / file, tmp_path / "t.yaml", hints=_hints(case["args"]))
    assert any(warning in said for said in profile.warnings)


def test_future_rows_are_counted(tmp_path: Path) -> None:
    """Blank rows at the end are what is to be forecast, blank rows at the start are nothing."""
    read = init_table(TABLES / "future_blank.csv", tmp_path / "a.yaml").table.reading
    assert (read.future, read.before, read.filled) == (14, 0, 0)
    read = init_table(TABLES / "leadnan.csv", tmp_path / "b.yaml").table.reading
    assert (read.future, read.before, read.filled) == (0, 31, 0)
    read = init_table(TABLES / "missing_months.csv", tmp_path / "c.yaml").table.reading
    assert (read.future, read.absent, read.filled) == (0, 4, 4)
