"""What is installed, and does it work?"""

import platform
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

import forecast


def doctor() -> dict[str, str]:
    """Versions of what `forecast` needs, its backend and devices; what is wrong in plain words."""
    findings = {
        "forecast": forecast.__version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
    }
    for requirement in map(Requirement, requires("forecast") or []):
        findings[requirement.name] = _installed(requirement)
    try:
        findings |= import_module("forecast.training.devices").describe()
    except ImportError as error:
        findings["training"] = f"does not work: {error}"
    return findings


def _installed(requirement: Requirement) -> str:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        extra = "(an extra)" if requirement.marker else ""
        return f"not installed {extra}".strip()
    fits = requirement.specifier.contains(found, prereleases=True)
    return found if fits else f"{found}, and {requirement.specifier} is needed"
