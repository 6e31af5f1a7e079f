"""What is installed, and does it work?"""

import platform
import sys
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, entry_points, version

from packaging.requirements import Requirement

import forecast
from forecast.data.cache import cache_root, kept
from forecast.loading import BACKENDS, asked_backend, load_keras


def doctor() -> dict[str, str]:
    """Versions of what `forecast` needs, its backend and devices; what is wrong in plain words."""
    findings = {
        "forecast": forecast.__version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
    }
    for requirement in map(Requirement, _requirements()):
        findings[requirement.name] = _installed(requirement)
    findings["cache"] = f"{cache_root()} ({kept()})"
    try:
        load_keras(asked_backend() or BACKENDS[0])
        findings |= import_module("forecast.training.devices").describe()
    except Exception as error:  # noqa: BLE001 - whatever a library says of itself as it loads
        findings["training"] = f"does not work: {' '.join(str(error).split())}"
    return findings


def _requirements() -> list[str]:
    """What the package needs, whatever it was installed as."""
    found = _distribution()
    return [] if found is None else found.requires or []


def _distribution() -> Distribution | None:
    """The one that brings this command; None in a copy of the sources that is not installed."""
    scripts = entry_points(group="console_scripts", name="forecast")
    ours = [script.dist for script in scripts if script.module == "forecast.__main__"]
    named = [dist for dist in ours if dist and dist.name == forecast.DISTRIBUTION]
    return next(iter([*named, *ours]), None)


def _installed(requirement: Requirement) -> str:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        extra = "(an extra)" if requirement.marker else ""
        return f"not installed {extra}".strip()
    fits = requirement.specifier.contains(found, prereleases=True)
    return found if fits else f"{found}, and {requirement.specifier} is needed"
