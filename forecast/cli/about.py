"""What `forecast` itself is: `forecast schema` and `forecast doctor`."""

from typing import Annotated

import typer

from forecast.cli.command import command


@command("forecast schema > schema.json")
def schema(context: typer.Context) -> None:
    """Print the JSON Schema of the config, for editors."""
    import json

    from forecast.config.schema import json_schema

    context.obj.result(json.dumps(json_schema(), indent=2))


@command("forecast doctor", "forecast doctor --clear-cache")
def doctor(
    context: typer.Context,
    clear_cache: Annotated[
        bool,
        typer.Option(
            "--clear-cache",
            help="Remove the tables that are kept in the cache, and do nothing else.",
        ),
    ] = False,
) -> None:
    """Print what is installed, and how large the cache of tables is."""
    if clear_cache:
        from forecast.data.cache import clear

        context.obj.say(f"removed from the cache: {clear()}")
        return
    from forecast.commands.doctor import doctor as examine

    with context.obj.without_library_noise():
        findings = examine()
    context.obj.result("\n".join(f"{name}: {finding}" for name, finding in findings.items()))
