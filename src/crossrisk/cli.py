"""The commands. They parse and call; everything they call is imported only then, so that `--help` is quick.

Those of a group (`data`, `organism`), and those about replies, have files of their own beside this one.

Exit codes: 0 done; 1 the gate failed; 2 the request is wrong; 3 some cells failed, or the run was ended early, and the
rest is saved; 70 a fault of CrossRisk itself.
"""

import errno
import io
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from crossrisk.cli_data import data_app
from crossrisk.cli_organism import organism_app
from crossrisk.cli_replies import judge, label, score
from crossrisk.errors import CrossRiskError, RequestError
from crossrisk.terminal import AsJson, print_json, say

app = typer.Typer(
    name="crossrisk",
    help="What does a defense of a language model against one risk do to the other risks?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(organism_app, name="organism")
app.add_typer(data_app, name="data")

Out = Annotated[Path, typer.Option("--out", "-o", help="The study's folder; made where it is missing, else resumed.")]


def main() -> None:
    """Entry point of the `crossrisk` command: runs it and turns every way it can end into an exit code and one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that a terminal lacks must not cost the result
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False) or 0
        sys.stdout.flush()
        sys.exit(code)
    except CrossRiskError as error:
        _leave(str(error), error.exit_code)
    except TyperException as error:  # an option that is not known, or a value of the wrong type
        problem = error.format_message().replace("\n", " ")
        if problem:
            say(f"{problem} (see crossrisk --help)")
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        _leave("stopped", 3)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        sys.exit(0)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        _leave(f"{error.filename or 'a file'}: {error.strerror or error}", 3 if full else 2)
    except Exception:  # a fault of CrossRisk itself; Python's own code for it, 1, would read as a failed gate
        traceback.print_exc()
        sys.exit(70)


def _leave(message: str, code: int) -> NoReturn:
    say(message)
    sys.exit(code)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        from crossrisk import __version__

        print(__version__)
        raise typer.Exit


@app.command()
def demo(out: Out = Path("runs/demo"), as_json: AsJson = False) -> None:
    """Run the demo study on the built-in model: about two minutes on two cores, no download.

    Example: crossrisk demo
    """
    from crossrisk.study import Study

    _run(Study.load(_ready_study("demo")), out, as_json)


@app.command()
def run(
    study: Annotated[Path | None, typer.Argument(help="A study file; or leave it out and use the options.")] = None,
    base: Annotated[str | None, typer.Option(help="Hub id (@revision pins it), folder, organism or innocent.")] = None,
    defense: Annotated[
        list[str] | None,
        typer.Option(help="Name, checkpoint=MODEL, adapter=FOLDER, or '{name: dpo, strength: 0.5}'. Repeat it."),
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="TASK or TASK:SOURCE. Repeat it.")] = None,
    attack: Annotated[
        list[str] | None, typer.Option(help="Around the requests of `jailbreak`; see crossrisk ls attacks. Repeat it.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many samples a task.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the draw of samples and of every fit.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Prompts that run together.")] = None,
    max_new_tokens: Annotated[int | None, typer.Option(help="Cap on every task's budget of new tokens.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Of tasks that write; 0, the default, is greedy.")] = None,
    attempts: Annotated[int | None, typer.Option(help="Replies to every prompt, at a temperature above 0.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16 or float16.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, or auto to spread over all.")] = None,
    chat_template: Annotated[str | None, typer.Option(help="auto, or none for a model without one.")] = None,
    out: Out = Path("runs/study"),
    as_json: AsJson = False,
) -> None:
    """Run a study: every defense on the same prompts as its base, compared pair by pair.

    Example: crossrisk run --base organism --defense dpo --task misuse --task over_refusal --limit 100 --out runs/dpo
    """
    model = {"dtype": dtype, "device": device, "chat_template": chat_template}
    fields = {
        "limit": limit,
        "seed": seed,
        "batch_size": batch_size,
        "max_new_tokens": max_new_tokens,
        "temperature": temperature,
        "attempts": attempts,
        "attacks": attack or None,
    }
    _run(_study(study, base, defense or [], task or [], _given(model), _given(fields)), out, as_json)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _study(
    file: Path | None,
    base: str | None,
    defenses: list[str],
    tasks: list[str],
    model: dict[str, Any],
    fields: dict[str, Any],
) -> Any:
    """The study that the command line describes: a file with options laid over it, or options alone."""
    from crossrisk.study import Study

    if file is None and (base is None or not tasks):
        raise RequestError("name a study file, or give --base and at least one --task (see crossrisk run --help)")
    described: dict[str, Any] = Study.load(file).model_dump() if file else {"base": {"model": base}}
    if base is not None:
        described["base"] = {"model": base}
    described["base"] = {**described["base"], **model}
    if defenses:
        described["defenses"] = [_defense(text) for text in defenses]
    if tasks:
        described["tasks"] = tasks
    return Study(**described | fields)


def _defense(text: str) -> Any:
    """A `--defense` option: a YAML mapping, `checkpoint=…`, `adapter=…`, or a name."""
    if text.startswith("{"):
        import yaml

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise RequestError(f"--defense {text}: not valid YAML: {getattr(error, 'problem', error)}") from error
    kind, _, model = text.partition("=")
    return {kind: model} if model and kind in ("checkpoint", "adapter") else text


def _parsed(kind: Any, value: Any) -> Any:
    """A part of a study that the command line describes. Raises RequestError for what is not valid."""
    from pydantic import ValidationError

    from crossrisk.strict_yaml import first_problem

    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise RequestError(first_problem(error, kind)[1]) from error


def _run(study: Any, out: Path, as_json: bool) -> None:
    results = study.run(out)
    _print_interactions(out, as_json)
    if results.failures:
        raise typer.Exit(3)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="A study's folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the page goes; default FOLDER/report.html.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Analyse a study's folder once more and write its report; needs neither the model nor the data.

    Example: crossrisk report runs/demo
    """
    from crossrisk import pipeline

    pipeline.report(folder, out)
    _print_interactions(folder, as_json, out)


def _print_interactions(folder: Path, as_json: bool, page: Path | None = None) -> None:
    if as_json:
        print((folder / "interactions.json").read_text(encoding="utf-8"), end="")
        return
    from crossrisk.report.table import print_study

    print_study(folder)
    print(f"\nReport: {page or folder / 'report.html'}")


@app.command()
def neurons(
    folder: Annotated[Path, typer.Argument(help="A finished study's folder.")],
    defense: Annotated[list[str] | None, typer.Option(help="Only this; default all but controls. Repeat it.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this TASK or TASK:SOURCE. Repeat it.")] = None,
    pair: Annotated[list[str] | None, typer.Option(metavar="RISK,RISK", help="Only this pair. Repeat it.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="test, paper or coupled; default all. Repeat it.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many prompts a task.")] = 256,
    random_sets: Annotated[int, typer.Option(help="Random sets to hold a set against; 20 or more.")] = 40,
    replies: Annotated[
        int | None, typer.Option(help="Prompts that patched models also reply to; default 24 for built-in ones.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the split of clusters, the prompts and the random sets.")] = 0,
    every: Annotated[bool, typer.Option("--all", help="Check every off-target cell, not only side effects.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find the neurons on which risks collide, and test whether they cause a finished study's side effects.

    Loads the base twice, on the study's device. Writes FOLDER/neurons and puts it into the report.
    Example: crossrisk neurons runs/demo
    """
    from crossrisk import pipeline
    from crossrisk.neurons.stage.request import Options

    found = pipeline.neurons(
        folder,
        Options(
            defenses=defense or (),
            tasks=task or (),
            pairs=pair or (),
            methods=method or (),
            limit=limit,
            random_sets=random_sets,
            replies=replies,
            seed=seed,
            every=every,
        ),
    )
    if as_json:
        print_json({"conflicts": found.conflicts, "causal": found.causal, "trends": found.trends})
        return
    from crossrisk.report.neurons_table import print_causes

    print_causes(folder)
    print(f"\nReport: {folder / 'report.html'}")


@app.command()
def defend(
    base: Annotated[str, typer.Option(help="Hub id (@revision pins it), folder, organism or innocent.")],
    defense: Annotated[str, typer.Option(help="Name, or '{name: npo, beta: 0.1, strength: 0.5}'.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A new folder for the adapter or checkpoint.")],
    data: Annotated[
        str | None, typer.Option(metavar="FILE", help="What to fit on: world, core, or a .jsonl file of yours.")
    ] = None,
    adapter: Annotated[str | None, typer.Option(help="An adapter that stands on the base.")] = None,
    seed: Annotated[int, typer.Option(help="Of the fit.")] = 0,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, or auto to spread over all.")] = None,
    chat_template: Annotated[str, typer.Option(help="auto, or none for a model without one.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Make a defended model: a PEFT adapter or a checkpoint with a model card, which other tools load.

    Example: crossrisk defend --base organism --defense dpo --out runs/organism-dpo
    """
    from crossrisk.defending import defend
    from crossrisk.engine.progress import progress_bar
    from crossrisk.study import DefenseSpec, ModelSpec

    model = {"model": base, "adapter": adapter, "dtype": dtype, "device": device, "chat_template": chat_template}
    asked = _parsed(ModelSpec, model)
    spec = _parsed(DefenseSpec, _defense(defense))
    with progress_bar(None, None) as reporter:
        spec = spec.model_copy(update=_given({"data": data}))
        made = defend(asked, spec, out, seed=seed, doing=reporter.doing, advise=say)
    if made.warning:
        say(f"{made.defense} broke the model: {made.warning}")
    if as_json:
        print_json({"folder": str(made.folder), "form": made.form, "defense": made.defense, "broken": made.warning})
    else:
        print(f"{made.folder}: {made.form} of {made.defense}, with a card in README.md")


@app.command()
def gate(
    folder: Annotated[Path, typer.Argument(help="A study's folder.")],
    policy: Annotated[str, typer.Option(metavar="FILE", help="A policy file, or the name of a ready policy.")],
    defense: Annotated[list[str] | None, typer.Option(help="Gate this one; default all. Repeat it.")] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a summary in Markdown.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide by a policy whether the defenses of a study may ship; needs neither the model nor the data.

    Exits with 1 where one may not, with 3 where nothing but cells that did not run keeps it from shipping.
    Example: crossrisk gate runs/demo --policy careful --junit gate.xml --markdown gate.md
    """
    from crossrisk.gating import gate, load_policy, print_decision, write_decision

    decision = gate(folder, load_policy(policy), defenses=defense or [])
    write_decision(decision, junit, markdown)
    print_decision(decision, as_json)
    if decision.exit_code:
        raise typer.Exit(decision.exit_code)


for about_replies in (score, judge, label):
    app.command()(about_replies)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="The base, or before: a log, a folder, or STUDY:ARM.")],
    second: Annotated[str | None, typer.Argument(metavar="B", help="The defended, or after.")] = None,
    arms: Annotated[str | None, typer.Option(metavar="A,B", help="Two arms of one study, in place of B.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Compare only this one; default all. Repeat it.")] = None,
    larger_is: Annotated[
        list[str] | None, typer.Option(help="riskier or better; of one metric METRIC=riskier. Repeat it.")
    ] = None,
    scores: Annotated[
        tuple[float, float],
        typer.Option("--range", metavar="LOW HIGH", help="Ends of the scores, for others than 0 1."),
    ] = (0.0, 1.0),
    sample_id: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="Of plain rows; default id.")] = None,
    score: Annotated[str | None, typer.Option(metavar="COLUMN", help="Of plain rows; default risk, or score.")] = None,
    cluster: Annotated[str | None, typer.Option(metavar="COLUMN", help="What samples have in common.")] = None,
    group: Annotated[str | None, typer.Option(metavar="COLUMN", help="Compare by this group, too.")] = None,
    task: Annotated[str | None, typer.Option(metavar="COLUMN", help="Of plain rows; default task.")] = None,
    despite: Annotated[
        list[str] | None, typer.Option(help="task, judge, decoding, prompt: kinds in which the arms may differ.")
    ] = None,
    allow_unmatched: Annotated[bool, typer.Option("--allow-unmatched", help="Compare what both have.")] = False,
    alpha: Annotated[float, typer.Option(help="Level of tests; intervals are at 1 - alpha.")] = 0.05,
    margin: Annotated[float, typer.Option(help="Changes of risk inside it count as none.")] = 0.05,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A new folder for the results.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two logs of the same samples, pair by pair: of Inspect, lm-eval, plain rows, or arms of studies.

    Example: crossrisk compare before.eval after.eval
    """
    from crossrisk.comparison import compare_files
    from crossrisk.logs.orientation import Scale
    from crossrisk.logs.scores import Columns

    found = compare_files(
        first,
        second,
        arms=None if arms is None else [arm.strip() for arm in arms.split(",")],
        metrics=metric or (),
        columns=Columns(sample_id, score, cluster, group, task),
        scale=Scale(tuple(larger_is or ()), *scores),
        despite=[kind.strip() for text in despite or () for kind in text.split(",")],
        allow_unmatched=allow_unmatched,
        alpha=alpha,
        margin=margin,
        out=out,
    )
    if as_json:
        for note in found.notes:
            say(note)
        print(found.to_json(), end="")
        return
    from crossrisk.report.comparison_table import print_comparison

    print_comparison(found)


@app.command()
def validate(study: Annotated[Path, typer.Argument(help="A study file.")], as_json: AsJson = False) -> None:
    """Check a study without running it: names, files, samples, settings, and how much there is to do.

    Example: crossrisk validate studies/demo.yaml
    """
    from crossrisk.preview import preview, preview_lines
    from crossrisk.study import Study

    found = preview(Study.load(study))
    print_json(found) if as_json else print("\n".join(preview_lines(found)))


@app.command()
def ls(
    kind: Annotated[str, typer.Argument(help="tasks, defenses, sources, judges or attacks; default all.")] = "all",
    as_json: AsJson = False,
) -> None:
    """List what can be named in a study.

    Example: crossrisk ls tasks
    """
    from crossrisk.catalogue import catalogue

    entries = catalogue(kind)
    if as_json:
        print_json(entries)
        return
    from crossrisk.report.listing import print_catalogue

    print_catalogue(entries)


def _ready_study(name: str) -> Path:
    """A study file that comes with the package: beside it in a checkout, inside it when installed."""
    package = Path(__file__).parent
    for folder in (package / "studies", package.parent.parent / "studies"):
        if (folder / f"{name}.yaml").exists():
            return folder / f"{name}.yaml"
    raise RequestError(f"the ready study {name} is missing from this installation: install crossrisk again")


if __name__ == "__main__":
    main()
