"""The commands about replies, whoever made them: score them, judge them, draw some for people to label."""

from pathlib import Path
from typing import Annotated

import typer

from crossrisk.errors import RequestError
from crossrisk.terminal import AsJson, print_json


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

    print_json(score_file(question, replies, Columns(reply, sample_id, prompt, verdict)))


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
        print_json(found) if as_json else print("\n".join(agreement_lines(found)))
    elif as_json:
        for row in labelled(name, replies):
            print(json.dumps(row, ensure_ascii=False))
    else:
        for line in label_lines(name, replies):
            print(line)


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
