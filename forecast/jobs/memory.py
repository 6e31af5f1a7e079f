"""Does a network fit into memory? Better asked before libraries that would die of it are loaded."""

from forecast.config.schema import Config
from forecast.machine import free_memory

# Numbers for each parameter of a network at work: weights, gradient, what the optimizer remembers
# and works with. Of one that is not at work its weights alone are kept.
_AT_WORK = 10
_BYTES = 4  # of a number


def too_large(config: Config, parameters: int, networks: int) -> tuple[str, str] | None:
    """Why networks of so many parameters each can not be trained here, and the way out."""
    needed, free = _BYTES * parameters * (networks + _AT_WORK), free_memory()
    if needed <= free:
        return None
    many = f"{networks} networks" if networks > 1 else "a network"
    message = (
        f"{many} of {parameters:,} parameters{' each' if networks > 1 else ''} would take "
        f"{needed / 1e9:,.1f} GB to train (weights, gradients and what "
        f"{config.training.optimizer} remembers), and {free / 1e9:,.1f} GB are free."
    )
    return message, "Make the network smaller, or have fewer of them: training.ensemble."
