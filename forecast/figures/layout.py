"""How figures look: their size, their head, their dates, their bands and marks."""

import math
from collections.abc import Sequence
from textwrap import wrap

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import DAILY, AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from forecast.figures.palette import GUIDE, INTERVAL_ALPHA, MODEL
from forecast.figures.tables import interval_of
from forecast.figures.words import printable

_WIDTH, _ROW = 10, 2.6  # inches
_LEARNED_SIZE, _SHOWN_SIZE = 10.5, 9  # points
_LEARNED_WIDTH, _SHOWN_WIDTH = 108, 135  # characters of a line that surely fits
_LEGEND_COLUMNS = 3
_MOST_LINES = 10  # more members than this are drawn as one band


def new_figure(rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure of some plots, row by row. It is drawn without a screen."""
    figure = Figure(figsize=(_WIDTH, _ROW * max(rows, 1.3)), layout="constrained")
    widths = [1.6, *[1.0] * (columns - 1)]
    grid = figure.subplots(rows, columns, squeeze=False, width_ratios=widths)
    for axes in grid.flat:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
    return figure, list(grid.flat)


def head(figure: Figure, learned: str, shown: str) -> None:
    """Put above the plots what one learns, what is shown, and one legend for all of them.

    The figure grows by what these need, so that they never lie on a line.
    """
    handles: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    # Lines first, then the backgrounds that they run over.
    labels = sorted(handles, key=lambda label: not isinstance(handles[label], Line2D))
    texts = (
        (wrap(learned, _LEARNED_WIDTH), _LEARNED_SIZE, "bold"),
        (wrap(shown, _SHOWN_WIDTH), _SHOWN_SIZE, "normal"),
    )
    heights = [1.45 * size * len(lines) / 72 for lines, size, _ in texts]
    legend_rows = math.ceil(len(handles) / _LEGEND_COLUMNS)
    added = sum(heights) + legend_rows * 0.19 + (0.2 if handles else 0.1)
    total = figure.get_figheight() + added
    figure.set_figheight(total)
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - added / total))  # type: ignore[union-attr,call-arg]
    down = 0.07
    for (lines, size, weight), height in zip(texts, heights, strict=True):
        text = figure.text(
            0.01, 1 - down / total, "\n".join(lines), size=size, weight=weight, va="top"
        )
        text.set_in_layout(False)
        down += height
    if handles:
        legend = figure.legend(
            [handles[label] for label in labels],
            labels,
            loc="upper left",
            bbox_to_anchor=(0.005, 1 - down / total),
            borderaxespad=0,
            ncols=_LEGEND_COLUMNS,
            frameon=False,
            fontsize=9,
        )
        legend.set_in_layout(False)


def date_axis(axes: Axes, ds: pd.Series, *, narrow: bool = False) -> None:
    """Dates that do not collide, in the zone of the table; numbers where it has no dates."""
    if not isinstance(ds.dtype, pd.DatetimeTZDtype) and ds.dtype.kind != "M":
        number_axis(axes)
        return
    zone = ds.dt.tz
    locator = AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]
    if narrow:
        # With three ticks at least, seven always suffice. Every third day would put the 31st beside
        # the 1st.
        locator = AutoDateLocator(tz=zone, minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
        locator.intervald[DAILY] = [1, 2, 4, 7, 14, 21]
        axes.tick_params(axis="x", labelsize=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, zone))  # type: ignore[no-untyped-call]


def name_series(axes: Axes, series: str, title: str) -> None:
    """The name of what is drawn beside its values, as far as the plot is high, and a title."""
    axes.set_ylabel(printable(series, 20))
    axes.set_title(title, loc="left", fontsize=10)


def number_axis(axes: Axes) -> None:
    """Whole numbers, as epochs and steps are."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def date_label(ds: pd.Series) -> str:
    """What the axis of dates is called."""
    zone = getattr(ds.dtype, "tz", None)
    return f"date ({zone})" if zone else "date"


def shade(axes: Axes, forecasts: pd.DataFrame) -> None:
    """The band between the lowest quantile and the highest, named with its level."""
    interval = interval_of(forecasts)
    if interval is None or not len(forecasts):
        return
    low, high, name = interval
    axes.fill_between(
        forecasts["ds"],
        forecasts[low],
        forecasts[high],
        color=MODEL,
        alpha=INTERVAL_ALPHA,
        linewidth=0,
        label=name,
    )


def draw_members(axes: Axes, numbers: pd.DataFrame, label: str, color: str, style: str) -> None:
    """A line for each member (columns) by epoch (rows), which share a name.

    Of many, the one in the middle and a band that holds eight of ten.
    """
    if numbers.shape[1] > _MOST_LINES:
        low, high = numbers.quantile(0.1, axis=1), numbers.quantile(0.9, axis=1)
        band = f"eight of ten: {label}"
        axes.fill_between(
            numbers.index, low, high, color=color, alpha=INTERVAL_ALPHA, linewidth=0, label=band
        )
        numbers = numbers.median(axis=1).to_frame()
    marker = "o" if len(numbers) == 1 else None
    lines = axes.plot(numbers.index, numbers, style, marker=marker, linewidth=1.2, color=color)
    lines[0].set_label(label)


def mark(axes: Axes, moment: object, label: str) -> None:
    """A vertical line after which the figure tells another story; its name is in the legend."""
    # Matplotlib takes dates where its types say float.
    axes.axvline(moment, color=GUIDE, linewidth=1.2, linestyle=":", label=label)  # type: ignore[arg-type]


def span(axes: Axes, begin: object, end: object, color: str, alpha: float, label: str) -> None:
    """A background from one date to another; its name is in the legend."""
    axes.axvspan(begin, end, color=color, alpha=alpha, linewidth=0, zorder=0, label=label)  # type: ignore[arg-type]


def table_figure(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Figure:
    """Numbers that are too few for a plot, as a table."""
    figure = Figure(figsize=(_WIDTH, 0.36 * (len(rows) + 1.5)), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    table = axes.table(
        list(rows),
        colLabels=list(columns),
        colLoc="right",
        cellLoc="right",
        edges="horizontal",
        bbox=Bbox.unit(),
    )
    table.auto_set_font_size(value=False)
    table.set_fontsize(11)
    for (_, column), cell in table.get_celld().items():
        cell.set_edgecolor(GUIDE)
        if column == 0:
            cell.set_text_props(ha="left")
    return figure
