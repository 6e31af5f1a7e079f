"""The methods that are asked for by name: the modules of `baselines/`."""

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

from forecast.errors import Problem, UsageError, did_you_mean
from forecast.methods import baselines as package
from forecast.methods.method import Method

BASELINES = ("naive", "seasonal_naive")  # beside every score


def method_names() -> list[str]:
    """Every name that can be asked for."""
    return [module.name for module in iter_modules(package.__path__)]


def named_methods(wanted: Sequence[str], season_length: int) -> list[Method]:
    """The methods of these names, in their order.

    Raises `MissingExtraError` for one whose extra is not installed.
    """
    modules = [import_module(f"{package.__name__}.{name}") for name in dict.fromkeys(wanted)]
    return [module.METHOD(season_length) for module in modules]


def check_names(wanted: Sequence[str]) -> None:
    """Raise for a name that is not known, or whose extra is not installed.

    That is a `UsageError` or a `MissingExtraError`.
    """
    known = method_names()
    for name in wanted:
        if name not in known:
            advice = did_you_mean(name, known)
            raise UsageError(Problem(f"--against: there is no baseline {name!r}.", advice))
    named_methods(wanted, season_length=1)
