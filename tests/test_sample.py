"""Some series of a table that is too large to be looked at as a whole."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.commands.init import init_table, seen
from forecast.data import cached, sample
from forecast.data.panel import ranges
from forecast.data.profile import Hints, Profile, profile_table
from forecast.errors import DataError

pytest.importorskip("pyarrow")
SHOPS, DAYS = 9, 40


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make any table a large one, of which a sample has at most so many rows."""

    def make_small(rows: int) -> None:
        monkeypatch.setattr(cached, "_SMALL", 0)
        monkeypatch.setattr(cached, "_LARGE", 0)
        monkeypatch.setattr(sample, "MOST_ROWS", rows)

    return make_small


def _frame() -> pd.DataFrame:
    """Rows in order of their dates, of shops that open one after another."""
    random, parts = np.random.default_rng(0), []
    for shop in range(SHOPS):
        days = pd.date_range("2024-01-01", periods=DAYS)[shop:]
        week = 10 * np.sin(2 * np.pi * np.arange(len(days)) / 7)
        sold = (50 + week + random.normal(0, 1, len(days))).round(1)
        price = random.random(len(days)).round(2)
        parts.append(pd.DataFrame({"day": days, "shop": f"S{shop}", "sold": sold, "price": price}))
    return pd.concat(parts).sort_values("day", kind="stable").reset_index(drop=True)


def _csv(folder: Path) -> Path:
    _frame().to_csv(folder / "sales.csv", index=False)
    return folder / "sales.csv"


def _german(folder: Path) -> Path:
    """In the way of a spreadsheet: other separators, another encoding, lines above the header."""
    frame = _frame().rename(columns={"sold": "Stück", "day": "Tag"})
    frame["Tag"] = frame["Tag"].dt.strftime("%d.%m.%Y")
    text = "Export\n\n" + frame.to_csv(index=False, sep=";", decimal=",")
    (folder / "sales.csv").write_bytes(text.encode("cp1252"))
    return folder / "sales.csv"


def _bare(folder: Path) -> Path:
    _frame().to_csv(folder / "sales.csv", index=False, header=False)
    return folder / "sales.csv"


def _folder(folder: Path) -> Path:
    """Files of Parquet in folders of a month."""
    frame = _frame()
    for month, part in frame.groupby(frame["day"].dt.month):
        path = folder / "sales" / f"month={month}"
        path.mkdir(parents=True)
        part.assign(shop=part["shop"].astype("category")).to_parquet(path / "part.parquet")
    return folder / "sales"


def _pattern(folder: Path) -> Path:
    frame = _frame()
    for number, part in enumerate(np.array_split(np.arange(len(frame)), 3)):
        frame.iloc[part].to_csv(folder / f"sales-{number}.csv.gz", index=False)
    return folder / "sales-*.csv.gz"


