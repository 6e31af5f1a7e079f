"""Where tables come from: one file a kind of source; the rest of the tool knows none of them."""

from forecast.data.sources.raw import Columns, RawTable
from forecast.data.sources.source import read_source

__all__ = ["Columns", "RawTable", "read_source"]
