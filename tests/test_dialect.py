"""How a text holds a table: what is the header, what is none, and what parts the cells."""

import pytest

from forecast.data.dialect import Given, sniff

ROWS = "2023-01-01,5\n2023-01-02,6\n2023-01-03,7\n2023-01-04,8\n2023-01-05,9\n"


@pytest.mark.parametrize(
    ("text", "names", "skip_rows", "skip_lines"),
    [
        ("date,value\n" + ROWS, ("date", "value"), 0, ()),
        ("date,value\n2023-01-01,odd\n" + ROWS, ("date", "value"), 0, ()),
        ("# a\n# b\ndate,value\n" + ROWS, ("date", "value"), 2, ()),
        ("A title\n\ndate,value\n" + ROWS, ("date", "value"), 2, ()),
        ("A title, with a comma\ndate,value\n" + ROWS, ("date", "value"), 1, ()),
        ("A title,\n,\ndate,value\n" + ROWS, ("date", "value"), 2, ()),
        ("date,load\n,kWh\n" + ROWS, ("date", "load"), 0, (2,)),
        ("A title\ndate,load\nYYYY-MM-DD,[kWh]\n" + ROWS, ("date", "load"), 1, (3,)),
        (" date , value \n" + ROWS, ("date", "value"), 0, ()),
        ("date,2019\n" + ROWS, ("date", "2019"), 0, ()),
        (",value\n" + ROWS, ("column_1", "value"), 0, ()),
        ("A title,\n,value\n" + ROWS, ("column_1", "value"), 1, ()),
        ("date,value,value\n" + ROWS.replace("\n", ",1\n"), ("date", "value", "value.1"), 0, ()),
        ('date,"two\nlines"\n' + ROWS, ("date", "two\nlines"), 0, ()),
    ],
)
def test_the_header_is_the_last_row_of_words_above_the_data(
    text: str, names: tuple[str, ...], skip_rows: int, skip_lines: tuple[int, ...]
) -> None:
    """Titles, comments and units are none; a first row with something odd in it is a row."""
    dialect = sniff(text.encode())
    assert dialect.header
    assert (dialect.names, dialect.skip_rows, dialect.skip_lines) == (names, skip_rows, skip_lines)


@pytest.mark.parametrize(
    ("text", "skip_rows"),
    [
        (ROWS, 0),
        ("2023-01-01,odd\n" + ROWS, 0),
        ("A title\n" + ROWS, 1),
        ("1,2\n3,4\n5,6\n7,8\n", 0),
    ],
)
def test_a_table_without_a_header_has_names_that_are_made_up(text: str, skip_rows: int) -> None:
    """Its first row is never taken for names."""
    dialect = sniff(text.encode())
    assert not dialect.header
    assert (dialect.names, dialect.skip_rows) == (("column_1", "column_2"), skip_rows)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("value", ["5", "5.5", '"1,336"', '"1.336,05"', '"a;b"'])
def test_what_parts_the_cells_is_found(separator: str, value: str) -> None:
    """Also where the other marks stand in numbers and texts."""
    rows = [f"2023-01-{day:02}{separator}{value}" for day in range(1, 30)]
    dialect = sniff("\n".join([f"date{separator}value", *rows]).encode())
    assert dialect.separator == separator
    assert dialect.names == ("date", "value")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_the_encoding_is_found(encoding: str) -> None:
    """By its mark, its zeros, or because it is no UTF-8."""
    dialect = sniff(("Datum,Erlös\n" + ROWS).encode(encoding))
    assert dialect.names == ("Datum", "Erlös")
    assert dialect.encoding == ("utf-8-sig" if encoding == "utf-8" else encoding)


def test_comments_among_the_rows_are_found() -> None:
    """A name or an id may begin with the same mark: then it is none."""
    assert sniff(("date,value\n# revised\n" + ROWS).encode()).comment == "#"
    ids = "".join(f"#{number},2023-01-0{number},5\n" for number in range(1, 6))
    assert sniff(("id,date,value\n" + ids).encode()).comment is None
    assert sniff(("#date,value\n" + ROWS).encode()).names == ("#date", "value")


def test_what_is_given_is_not_asked_again() -> None:
    """A person knows better."""
    dialect = sniff(("a;b,c;d\n" + ROWS).encode(), Given(separator=";", header=False))
    assert (dialect.separator, dialect.header) == (";", False)


def test_columns_that_are_blank_at_the_end_are_none() -> None:
    """Where a separator ends each line."""
    dialect = sniff(("date,value,,\n" + ROWS.replace("\n", ",,\n")).encode())
    assert (dialect.names, dialect.blank_columns) == (("date", "value"), 2)
