"""How every command speaks: results as JSON to standard output, one line to standard error."""

import json
import sys
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def say(message: str) -> None:
    """One line that is no result: a warning, or what went wrong."""
    print(f"crossrisk: {message}", file=sys.stderr)


def print_json(value: Any) -> None:
    """A result, for programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False))
