"""The page that counts what was compared with Keras is whole, current and true."""

import json

import pytest

from tools import oracle


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A store and a page of one's own, with every part in them."""
    rows = [
        {"kind": family, "part": name, "cases": 30, "worst": 1e-16}
        for family, names in oracle.PARTS.items()
        for name in names
    ]
    made = {"rows": rows, "keras": "3", "torch": "2", "date": "2026-11-21"}
    monkeypatch.setattr(oracle, "STORE", tmp_path / "oracle.json")
    monkeypatch.setattr(oracle, "PAGE", tmp_path / "oracle.md")

    def write() -> dict:
        oracle.STORE.write_text(json.dumps(made))
        oracle.PAGE.write_text(oracle.render(made))
        return made

    write()
    return made, write


def test_the_page_is_whole_and_current():
    assert oracle.check() == ""


def test_a_whole_page_is_fine(stored):
    assert oracle.check() == ""
    assert "| Layers | Dense | 30 | 1.0e-16 |" in oracle.PAGE.read_text()


def test_a_part_that_was_never_compared_is_told(stored):
    made, write = stored
    made["rows"] = [row for row in made["rows"] if row["part"] != "Dense"]
    write()
    assert oracle.missing() == ["Dense"]
    assert oracle.check() == (
        "oracle.json differs in Dense. Run: python tools/oracle.py --new"
    )


def test_too_few_configurations_are_told(stored):
    made, write = stored
    made["rows"] = [{**row, "cases": 1} for row in made["rows"]]
    write()
    assert oracle.check() == (
        f"expected 3000 configurations, got {len(made['rows'])}. Raise --cases"
    )


def test_a_part_that_is_too_far_from_keras_is_told(stored):
    made, write = stored
    made["rows"][0]["worst"] = 1e-6
    write()
    assert oracle.check().endswith("expected no more than oracle, got 1e-06")


def test_an_old_page_is_told(stored):
    oracle.PAGE.write_text("# Old")
    assert oracle.check() == (
        "oracle.md is out of date. Run: python tools/oracle.py --page"
    )


def test_the_first_configuration_that_differs_is_named(monkeypatch):
    def differs(number: int) -> float:
        assert number < 2
        return 0.0

    monkeypatch.setattr(oracle, "PARTS", {"Layers": {"Dense": differs}})
    with pytest.raises(AssertionError) as error:
        oracle.judge("Layers", "Dense", 5)
    assert error.value.__notes__ == ["Layers: Dense, configuration 2"]
