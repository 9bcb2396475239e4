"""The files around the package: settings, make, continuous integration, licence."""

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
EXTRAS = PROJECT["optional-dependencies"]
TEXT = {"", ".cff", ".md", ".py", ".toml", ".txt", ".yml", ".json", ".csv"}
# A path of one machine; the classes keep this line from finding itself.
MACHINE = re.compile(r"(?<![\w.])/(?:[h]ome|[r]oot|[t]mp|[w]ork|[U]sers)/")
REGISTRY = re.compile(r"(?:[p]ypi\.org|[f]iles\.pythonhosted|[d]ownload\.pytorch)")


def tracked() -> list[str]:
    """The repository's files, or everything but caches where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    names = done.stdout.split("\n") if done.returncode == 0 else []
    return [
        name for name in names if Path(name).suffix in TEXT and (ROOT / name).is_file()
    ]


def requirement_name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return dict(pins)


# What a file says when it uses a library whose name it does not say.
USED_AS = {
    "expecttest": ["common_methods_invocations"],
    "ipykernel": ["nbclient"],
    "pytest-xdist": ["pytest -n"],
}

REQUIREMENTS = sorted(
    {
        requirement_name(requirement)
        for group in (PROJECT["dependencies"], *EXTRAS.values())
        for requirement in group
    }
    - {PROJECT["name"]}
)


@pytest.mark.parametrize("library", REQUIREMENTS)
def test_every_direct_dependency_is_pinned(library):
    assert library in constraints()


@pytest.mark.parametrize("library", constraints())
def test_every_pin_is_of_a_direct_dependency(library):
    assert library in [*REQUIREMENTS, "pip", "setuptools"]


DEVELOPMENT = [
    library
    for library in map(requirement_name, EXTRAS["dev"])
    if library != PROJECT["name"]  # the extras that dev repeats
]


@pytest.mark.parametrize("library", DEVELOPMENT)
def test_a_development_library_is_used(library):
    folders = [ROOT / "tests", ROOT / "tools"]
    files = [path for folder in folders for path in folder.glob("**/*.py")]
    files = [ROOT / "Makefile", *(path for path in files if path != Path(__file__))]
    texts = [path.read_text(encoding="utf-8") for path in files]
    names = {library, library.replace("-", ""), *USED_AS.get(library, [])}
    assert any(used in text for used in names for text in texts)


def test_the_version_stands_in_one_place():
    source = (ROOT / "mica" / "__init__.py").read_text(encoding="utf-8")
    assignments = [
        node for node in ast.parse(source).body if isinstance(node, ast.Assign)
    ]
    named = {ast.unparse(node.targets[0]): node.value for node in assignments}
    version = ast.literal_eval(named["__version__"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert "version" not in PROJECT


def test_the_changelog_knows_the_version():
    import mica

    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{mica.__version__}]" in changelog


def test_the_command_line_starts_at_main():
    assert PROJECT["scripts"] == {"mica": "mica.cli:main"}


def test_continuous_integration_can_be_run():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize(
    "file",
    [
        ".gitignore",
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "LICENSE",
        "README.md",
        "SECURITY.md",
        "mica/py.typed",
    ],
)
def test_the_repository_has(file):
    assert (ROOT / file).is_file()


def test_no_file_names_a_path_of_one_machine():
    files = tracked()
    texts = {file: (ROOT / file).read_text(encoding="utf-8") for file in files}
    found = {file: MACHINE.findall(text) for file, text in texts.items()}
    assert {file: paths for file, paths in found.items() if paths} == {}
    assert "README.md" in files


@pytest.mark.parametrize(
    "file", ["pyproject.toml", "constraints.txt", "Makefile", ".ci/run", "README.md"]
)
def test_no_setting_names_a_package_registry(file):
    assert REGISTRY.findall((ROOT / file).read_text(encoding="utf-8")) == []


def test_a_path_and_a_registry_would_be_seen():
    assert MACHINE.findall("open('/" + "tmp/x')")
    assert REGISTRY.findall("https://" + "pypi.org/simple")


@pytest.mark.parametrize("target", ["demo", "test", "check"])
def test_make_knows_the_target(target):
    command = ["make", "--dry-run", "--always-make", target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "tools/environment.py" in done.stdout