@pytest.mark.parametrize("write", [_csv, _german, _bare, _folder, _pattern])
def test_a_sample_of_all_series_gives_the_config_of_the_whole_table(
    small: Callable[[int], None], tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    """However it is written, to the byte."""
    table = write(tmp_path)
    target = Hints(target="column_3" if write is _bare else None)
    if write not in (_bare, _german):
        target = Hints(target="sold")
    if write is _german:
        target = Hints(target="Stück")
    whole = init_table(table, tmp_path / "whole.yaml", hints=target)
    small(10**6)
    profile = init_table(table, tmp_path / "sample.yaml", hints=target)
    assert (tmp_path / "sample.yaml").read_bytes() == (tmp_path / "whole.yaml").read_bytes()
    assert profile.panel.unique_ids == whole.panel.unique_ids
    np.testing.assert_array_equal(profile.panel.values, whole.panel.values)
    rows = sum(DAYS - shop for shop in range(SHOPS))
    assert profile.sample == f"looked at 9 of 9 series, all their {rows} of {rows} rows"
    assert not whole.sample


@pytest.mark.parametrize("write", [_csv, _folder, _pattern])
def test_a_sample_has_whole_series(
    small: Callable[[int], None], tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    """As many as there is room for, the same ones each time; and it is said how many."""
    table, hints = write(tmp_path), Hints(target="sold")
    whole = profile_table(table, hints).panel
    small(120)
    profile = profile_table(table, hints)
    panel, names = profile.panel, profile.panel.unique_ids
    assert 1 <= len(names) < SHOPS
    assert len(panel.values) <= 120
    places = np.array([whole.unique_ids.index(name) for name in names])
    assert (np.diff(places) > 0).all()
    rows = ranges(whole.starts[places], whole.ends[places])
    np.testing.assert_array_equal(panel.values, whole.values[rows])
    assert profile_table(table, hints).panel.unique_ids == names
    assert f"looked at {len(names)} of 9 series, all their {len(rows)} of" in seen(profile)


def test_one_series_at_least_is_whole(small: Callable[[int], None], tmp_path: Path) -> None:
    """Even where there is no room for it."""
    small(1)
    panel = profile_table(_csv(tmp_path), Hints(target="sold")).panel
    assert len(panel.unique_ids) == 1
    assert len(panel.values) >= DAYS - SHOPS


def test_series_of_several_columns_stay_so(small: Callable[[int], None], tmp_path: Path) -> None:
    """Even where the few that are chosen would be told apart by one of them."""
    days = pd.date_range("2024-01-01", periods=30)
    parts = [
        pd.DataFrame({"day": days, "shop": f"S{shop}", "item": f"I{item}", "sold": np.arange(30.0)})
        for shop in range(4)
        for item in range(6)
    ]
    pd.concat(parts).to_csv(tmp_path / "sales.csv", index=False)
    whole = profile_table(tmp_path / "sales.csv", Hints(target="sold"))
    small(30)
    profile = profile_table(tmp_path / "sales.csv", Hints(target="sold"))
    assert len(profile.panel.unique_ids) == 1
    assert profile.options.ids == whole.options.ids == ("shop", "item")


def test_series_that_the_first_rows_do_not_tell_apart_are_found(
    small: Callable[[int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in the sample: there other columns are looked for."""
    monkeypatch.setattr("forecast.data.sources.batches._BATCH", 150)
    days = pd.date_range("2024-01-01", periods=30)
    parts = [
        pd.DataFrame({"day": days, "shop": f"S{shop}", "item": f"I{item}", "sold": np.arange(30.0)})
        for item in range(4)
        for shop in range(6)
    ]
    pd.concat(parts).to_csv(tmp_path / "sales.csv", index=False)
    small(300)
    profile = profile_table(tmp_path / "sales.csv", Hints(target="sold"))
    assert profile.options.ids == ("shop", "item")


def _profile(folder: Path, text: str) -> Profile:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return profile_table(folder / "t.csv", Hints(target="sold"))


def test_one_series_alone_is_looked_at_whole(small: Callable[[int], None], tmp_path: Path) -> None:
    """Of it there are no parts."""
    small(5)
    days = pd.date_range("2024-01-01", periods=20)
    rows = "".join(f"{day:%Y-%m-%d},{i}.5\n" for i, day in enumerate(days))
    profile = _profile(tmp_path, "day,sold\n" + rows)
    assert len(profile.panel.values) == 20
    assert not profile.sample


def test_what_is_wrong_is_named_by_its_line_in_the_table(
    small: Callable[[int], None], tmp_path: Path
) -> None:
    """Not in the sample."""
    table = _csv(tmp_path)
    small(120)
    [name, *_] = profile_table(table, Hints(target="sold")).panel.unique_ids
    lines = table.read_text(encoding="utf-8").splitlines()
    place = next(i for i, line in enumerate(lines) if i > 100 and f",{name}," in line)
    lines.insert(place, lines[place])
    table.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match=rf"lines {place + 1}, {place + 2}"):
        profile_table(table, Hints(target="sold"))
