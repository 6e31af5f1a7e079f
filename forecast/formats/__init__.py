"""In which forms does a network leave? One module a format, each with its `FORMAT`."""

from forecast.formats.blend import blend_readme
from forecast.formats.example import Example
from forecast.formats.format import Format, Made, format_of
from forecast.formats.readme import EXAMPLE, readme

__all__ = ["EXAMPLE", "Example", "Format", "Made", "blend_readme", "format_of", "readme"]
