"""What was asked, and is it valid? The schema holds every option once; the loader reads YAML."""

from forecast.config.load import LoadedConfig, find_config, load_config, parse_config
from forecast.config.schema import Config

__all__ = ["Config", "LoadedConfig", "find_config", "load_config", "parse_config"]
