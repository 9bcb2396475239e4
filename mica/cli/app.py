"""The command `mica` and its subcommands."""

import os
import shutil
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer

import mica
from mica import recipes, trace, workflow
from mica.cli.explaining import explanation
from mica.cli.information import information
from mica.data import samples
from mica.data.table.kinds import ColumnKind
from mica.data.table.target import Task
from mica.errors import DataError, MicaError
from mica.report import Part, Table

__all__ = ["app", "main"]

INTERRUPTED = 130  # the shell's exit code after Ctrl-C
WRONG_INPUT = 2  # the shell's exit code for a command that cannot be carried out
SHOWN_ROWS = 20  # predictions that the terminal shows; a file gets them all

app = typer.Typer(
    name="mica",
    help=(
        "Deep learning of thin, transparent layers.\n\n"
        "Start with [bold]mica train digits[/bold]: a network learns handwritten "
        "digits, is judged beside simple baselines, saved, and reported on one page. "
        "Then give it a CSV file of your own and the column to predict: "
        "[bold]mica train FILE.csv --target COLUMN[/bold]; texts, measurements over "
        "time and plain text to write like are learned, too."
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
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
        _fail(f"\n{str(interrupt) or 'Stopped by hand.'}", INTERRUPTED)


def _show(part: Part) -> None:
    print()
    part.show()


def _program() -> str:
    """How the user called Mica, so that a command we print can be pasted."""
    called = Path(sys.argv[0])
    if called.stem != "mica":
        return "mica"
    found = shutil.which("mica")
    if found is not None and Path(found).resolve() == called.resolve():
        return "mica"
    return min(os.path.relpath(called), str(called), key=len)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"mica {mica.__version__}")
        raise typer.Exit


@app.callback()
def _say(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say the version.", callback=_say_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


def _kinds(
    number: list[str] | None, category: list[str] | None, leave_out: list[str] | None
) -> dict[str, ColumnKind]:
    """What the user says of columns; leaving out counts most."""
    said: dict[str, ColumnKind] = dict.fromkeys(number or (), "number")
    said.update(dict.fromkeys(category or (), "category"))
    said.update(dict.fromkeys(leave_out or (), "left out"))
    return said


def _options(**given: object) -> list[str]:
    """The options that were given, word by word, to give them again."""
    words: list[str] = []
    for name, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            if each is True:
                words.append(f"--{name}")
            elif each not in (None, False):
                words += [f"--{name.replace('_', '-')}", str(each)]
    return words


def _length(words: str | None) -> int | str | None:
    """A length of time as it was written; a bare number counts rows."""
    return int(words) if words is not None and words.strip().isdigit() else words


@app.command()
def train(
    source: Annotated[
        str,
        typer.Argument(
            help=f"A sample ({', '.join(samples.names())}), a CSV file of yours, a "
            "folder with a folder of .txt files for each class, or a plain text.",
            show_default=False,
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(help="The column to predict; a CSV file needs it."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="classification or regression; else Mica decides, and says so."
        ),
    ] = None,
    number: Annotated[
        list[str] | None,
        typer.Option(help="Take this column for a number.", metavar="COLUMN"),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="Take this column for a category.", metavar="COLUMN"),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(help="Do not learn from this column.", metavar="COLUMN"),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            help="The column of texts to sort into the classes of --target.",
            metavar="COLUMN",
        ),
    ] = None,
    forecast: Annotated[
        str | None,
        typer.Option(help="The column to forecast.", metavar="COLUMN"),
    ] = None,
    horizon: Annotated[
        str | None,
        typer.Option(
            help="How far ahead to forecast: 24h, 7 days, or a number of rows.",
            metavar="TIME",
        ),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(
            help="How far back a forecast looks; else Mica decides.", metavar="TIME"
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(help="The column of times; else Mica finds it.", metavar="COLUMN"),
    ] = None,
    sort: Annotated[
        bool,
        typer.Option("--sort", help="Put the rows of a series in the order of time."),
    ] = False,
    generate: Annotated[
        bool, typer.Option("--generate", help="Learn to write like a plain text.")
    ] = False,
    encoding: Annotated[
        str | None,
        typer.Option(
            help="How the bytes of texts become letters, such as cp1251; else Mica "
            "finds out.",
            metavar="NAME",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Passes over the data; else Mica decides.", metavar="N"),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="Decides which rows of a file are set aside, first weights and order.",
            metavar="N",
        ),
    ] = 0,
    runs: Annotated[
        Path, typer.Option(help="Folder in which the run gets a folder of its own.")
    ] = Path("runs"),
    name: Annotated[
        str | None, typer.Option(help="The run's folder; else the source's name.")
    ] = None,
) -> None:
    """Train a network on a source, judge it, save it and report.

    Prints what is in the data, what simple baselines reach, the network,
    how a step is executed, progress, the result on rows that were set aside,
    the worst mistakes, and where everything was written.

    \b
    Examples:
      mica train digits
      mica train patients.csv --target diagnosis
      mica train patients.csv --target stage --leave-out doctor
      mica train reviews.csv --text review --target label
      mica train notes/
      mica train weather.csv --time "Date Time" --forecast "T (degC)" --horizon 24h
      mica train corpus.txt --generate
    """  # noqa: D301 - click wants the character, not the two signs
    with _spoken_errors():
        outcome = workflow.train(
            source,
            target,
            task=cast(Task | None, task),  # checked where it is read
            kinds=_kinds(number, category, leave_out),
            text=text,
            time=time,
            forecast=forecast,
            horizon=_length(horizon),
            history=_length(history),
            sort=sort,
            generate=generate,
            encoding=encoding,
            epochs=epochs,
            seed=seed,
            runs=runs,
            name=name,
            show=_show,
        )
        options = _options(
            target=target,
            task=task,
            number=number,
            category=category,
            leave_out=leave_out,
            text=text,
            time=time,
            forecast=forecast,
            horizon=horizon,
            history=history,
            sort=sort,
            generate=generate,
            encoding=encoding,
            epochs=epochs,
        )
        lines = workflow.next_commands(
            outcome.folder,
            source,
            options,
            seed=seed,
            program=_program(),
            verb=outcome.verb,
        )
        # NOTE: printed, not shown: a line that is broken cannot be pasted.
        print("\n Go on with")
        for line in lines:
            print(f"     {line}")


def _first_rows(table: Table) -> Table:
    left = len(table.rows) - SHOWN_ROWS
    if left <= 0 or table.columns[0] == "time":  # a forecast is read as a whole
        return table
    more = f"{left:,} more rows: --output FILE.csv writes them all."
    note = f"{more}\n{table.note}" if table.note else more
    return Table(table.title, table.columns, table.rows[:SHOWN_ROWS], note)


@app.command()
def predict(
    model: Annotated[
        Path,
        typer.Argument(
            help="A .mica file, or the folder of a run.", show_default=False
        ),
    ],
    source: Annotated[
        str,
        typer.Argument(
            help="A CSV file with the columns of the training, with or without the "
            "target; a sample (its test part is taken); pictures in a .npy file; a "
            "folder or a .txt file of texts; for a forecast, a file up to now.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="A CSV file to write; - writes it to the standard output."),
    ] = None,
) -> None:
    """Ask a saved model about raw rows: the same columns as in training.

    \b
    Examples:
      mica predict runs/digits/model.mica digits
      mica predict runs/patients new.csv --output answers.csv
      mica predict runs/weather weather.csv
    """  # noqa: D301 - click wants the character, not the two signs
    with _spoken_errors():
        table = workflow.predict(model, source)
        if output is None:
            _show(_first_rows(table))
        elif str(output) == "-":
            print(workflow.csv_text(table), end="")
        else:
            workflow.write_csv(table, output)
            rows = "1 row" if len(table.rows) == 1 else f"{len(table.rows):,} rows"
            print(f"Predictions for {rows} written to {output}.")
            if table.note:
                print(table.note)


@app.command()
def generate(
    model: Annotated[
        Path,
        typer.Argument(
            help="A .mica file, or the folder of a run.", show_default=False
        ),
    ],
    prompt: Annotated[
        str, typer.Option(help="The beginning of the text.", metavar="TEXT")
    ],
    length: Annotated[
        int, typer.Option(help="Characters to write.", metavar="N")
    ] = 500,
    temperature: Annotated[
        float, typer.Option(help="The warmer, the bolder; 0 is always the likeliest.")
    ] = 0.8,
    top_k: Annotated[
        int | None,
        typer.Option(help="Draw among so many of the likeliest.", metavar="N"),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(help="Draw among the likeliest that together have this chance."),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same text.", metavar="N")
    ] = 0,
) -> None:
    """Let a model that learned to write continue a text, as it comes.

    \b
    Examples:
      mica generate runs/corpus --prompt "Once upon a time"
      mica generate runs/corpus --prompt "ROMEO:" --temperature 0.5 --seed 7
    """  # noqa: D301 - click wants the character, not the two signs
    with _spoken_errors():
        pieces = workflow.generate(
            model,
            prompt,
            length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
        )
        print(prompt, end="", flush=True)
        for piece in pieces:
            print(piece, end="", flush=True)
        print()


@app.command()
def run(
    recipe: Annotated[
        str | None, typer.Argument(help="Its name; none lists them all.")
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Run it this often, with seeds 0, 1, ...", metavar="N")
    ] = 1,
    rows: Annotated[
        int | None,
        typer.Option(help="Use only so many rows, for a quick try.", metavar="N"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Another number of epochs.", metavar="N")
    ] = None,
    code: Annotated[
        bool, typer.Option("--code", help="Print the program instead of running it.")
    ] = False,
) -> None:
    """Run a recipe: a whole program to run, read and copy.

    \b
    Examples:
      mica run
      mica run mnist-dense --seeds 5
      mica run mnist-dense --code
    """  # noqa: D301 - click wants the character, not the two signs
    with _spoken_errors():
        if recipe is None:
            _show(recipes.catalogue())
        elif code:
            print(recipes.find(recipe).code, end="")
        else:
            report = recipes.run(
                recipe, seeds=seeds, rows=rows, epochs=epochs, announce=print
            )
            _show(report)


@app.command()
def verify(
    model: Annotated[Path, typer.Argument(help="A .mica file.", show_default=False)],
    seed: Annotated[int, typer.Option(help="Decides the random input.")] = 0,
) -> None:
    """Compare a saved model's values and gradients with a second engine, in NumPy.

    Prints the worst difference of each layer; the exit code is 1 where one is too
    large.

    Example:
        mica verify runs/digits/model.mica
    """
    with _spoken_errors():
        report = trace.verify_model(model, seed=seed)
        _show(report)
    if not trace.is_verified(report):
        raise typer.Exit(1)


@app.command()
def explain(
    model: Annotated[
        Path,
        typer.Argument(
            help="A .mica file, or the folder of a run.", show_default=False
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            help="What `mica train` learned from, or more of its kind: a file, a "
            "folder, a sample's name; else random numbers.",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Rows in a step; else 32.", metavar="N")
    ] = None,
    seconds: Annotated[
        float, typer.Option(help="How long to measure, about.", metavar="S")
    ] = 2.0,
) -> None:
    """Say where the time and the memory of a step go, and what would save some.

    The step is done on a copy: the file stays as it is.

    \b
    Examples:
      mica explain runs/digits
      mica explain runs/houses/model.mica houses.csv --batch-size 256
    """  # noqa: D301 - click wants the character, not the two signs
    with _spoken_errors():
        _show(explanation(model, data, batch_size=batch_size, seconds=seconds))


@app.command()
def info(
    ceilings: Annotated[
        bool, typer.Option(help="Measure what this machine can reach (some seconds).")
    ] = True,
) -> None:
    """Say versions, device, and the speed this machine can reach."""
    with _spoken_errors():
        _show(information(ceilings=ceilings))


@app.command(name="open")
def open_report(
    folder: Annotated[
        Path, typer.Argument(help="The folder of a run.", show_default=False)
    ],
) -> None:
    """Open the report of a run in a browser.

    \b
    Example:
      mica open runs/digits
    """  # noqa: D301 - click wants the character, not the two signs
    with _spoken_errors():
        page = folder / "report.html" if folder.is_dir() else folder
        if not page.is_file():
            raise DataError(
                f"open: expected the folder of a run, with a report.html in it, got "
                f"{str(folder)!r}. Look into runs for its name."
            )
        if webbrowser.open(page.resolve().as_uri()):
            print(f"{page} is open in the browser.")
        else:
            print(f"There is no browser here. The page is {page.resolve()}.")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: The words after `mica`; None takes the process's own.
    """
    app(args=arguments, prog_name="mica")
