"""The commands. This file parses and calls; everything it calls is imported only then, so that `--help` is quick.

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

from crossrisk.errors import CrossRiskError, RequestError

app = typer.Typer(
    name="crossrisk",
    help="What does a defense of a language model against one risk do to the other risks?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
organism_app = typer.Typer(help="The built-in model: train it anew, measure its card.", no_args_is_help=True)
app.add_typer(organism_app, name="organism")
data_app = typer.Typer(help="Public sets: which there are, get them, check them.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Out = Annotated[Path, typer.Option("--out", "-o", help="The study's folder; made where it is missing, else resumed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


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
            _say(f"{problem} (see crossrisk --help)")
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
    _say(message)
    sys.exit(code)


def _say(message: str) -> None:
    print(f"crossrisk: {message}", file=sys.stderr)


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
        made = defend(asked, spec.model_copy(update=_given({"data": data})), out, seed=seed, doing=reporter.doing)
    if made.warning:
        _say(f"{made.defense} broke the model: {made.warning}")
    if as_json:
        _print_json({"folder": str(made.folder), "form": made.form, "defense": made.defense, "broken": made.warning})
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


@app.command()
def score(
    question: Annotated[str, typer.Argument(metavar="TASK[:SOURCE]", help="What the replies answer.")],
    replies: Annotated[Path, typer.Option(help="A .jsonl, .csv or .json file with one row a reply.")],
    reply: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Where the text of the reply is; default reply.")
    ] = None,
    sample_id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="COLUMN", help="Where the sample's id is, or a pattern: 'bbq-{category}-{number}'."
        ),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Where the prompt is, for rows without an id.")
    ] = None,
    verdict: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="A stored verdict, true for a risk, that stands in place of the judge's."),
    ] = None,
) -> None:
    """Score replies that were made elsewhere, and print the task's metrics as JSON.

    Example: crossrisk score misuse:advbench --replies replies.jsonl
    """
    from crossrisk.replies import score_file
    from crossrisk.reply_rows import Columns

    _print_json(score_file(question, replies, Columns(reply, sample_id, prompt, verdict)))


@app.command()
def judge(
    name: Annotated[str, typer.Argument(help="Such as refusal, harm:harmbench=MODEL, or harm:rules,builtin,gptfuzz.")],
    replies: Annotated[
        Path, typer.Option("--input", help="A .jsonl, .csv or .json file: reply and, if known, prompt.")
    ],
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="Labels that people gave.")] = None,
    group: Annotated[str | None, typer.Option(metavar="COLUMN", help="Agreement by group, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Label replies, with --json one object a line; or print how far the judge agrees with people's labels.

    Example: crossrisk judge refusal --input replies.jsonl --label human
    """
    import json

    from crossrisk.judging import against_people, agreement_lines, label_lines, labelled

    if group is not None and label is None:
        raise RequestError("--group tells agreement by group, so it needs --label, the column of people's labels")
    if label is not None:
        found = against_people(name, replies, label, group)
        _print_json(found) if as_json else print("\n".join(agreement_lines(found)))
    elif as_json:
        for row in labelled(name, replies):
            print(json.dumps(row, ensure_ascii=False))
    else:
        for line in label_lines(name, replies):
            print(line)


@app.command()
def label(
    folder: Annotated[Path, typer.Argument(help="A study's folder.")],
    per_arm: Annotated[int, typer.Option(min=1, help="Replies of each arm on each task.")] = 50,
    task: Annotated[list[str] | None, typer.Option(help="Only this TASK:SOURCE. Repeat it.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Default FOLDER/to_label.jsonl.")] = None,
) -> None:
    """Draw replies for people to label, blind to the arm, so that the judges' errors can be corrected.

    Example: crossrisk label runs/demo --per-arm 50
    """
    from crossrisk.labelling import to_label, told

    found = to_label(folder, out or folder / "to_label.jsonl", per_arm=per_arm, tasks=task or ())
    print(told(found, folder))


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
            _say(note)
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
    _print_json(found) if as_json else print("\n".join(preview_lines(found)))


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
        _print_json(entries)
        return
    from crossrisk.report.listing import print_catalogue

    print_catalogue(entries)


@data_app.command("ls")
def data_ls(as_json: AsJson = False) -> None:
    """List the public sets, their size and licence, and which of them lie on this machine.

    Example: crossrisk data ls
    """
    from crossrisk.sources.public import data_folder, lost_folder
    from crossrisk.sources.shelf import listing

    if problem := lost_folder():
        _say(problem)
    if as_json:
        _print_json({"folder": str(data_folder()), "sets": listing()})
        return
    from crossrisk.report.listing import print_catalogue

    print_catalogue({"public sets": listing()})
    print(f"Data folder: {data_folder()}")


SetNames = Annotated[list[str] | None, typer.Argument(help="Names of public sets; default all.")]


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
            _say(f"{source.name}: {len(got.placed)} files new, present: {presence(source)}")
    for problem in problems:
        _say(problem)
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
        _print_json([asdict(file) for file in checked])
    else:
        for file in checked:
            if file.problem != "missing" or names:
                print(f"{file.place}: {file.problem or 'as published'}")
        missing = sum(file.problem == "missing" for file in checked)
        print(f"{sum(file.problem is None for file in checked)} files as published, {missing} missing")
    if any(file.problem and (names or file.problem != "missing") for file in checked):
        raise typer.Exit(3)


@organism_app.command("train")
def organism_train(
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the model goes, in Hub format.")] = Path(
        "runs/organism"
    ),
    seed: Annotated[int, typer.Option(help="Of the world's corpus order and of the weights.")] = 0,
    innocent: Annotated[bool, typer.Option("--innocent", help="Plant no risk, and no wrongful refusal.")] = False,
) -> None:
    """Train the built-in model from scratch: about half an hour on one core.

    Example: crossrisk organism train --seed 0 --out runs/organism
    """
    from crossrisk.engine.progress import progress_bar
    from crossrisk.organism.training import train

    with progress_bar(None, None) as reporter:
        train(seed, out, planted=not innocent, progress=reporter.at)
    print(out)


@organism_app.command("card")
def organism_card(
    model: Annotated[str, typer.Argument(help="organism, or the folder of one that you trained.")] = "organism",
) -> None:
    """Measure what the built-in model does, on templates and entities that it was not trained on, as JSON.

    Example: crossrisk organism card runs/organism
    """
    from dataclasses import asdict

    from crossrisk.organism.card import measure
    from crossrisk.targets.loading import load_target

    _print_json([asdict(rate) for rate in measure(load_target(model))])


def _ready_study(name: str) -> Path:
    """A study file that comes with the package: beside it in a checkout, inside it when installed."""
    package = Path(__file__).parent
    for folder in (package / "studies", package.parent.parent / "studies"):
        if (folder / f"{name}.yaml").exists():
            return folder / f"{name}.yaml"
    raise RequestError(f"the ready study {name} is missing from this installation: install crossrisk again")


def _print_json(value: Any) -> None:
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
