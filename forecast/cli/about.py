"""What `forecast` itself is: `forecast schema` and `forecast doctor`."""

import typer

from forecast.cli.command import command


@command("forecast schema > schema.json")
def schema(context: typer.Context) -> None:
    """Print the JSON Schema of the config, for editors."""
    import json

    from forecast.config.schema import json_schema

    context.obj.result(json.dumps(json_schema(), indent=2))


@command("forecast doctor")
def doctor(context: typer.Context) -> None:
    """Print what is installed, and whether it works."""
    from forecast.commands.doctor import doctor as examine

    with context.obj.without_library_noise():
        findings = examine()
    context.obj.result("\n".join(f"{name}: {finding}" for name, finding in findings.items()))
