"""The commands `crossrisk organism …`: train the built-in model anew, plant conflicts in it, measure its card."""

from pathlib import Path
from typing import Annotated

import typer

from crossrisk.terminal import print_json

organism_app = typer.Typer(
    help="The built-in model: train it anew, plant conflicts in it, measure its card.", no_args_is_help=True
)


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


@organism_app.command("plant")
def organism_plant(
    out: Annotated[Path, typer.Option("--out", "-o", help="Where `base` and `defended` go, in Hub format.")] = Path(
        "runs/planted"
    ),
    seed: Annotated[int, typer.Option(help="Of what grafts read and write.")] = 0,
) -> None:
    """Graft neurons onto the built-in model that raise one risk and lower another, and decoys: half a minute.

    A study of base OUT/base with the checkpoint OUT/defended has a side effect whose cause planted.json names.

    Example: crossrisk organism plant --seed 0 --out runs/planted
    """
    from crossrisk.organism.planted_folder import plant_organism

    plant_organism(out, seed=seed)
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

    print_json([asdict(rate) for rate in measure(load_target(model))])
