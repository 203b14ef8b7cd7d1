"""Commands that print what Sluice takes: the contract with gateways, the receiver's interface, the settings."""

import json

import click

from streams import events
from streams import settings as settings_module
from streams.cli.group import main, plainly
from streams.receiver import openapi
from streams.settings import Settings


@main.command()
def schema() -> None:
    """Print the contract with gateways as a JSON Schema."""
    click.echo(json.dumps(events.json_schema(), indent=2, ensure_ascii=False))


@main.command("openapi")
def openapi_() -> None:
    """Print what the receiver takes as an OpenAPI document."""
    click.echo(json.dumps(openapi.document(), indent=2, ensure_ascii=False))


@main.command()
@plainly
def settings() -> None:
    """List every setting with its value and meaning."""
    held = settings_module.load()
    for name, field in Settings.model_fields.items():
        click.echo(f"SLUICE_{name.upper()}={held.shown(name)}\n    {field.description}")
