"""The `forecast` command, also as `python -m forecast`: it listens to signals before all else."""

from typing import NoReturn

from forecast.signals import Stop


def main() -> NoReturn:
    """Run the command line."""
    stop = Stop()
    stop.listen()
    from forecast.cli import main as run

    run(stop)


if __name__ == "__main__":
    main()
