"""YAML files that people write, read strictly: what is wrong is told in one line, with the file and the line.

A study and a gate's policy are such files. Nothing in them is passed over: an unknown key, and a key that stands twice,
are errors.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from crossrisk.errors import RequestError

Location = Sequence[int | str]


def read_text(path: Path, kind: str) -> str:
    """The text of a file. kind: what it holds, as errors call it. Raises RequestError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RequestError(f"there is no {kind} file {path}") from None
    except IsADirectoryError:
        raise RequestError(f"{path} is a folder: name the {kind} file in it") from None
    except UnicodeDecodeError as error:
        raise RequestError(f"{path}: byte {error.start} is not UTF-8: save the file as UTF-8") from None


def parse(text: str, where: str) -> tuple[Any, yaml.Node | None]:
    """(what the text describes, the same as nodes, which know their lines). where: what errors call the text."""
    try:
        return yaml.load(text, Loader=_StrictLoader), yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise RequestError(f"{where}{line}: not valid YAML: {getattr(error, 'problem', error)}") from error


class _StrictLoader(yaml.SafeLoader):
    """Keys are the words that stand there, each once. (YAML 1.1 takes the words on, yes and no for truth values.)"""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:bool":
                key.tag = "tag:yaml.org,2002:str"
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' stands twice", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)


def first_problem(error: ValidationError, described: type[BaseModel], *parts: type[BaseModel]) -> tuple[Location, str]:
    """(location, one line) of the first thing that is wrong. described, parts: models whose keys are near names."""
    detail = error.errors()[0]
    location = detail["loc"]
    name = ".".join(str(part) for part in location) or described.__name__.lower()
    if detail["type"] == "extra_forbidden":
        known = sorted({key for model in (described, *parts) for key in model.model_fields})
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f": did you mean `{near[0]}`?" if near else f": known are {', '.join(described.model_fields)}"
        return location, f"unknown key `{name}`{hint}"
    if detail["type"] == "missing":
        return location, f"`{name}` is missing"
    message = detail["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
    written = detail["input"]
    if isinstance(written, str):
        given = repr(written) if detail["type"].endswith("_type") else written  # text where a number should be
    else:
        given = _in_yaml(written)
    return location, f"`{name}`: {message[0].lower()}{message[1:]} (got {' '.join(given.split())[:60]})"


def _in_yaml(value: Any) -> str:
    """A value as it stands in such a file: true and null, not True and None."""
    try:
        return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True).removesuffix("...\n")
    except yaml.YAMLError:  # an object of Python, which no file can hold
        return str(value)


def line_of(node: yaml.Node | None, location: Location) -> int:
    """The line on which a location stands: of its key in a mapping, of its item in a list, else of what holds it."""
    line = node.start_mark.line + 1 if node else 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
