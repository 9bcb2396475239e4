"""The command line: words in, parts printed, files written, an exit code out."""

import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mica
from mica import recipes
from mica.cli import app as app_module
from mica.cli.app import app
from mica.cli.information import information
from mica.engine import Ceilings
from mica.recipes import Recipe
from tests.russian import write_reviews
from tests.tables import write_houses, write_visits

CATALOGUE = sys.modules["mica.recipes.catalogue"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def call(*words):
    return CliRunner().invoke(app, list(words), prog_name="mica")


def test_a_sample_is_trained_and_everything_is_said():
    result = call("train", "iris", "--epochs", "2")
    assert result.exit_code == 0
    said = result.stdout
    for words in (
        "Data: iris",
        "120 rows to learn from, 30 set aside for the test.",
        "logistic regression",
        "dense_2 (Dense)",
        "cpu (1 core) · float32 · channels-last · fused AdamW · data in memory",
        "epoch 2/2",
        "this network",
        "runs/iris/model.mica",
    ):
        assert words in said
    assert said.splitlines()[-4:] == [
        " Go on with",
        "     mica predict runs/iris/model.mica iris",
        "     mica train iris --epochs 2 --seed 1",
        "     mica open runs/iris",
    ]


@pytest.mark.parametrize("number", range(3))
def test_each_command_to_go_on_with_works(number, monkeypatch):
    monkeypatch.setattr(app_module.webbrowser, "open", lambda address: True)
    write_visits(Path("my visits.csv"))
    said = call("train", "my visits.csv", "--target", "kauft", "--epochs", "1").stdout
    line = said.splitlines()[-3:][number].strip()
    words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", line)]
    assert words[0] == "mica"
    assert call(*words[1:]).exit_code == 0


def test_a_file_is_trained_with_its_target_and_options():
    write_houses(Path("houses.csv"))
    words = ("--target", "price", "--epochs", "1", "--seed", "3", "--name", "mine")
    result = call("train", "houses.csv", *words, "--runs", "elsewhere")
    assert result.exit_code == 0
    assert Path("elsewhere/mine/model.mica").exists()
    assert "mica train houses.csv --target price --epochs 1 --seed 4" in result.stdout


def test_columns_can_be_taken_for_what_they_do_not_look_like():
    write_houses(Path("houses.csv"))
    options = "--target district --task classification --number house_id --category"
    options += " area --leave-out sold --leave-out country --epochs 1"
    said = call("train", "houses.csv", *options.split()).stdout
    assert "Column 'sold' is left out: you said so." in said
    assert f"     mica train houses.csv {options} --seed 1" in said.splitlines()


def test_predictions_are_shown_twenty_at_a_time():
    call("train", "iris", "--epochs", "1")
    result = call("predict", "runs/iris", "iris")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert sum(bool(re.match(r" *\d+  (set|ver|vir)", line)) for line in lines) == 20
    assert "10 more rows: --output FILE.csv writes them all." in lines
    assert lines[-1].startswith("Right in ")


def test_few_predictions_are_shown_at_once():
    write_visits(Path("visits.csv"), rows=20)
    call("train", "visits.csv", "--target", "kauft", "--epochs", "1")
    said = call("predict", "runs/visits", "visits.csv").stdout
    assert "more rows" not in said
    assert sum(bool(re.match(r" *\d+  (ja|nein)", line)) for line in said.splitlines())


def test_predictions_are_written_to_a_file():
    call("train", "iris", "--epochs", "1")
    result = call("predict", "runs/iris", "iris", "--output", "answers.csv")
    assert result.stdout.startswith("Predictions for 30 rows written to answers.csv.\n")
    assert "Right in" in result.stdout
    lines = Path("answers.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 31
    assert lines[0] == "row,prediction,probability,truth"


def test_predictions_are_written_to_the_standard_output():
    call("train", "iris", "--epochs", "1")
    result = call("predict", "runs/iris", "iris", "--output", "-")
    assert len(result.stdout.splitlines()) == 31
    assert result.stdout.startswith("row,prediction,probability,truth\n0,")


WRONG = {
    "an unknown sample": (
        ("train", "digts"),
        "train: expected the name of a sample or the path of a CSV file, got 'digts'. "
        "Did you mean 'digits' or 'diabetes'?",
    ),
    "no epochs": (
        ("train", "iris", "--epochs", "0"),
        "train: expected at least 1 epoch, got 0. Leave it out to let the validation "
        "decide.",
    ),
    "no seeds": (
        ("run", "mnist-dense", "--seeds", "0"),
        "run: expected seeds to be at least 1, got 0. Leave it out for the recipe's "
        "own.",
    ),
    "no model": (
        ("predict", "runs/iris/model.mica", "iris"),
        "load: expected a model file, got no file at 'runs/iris/model.mica'. Check the "
        "path.",
    ),
    "no report": (
        ("open", "runs/iris"),
        "open: expected the folder of a run, with a report.html in it, got "
        "'runs/iris'. Look into runs for its name.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_one_sentence_and_exit_code_two(case):
    words, sentence = WRONG[case]
    result = call(*words)
    assert result.exit_code == 2
    assert result.stderr == sentence + "\n"
    assert result.stdout == ""


def test_a_word_that_is_missing_is_explained():
    result = call("train")
    assert result.exit_code == 2
    assert "Missing argument" in result.stderr


@pytest.mark.parametrize(
    ("said", "expected"),
    [("fit: stopped.", "\nfit: stopped.\n"), ("", "\nStopped by hand.\n")],
)
def test_ctrl_c_says_what_was_kept_and_exits_with_130(said, expected, monkeypatch):
    def interrupt(*given, **named):
        raise KeyboardInterrupt(*([said] if said else []))

    monkeypatch.setattr(app_module.workflow, "train", interrupt)
    result = call("train", "iris")
    assert result.exit_code == 130
    assert result.stderr == expected


def tiny(seed, *, rows=None, epochs=None):
    return {"accuracy": 0.5 + seed / 100, "rows": float(rows or 1000)}


@pytest.fixture
def tiny_recipe(monkeypatch):
    recipe = Recipe("tiny", "A tiny one", "A book", tiny, {"accuracy": 0.9})
    monkeypatch.setitem(CATALOGUE.RECIPES, "tiny", recipe)


def test_recipes_are_listed():
    result = call("run")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in recipes.names())
    assert "mica run NAME runs one; mica run NAME --code prints it." in result.stdout


def test_a_recipe_is_run_with_several_seeds(tiny_recipe):
    said = call("run", "tiny", "--seeds", "3").stdout
    assert said.splitlines()[:3] == [f"A tiny one: seed {seed}" for seed in range(3)]
    rows = [line.split() for line in said.splitlines()]
    assert ["2", "0.52", "1000"] in rows
    assert ["accuracy", "0.51", "0.01", "0.9", "-"] in rows
    assert "A book" in said


def test_a_misspelt_recipe_gets_a_suggestion(tiny_recipe):
    result = call("run", "tinny")
    assert result.exit_code == 2
    assert result.stderr == (
        "run: expected the name of a recipe, got 'tinny'. Did you mean 'tiny'?\n"
    )


def test_a_recipe_is_tried_on_few_rows(tiny_recipe):
    assert "1000" not in call("run", "tiny", "--rows", "7").stdout


def test_the_code_of_a_recipe_is_printed():
    result = call("run", "mnist-dense", "--code")
    path = Path(mica.__file__).parent / "recipes" / "mnist_dense.py"
    assert result.stdout == path.read_text(encoding="utf-8")


def test_versions_and_hardware_are_said():
    result = call("info", "--no-ceilings")
    assert result.exit_code == 0
    for words in ("Versions", "torch", "Hardware", "cores", "Mica computes on"):
        assert words in result.stdout
    assert "Ceilings" not in result.stdout


def test_the_ceilings_are_measured_when_asked_for(monkeypatch):
    found = Ceilings("cpu", 5e10, None, 1.5e10)
    monkeypatch.setattr(
        sys.modules["mica.cli.information"], "measure_ceilings", lambda: found
    )
    text = str(information().parts[-1])
    assert "Ceilings of cpu, measured" in text
    assert "50 GFLOP/s" in text
    assert "not available" in text
    assert "15.0 GB/s" in text


def test_the_version_is_said():
    assert call("--version").stdout == f"mica {mica.__version__}\n"


@pytest.mark.parametrize(
    "words", [["--help"], *([name, "--help"] for name in ("train", "predict", "run"))]
)
def test_help_teaches_with_examples(words):
    result = call(*words)
    assert result.exit_code == 0
    assert "mica train digits" in result.stdout or "Examples:" in result.stdout


@pytest.mark.parametrize(
    ("opens", "expected"),
    [
        (True, "runs/iris/report.html is open in the browser."),
        (False, "There is no browser here. The page is "),
    ],
)
def test_a_report_is_opened_where_there_is_a_browser(opens, expected, monkeypatch):
    addresses = []

    def browse(address):
        addresses.append(address)
        return opens

    monkeypatch.setattr(app_module.webbrowser, "open", browse)
    Path("runs/iris").mkdir(parents=True)
    page = Path("runs/iris/report.html")
    page.write_text("<html>", encoding="utf-8")
    assert call("open", "runs/iris").stdout.startswith(expected)
    assert addresses == [page.resolve().as_uri()]


@pytest.mark.parametrize(
    ("called", "expected"),
    [("/usr/lib/pytest", "mica"), ("bin/mica", "bin/mica"), ("./bin/mica", "bin/mica")],
)
def test_commands_are_shown_as_the_user_called_mica(called, expected, monkeypatch):
    monkeypatch.setattr(sys, "argv", [called])
    monkeypatch.setattr(app_module.shutil, "which", lambda name: None)
    assert app_module._program() == expected


def test_a_mica_on_the_path_is_called_by_its_name(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/opt/bin/mica"])
    monkeypatch.setattr(app_module.shutil, "which", lambda name: "/opt/bin/mica")
    assert app_module._program() == "mica"


def test_texts_are_trained_and_asked_from_the_command_line():
    write_reviews(Path("отзывы.csv"))
    said = call(
        "train", "отзывы.csv", "--text", "отзыв", "--target", "оценка", "--epochs", "1"
    )
    assert said.exit_code == 0
    assert said.stdout.splitlines()[-2].strip() == (
        "mica train 'отзывы.csv' --target 'оценка' --text 'отзыв' --epochs 1 --seed 1"
    )
    answer = call("predict", "runs/отзывы", "отзывы.csv")
    assert "Right in" in answer.stdout


def test_a_forecast_is_trained_and_asked_from_the_command_line():
    lines = [f"2020-01-01 {hour:02d}:00,{hour % 5}" for hour in range(24)]
    days = [
        line.replace("-01-01", f"-01-{day:02d}")
        for day in range(1, 21)
        for line in lines
    ]
    Path("load.csv").write_text("\n".join(["Time,Load (kW)", *days]), encoding="utf-8")
    words = ["--time", "Time", "--forecast", "Load (kW)", "--horizon", "3h"]
    said = call("train", "load.csv", *words, "--epochs", "1")
    assert said.exit_code == 0
    assert said.stdout.splitlines()[-2].strip() == (
        "mica train load.csv --time Time --forecast 'Load (kW)' --horizon 3h --epochs "
        "1 --seed 1"
    )
    answer = call("predict", "runs/load", "load.csv").stdout
    assert "2020-01-21 00:00" in answer
    assert "usual error" in answer


def test_a_bare_number_is_a_number_of_rows():
    days = [
        f"2020-{month:02d}-{day:02d},{day}"
        for month in range(1, 13)
        for day in range(1, 29)
    ]
    Path("rain.csv").write_text(
        "\n".join(["day,rain", *reversed(days)]), encoding="utf-8"
    )
    words = ["--forecast", "rain", "--horizon", "2", "--history", "6", "--sort"]
    said = call("train", "rain.csv", *words, "--epochs", "1")
    assert said.exit_code == 0
    assert said.stdout.splitlines()[-2].strip() == (
        "mica train rain.csv --forecast rain --horizon 2 --history 6 --sort --epochs 1 "
        "--seed 1"
    )


def test_a_text_is_learned_and_continued_on_the_command_line():
    Path("hamlet.txt").write_text("To be, or not to be. " * 150, encoding="utf-8")
    said = call("train", "hamlet.txt", "--generate", "--epochs", "1")
    assert said.exit_code == 0
    assert said.stdout.splitlines()[-3].strip() == (
        "mica generate runs/hamlet/model.mica --prompt 'Once upon a time'"
    )
    written = call("generate", "runs/hamlet", "--prompt", "To be", "--length", "20")
    assert written.exit_code == 0
    assert written.stdout.startswith("To be")
    assert len(written.stdout) == len("To be") + 20 + len("\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--temperature", "-1"],
            "Sampling: expected a temperature from 0 up, got -1.0. 1 leaves the "
            "chances as they are.",
        ),
        (
            ["--length", "0"],
            "generate: expected a length of at least 1 token, got 0. It is the number "
            "of tokens to write at most.",
        ),
    ],
)
def test_a_text_that_cannot_be_continued_is_refused(words, sentence):
    Path("hamlet.txt").write_text("To be, or not to be. " * 150, encoding="utf-8")
    call("train", "hamlet.txt", "--generate", "--epochs", "1")
    result = call("generate", "runs/hamlet", "--prompt", "To be", *words)
    assert result.exit_code == 2
    assert result.stderr == f"{sentence}\n"
