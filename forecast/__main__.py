"""`python -m forecast` is the `forecast` command."""

from forecast.cli import main

if __name__ == "__main__":
    main()
