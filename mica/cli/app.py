"""The command `mica` and its subcommands."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mica import recipes, workflow
from mica.cli.information import information
from mica.errors import MicaError

__all__ = ["app", "main"]

INTERRUPTED = 130  # the shell's exit code after Ctrl-C
WRONG_INPUT = 2  # the shell's exit code for a command that cannot be carried out

app = typer.Typer(
    name="mica",
    help=(
        "Deep learning of thin, transparent layers.\n\n"
        "Start with `mica train digits`: a network learns handwritten digits, is "
        "judged beside simple baselines, saved, and reported on one page."
    ),
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _fail(sentence: object, code: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def _spoken_errors() -> Iterator[None]:
    """An error of Mica is one sentence, not a traceback."""
    try:
        yield
    except MicaError as error:
        _fail(error, WRONG_INPUT)
    except KeyboardInterrupt as interrupt:
        _fail(str(interrupt) or "Stopped by hand.", INTERRUPTED)


Source = Annotated[
    str,
    typer.Argument(
        help="A sample (digits, iris, wine, breast_cancer, diabetes, mnist) or a CSV "
        "file of yours.",
        show_default=False,
    ),
]


@app.command()
def train(
    source: Source,
    target: Annotated[
        str | None,
        typer.Option(help="The column to predict; a CSV file needs it."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="The most epochs; early stopping may end before."),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Decides split, first weights and order.")
    ] = 0,
    runs: Annotated[
        Path, typer.Option(help="Folder in which the run gets a folder of its own.")
    ] = Path("runs"),
    name: Annotated[
        str | None, typer.Option(help="The run's folder; else the source's name.")
    ] = None,
) -> None:
    """Train a network on a source, judge it, save it and report.

    Prints what is in the data, what simple baselines reach, the network, how a step is
    executed, progress, the result on rows that were set aside, and the worst mistakes.

    Examples:
        mica train digits

        mica train patients.csv --target diagnosis
    """
    with _spoken_errors():
        workflow.train(
            source,
            target,
            epochs=epochs,
            seed=seed,
            runs=runs,
            name=name,
            show=_show,
        )


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A .mica file.", show_default=False)],
    source: Source,
    output: Annotated[
        Path | None, typer.Option(help="A CSV file to write; else the terminal.")
    ] = None,
) -> None:
    """Ask a saved model about raw rows: the same columns as in training.

    Examples:
        mica predict runs/digits/model.mica digits

        mica predict runs/patients/model.mica new.csv --output answers.csv
    """
    with _spoken_errors():
        table = workflow.predict(model, source)
        if output is None:
            _show(table)
            return
        workflow.write_csv(table, output)
        print(f"{len(table.rows)} predictions written to {output}.")


@app.command()
def run(
    recipe: Annotated[
        str | None, typer.Argument(help="Its name; none lists them.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Run it with this many seeds.")] = 1,
) -> None:
    """Run a recipe: a whole program to run, read and copy.

    Examples:
        mica run

        mica run mnist-dense --seeds 5
    """
    with _spoken_errors():
        if recipe is None:
            _show(recipes.catalogue())
            return
        _show(recipes.run(recipe, seeds=seeds))


@app.command()
def info(
    ceilings: Annotated[
        bool, typer.Option(help="Measure what this machine can reach (2 s).")
    ] = True,
) -> None:
    """Say versions, device, and the speed this machine can reach."""
    with _spoken_errors():
        _show(information(ceilings=ceilings))


def _show(part: object) -> None:
    show: Callable[[], None] = part.show  # type: ignore[attr-defined]  # a report part
    show()
    print()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: The words after `mica`; None takes the process's own.
    """
    app(args=arguments, prog_name="mica")
