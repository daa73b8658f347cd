"""The commands `crossrisk data …`: which public sets there are, get them, check them."""

from typing import Annotated

import typer

from crossrisk.errors import RequestError
from crossrisk.terminal import AsJson, print_json, say

data_app = typer.Typer(help="Public sets: which there are, get them, check them.", no_args_is_help=True)

SetNames = Annotated[list[str] | None, typer.Argument(help="Names of public sets; default all.")]


@data_app.command("ls")
def data_ls(as_json: AsJson = False) -> None:
    """List the public sets, their size and licence, and which of them lie on this machine.

    Example: crossrisk data ls
    """
    from crossrisk.sources.public import data_folder, lost_folder
    from crossrisk.sources.shelf import listing

    if problem := lost_folder():
        say(problem)
    if as_json:
        print_json({"folder": str(data_folder()), "sets": listing()})
        return
    from crossrisk.report.listing import print_catalogue

    print_catalogue({"public sets": listing()})
    print(f"Data folder: {data_folder()}")


@data_app.command("get")
def data_get(
    names: Annotated[list[str], typer.Argument(help="Names of public sets, as `crossrisk data ls` has them.")],
) -> None:
    """Download public sets from their origins: shows licence and size, resumes what was cut off, checks every byte.

    Exits with 3 where a file cannot be had; the others come all the same. Example: crossrisk data get bbq xstest
    """
    from crossrisk.engine.progress import progress_bar
    from crossrisk.sources.download import get
    from crossrisk.sources.shelf import named, presence

    sources = named(names)
    for source in sources:
        kilobytes, files = sum(file.size for file in source.files) // 1000 + 1, len(source.files)
        print(
            f"{source.name}: {kilobytes:,} kB in {files} file{'s' if files > 1 else ''}, "
            f"licence {source.licence or 'not stated'}"
        )
    problems: dict[str, None] = {}  # two sets may want one file
    with progress_bar(None, None) as reporter:
        for source in sources:
            got = get(source.files, reporter.received)
            problems |= dict.fromkeys(got.problems)
            say(f"{source.name}: {len(got.placed)} files new, present: {presence(source)}")
    for problem in problems:
        say(problem)
    if problems:
        raise typer.Exit(3)


@data_app.command("verify")
def data_verify(names: SetNames = None, as_json: AsJson = False) -> None:
    """Read every file of the public sets that lie here and compare it with the published one.

    Exits with 3 where a file differs, or a named set is not complete. Example: crossrisk data verify bbq
    """
    from dataclasses import asdict

    from crossrisk.sources.public import lost_folder
    from crossrisk.sources.shelf import named, verify

    if problem := lost_folder():
        raise RequestError(problem)
    checked = verify(named(names or []))
    if as_json:
        print_json([asdict(file) for file in checked])
    else:
        for file in checked:
            if file.problem != "missing" or names:
                print(f"{file.place}: {file.problem or 'as published'}")
        missing = sum(file.problem == "missing" for file in checked)
        print(f"{sum(file.problem is None for file in checked)} files as published, {missing} missing")
    if any(file.problem and (names or file.problem != "missing") for file in checked):
        raise typer.Exit(3)
