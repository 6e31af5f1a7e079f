"""Which values does a trial get? One file a sampler: what it draws follows from its arguments."""

from forecast.samplers.sampler import Sampler, Told, named_sampler

__all__ = ["Sampler", "Told", "named_sampler"]
