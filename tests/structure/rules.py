"""What every file of the package keeps: each rule lists the places that do not.

A rule takes a parsed module and the path it stands at, relative to the root, and
yields one complaint per broken place. `test_rules.py` shows that each rule can
complain; `test_package.py` applies all of them to every file.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

__all__ = [
    "RULES",
    "constructor",
    "expected_arguments",
    "own_nodes",
    "public_definitions",
    "sections",
    "spelled",
]

Complaints = Iterator[str]
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef

# Section order of the docstring template.
SECTIONS = (
    "Args",
    "Shape",
    "Returns",
    "Yields",
    "Parameters",
    "State",
    "Cost",
    "Attributes",
    "Raises",
    "Example",
    "Source",
)
# Heavy, optional or one system's libraries: a function may import them when called.
IMPORTED_LATE = {
    "IPython",
    "PIL",
    "cycler",
    "joblib",
    "matplotlib",
    "pandas",
    "polars",
    "pyarrow",
    "resource",
    "rich",
    "scipy",
    "sklearn",
    "tensorboard",
    "tokenizers",
    "typer",
}
# torch's global state: only the engine may touch it. A trailing dot: any of its names.
GLOBAL_STATE = (
    "numpy.random.seed",
    "np.random.seed",
    "random.seed",
    "torch.autocast",
    "torch.amp.autocast",
    "torch.backends.",
    "torch.compile",
    "torch.cuda.empty_cache",
    "torch.cuda.manual_seed",
    "torch.cuda.set_",
    "torch.distributed.",
    "torch.manual_seed",
    "torch.random.",
    "torch.seed",
    "torch.set_",
    "torch.use_deterministic_algorithms",
)
# Switched on and off around a computation, or reading only: not global state.
LOCAL_STATE = ("torch.set_grad_enabled", "torch.random.fork_rng")
UNSAFE_NAMES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {"torch.load", "torch.save", "eval", "exec", "np.load", "numpy.load"}
# Done at import time, these would read, write, ask a device or print.
EFFECTS = {
    "Path.home",
    "input",
    "open",
    "os.environ.get",
    "os.getenv",
    "os.makedirs",
    "print",
    "subprocess.run",
    "torch.cuda.is_available",
    "torch.load",
    "torch.manual_seed",
}
EFFECT_METHODS = {"mkdir", "read_bytes", "read_text", "write_bytes", "write_text"}
# A module says at import time that it can be drawn with or looked up; nothing else.
REGISTRATIONS = {
    "install_memory_adviser",
    "install_planner",
    "install_prediction_planner",
    "install_renderer",
    "register",
    "report.install_renderer",
}
ERRORS = {
    "ArgumentError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DivergenceError",
    "MissingDependencyError",
    "OutOfMemoryError",
    "ShapeError",
    "StateError",
}
SAYING_NOTHING = {
    "base",
    "common",
    "core",
    "helper",
    "helpers",
    "misc",
    "util",
    "utils",
}
MACHINE_PATH = re.compile(
    r"(?:^|[\s\"'=(:])(?:/(?:home|root|tmp|work|Users)/|[A-Z]:\\)"
)


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of names, else ''."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        start = dotted(node.value)
        return f"{start}.{node.attr}" if start else ""
    return ""


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below `node` that does not stand in a function or class of its own."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, Definition | ast.Lambda):
            yield from own_nodes(child)


def import_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below `node` that runs when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "__main__" in ast.unparse(child.test):
            continue
        if isinstance(child, Function):
            for part in (*child.decorator_list, *child.args.defaults):
                yield from ast.walk(part)
        elif not isinstance(child, ast.Lambda):
            yield child
            yield from import_time_nodes(child)


def listed_names(tree: ast.Module) -> list[str] | None:
    """The module's `__all__`, if it has one."""
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(dotted(target) == "__all__" for target in targets):
            return list(ast.literal_eval(statement.value))
    return None


def public_definitions(tree: ast.Module) -> Iterator[Definition]:
    """The functions and classes a module defines and lists in `__all__`.

    Not the overloads of a function, which are for type checkers and say nothing.
    """
    names = listed_names(tree) or []
    for statement in tree.body:
        if not isinstance(statement, Definition) or statement.name not in names:
            continue
        if "overload" not in map(dotted, statement.decorator_list):
            yield statement


def says_what_it_is(tree: ast.Module, path: PurePosixPath) -> Complaints:
    docstring = ast.get_docstring(tree)
    if not docstring:
        yield "expected a docstring that says what the file is"
    elif not re.search(r"[.:?!`]$", docstring.splitlines()[0]):
        yield "expected the docstring's first line to be a whole sentence"


def lists_its_names(tree: ast.Module, path: PurePosixPath) -> Complaints:
    public = [
        statement.name
        for statement in tree.body
        if isinstance(statement, Definition)
        and not statement.name.startswith("_")
        and ".command(" not in " ".join(map(ast.unparse, statement.decorator_list))
    ]
    names = listed_names(tree)
    if path.parts[:2] == ("mica", "recipes"):  # whole programs, to be read
        return
    if names is None and public and path.name != "__main__.py":
        yield f"expected __all__ to list {public}"
    for name in public if names is not None else []:
        if name not in (names or []):
            yield f"{name} is neither in __all__ nor private"


def is_named_for_a_concept(tree: ast.Module, path: PurePosixPath) -> Complaints:
    for part in (*path.parts[:-1], path.stem):
        if SAYING_NOTHING & set(part.split("_")):
            yield f"the name {part!r} says nothing"
        if part != part.lower():
            yield f"expected a lower-case name, got {part!r}"


def imports_at_the_top(tree: ast.Module, path: PurePosixPath) -> Complaints:
    top = {id(node) for node in import_time_nodes(tree)}
    for node in ast.walk(tree):
        if id(node) in top or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names]
        modules = names if isinstance(node, ast.Import) else [node.module or ""]
        for module in modules:
            late = module.split(".")[0] in IMPORTED_LATE
            if not late and module != "torch.utils.tensorboard":
                yield f"line {node.lineno}: {module} is imported inside a function"


def takes_no_private_names(tree: ast.Module, path: PurePosixPath) -> Complaints:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mica"):
            for alias in node.names:
                if alias.name.startswith("_") and not alias.name.startswith("__"):
                    yield f"line {node.lineno}: {alias.name} is private to its file"


def needs_no_trust(tree: ast.Module, path: PurePosixPath) -> Complaints:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names]
            modules += [getattr(node, "module", None) or ""]
            for name in UNSAFE_NAMES.intersection(
                part.split(".")[0] for part in modules
            ):
                yield f"line {node.lineno}: {name} runs what it reads"
        if isinstance(node, ast.Call) and dotted(node.func) in UNSAFE_CALLS:
            allowed = dotted(node.func).endswith("p.load") or "numpy" in dotted(
                node.func
            )
            keywords = {word.arg: word.value for word in node.keywords}
            refused = keywords.get("allow_pickle")
            safe = isinstance(refused, ast.Constant) and refused.value is False
            if not (allowed and safe):
                yield f"line {node.lineno}: {dotted(node.func)} may run what it reads"


def leaves_global_state_alone(tree: ast.Module, path: PurePosixPath) -> Complaints:
    if path.parts[:2] == ("mica", "engine"):
        return
    for node in ast.walk(tree):
        called = [node.func] if isinstance(node, ast.Call) else []
        targets = node.targets if isinstance(node, ast.Assign) else []
        for name in map(dotted, [*called, *targets]):
            if name.startswith(GLOBAL_STATE) and not name.startswith(LOCAL_STATE):
                yield f"line {node.lineno}: {name} belongs to mica/engine"
        for name in map(
            dotted, [getattr(target, "value", target) for target in targets]
        ):
            if name == "os.environ":
                yield f"line {node.lineno}: the environment is the user's"


def does_nothing_when_imported(tree: ast.Module, path: PurePosixPath) -> Complaints:
    if path.name == "__main__.py":
        return
    for node in import_time_nodes(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in EFFECTS or method in EFFECT_METHODS:
                yield f"line {node.lineno}: {name or method} at import time"
    for statement in tree.body:
        value = statement.value if isinstance(statement, ast.Expr) else None
        name = dotted(value.func) if isinstance(value, ast.Call) else "_"
        if not name.startswith("_") and name not in REGISTRATIONS | EFFECTS:
            yield f"line {statement.lineno}: {name} at import time"
        if isinstance(statement, ast.For | ast.While | ast.With):
            kind = type(statement).__name__
            yield f"line {statement.lineno}: a {kind} at import time"


def knows_no_machine(tree: ast.Module, path: PurePosixPath) -> Complaints:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = MACHINE_PATH.search(node.value)
            if found:
                text = found.group().strip()
                yield f"line {node.lineno}: {text} is one machine's path"


def spelled(node: ast.expr | None) -> list[str] | None:
    """The constant pieces of a string expression, in order; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        pieces = [spelled(part) or ["\0"] for part in node.values]
        return [piece for part in pieces for piece in part]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = spelled(node.left), spelled(node.right)
        return None if left is None and right is None else (left or []) + (right or [])
    return None


def raises_whole_sentences(tree: ast.Module, path: PurePosixPath) -> Complaints:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
            continue
        pieces = spelled(node.exc.args[0]) if node.exc.args else None
        name = dotted(node.exc.func).split(".")[-1]
        if name not in ERRORS or pieces is None:
            continue
        text = "".join(pieces)  # "\0" stands for a value
        if not re.match(r"\0|[^:]{1,80}: ", text):
            yield f"line {node.lineno}: expected 'Where: ...', got {text!r}"
        if not text.endswith((".", "?", "\0")):
            yield f"line {node.lineno}: expected a full stop after {text!r}"


def sections(docstring: str) -> list[str]:
    """The section titles of a docstring, in order."""
    return re.findall(r"^(\w+):$", docstring, flags=re.MULTILINE)


def documented_arguments(docstring: str) -> list[str]:
    """The names a docstring's Args section explains, in order."""
    found = re.search(r"^Args:\n((?:[ ]+.*\n?|\n)*)", docstring, flags=re.MULTILINE)
    lines = found.group(1) if found else ""
    names = re.findall(
        r"^    (\*{0,2}\w+(?:, \*{0,2}\w+)*):", lines, flags=re.MULTILINE
    )
    return [part.strip().lstrip("*") for name in names for part in name.split(",")]


def argument_names(function: Function) -> list[str]:
    """The parameters a caller writes."""
    given = function.args
    names = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs]
    written = [name.arg for name in (*names, given.kwarg) if name is not None]
    return [name for name in written if name not in ("self", "cls")]


def constructor(node: Definition) -> Function | None:
    """The function whose parameters a caller writes."""
    if isinstance(node, Function):
        return node
    parts = [part for part in node.body if isinstance(part, Function)]
    return next((part for part in parts if part.name == "__init__"), None)


def expected_arguments(node: Definition) -> list[str]:
    """What Args must explain: parameters, or the fields of a dataclass."""
    function = constructor(node)
    if function is not None:
        return argument_names(function)
    decorators = [ast.unparse(part) for part in node.decorator_list]
    if not any("dataclass" in part for part in decorators):
        return []
    fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
    return [
        dotted(field.target)
        for field in fields
        if "ClassVar" not in ast.unparse(field.annotation)
        and "init=False" not in ast.unparse(field)
        and not dotted(field.target).startswith("_")
    ]


def orders_its_sections(tree: ast.Module, path: PurePosixPath) -> Complaints:
    for node in ast.walk(tree):
        if isinstance(node, Definition):
            titles = sections(ast.get_docstring(node) or "")
            known = [title for title in titles if title in SECTIONS]
            if known != sorted(known, key=SECTIONS.index):
                yield f"{node.name}: expected the order {SECTIONS}, got {known}"


def explains_arguments_that_exist(tree: ast.Module, path: PurePosixPath) -> Complaints:
    for node in ast.walk(tree):
        docstring = ast.get_docstring(node) if isinstance(node, Definition) else None
        if not docstring or "Args" not in sections(docstring):
            continue
        wanted, given = expected_arguments(node), documented_arguments(docstring)
        if wanted != given and wanted:
            yield f"{node.name}: expected Args {wanted}, got {given}"


def uses_numpy_alone(tree: ast.Module, path: PurePosixPath) -> Complaints:
    if path.parts[:2] != ("mica", "reference"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = names if isinstance(node, ast.Import) else [node.module or ""]
            for module in modules:
                own = module.startswith("mica.reference") or module == "numpy"
                if not own and module.split(".")[0] not in sys.stdlib_module_names:
                    yield f"line {node.lineno}: the reference may not use {module}"


def leaves_the_reference_aside(tree: ast.Module, path: PurePosixPath) -> Complaints:
    if path.parts[1] in ("recipes", "reference", "trace"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            origin = getattr(node, "module", None)
            names = [alias.name for alias in node.names]
            if origin:
                names = [f"{origin}.{name}" for name in names]
            if any(name.startswith("mica.reference") for name in names):
                yield f"line {node.lineno}: the reference judges and teaches only"


RULES: dict[str, Callable[[ast.Module, PurePosixPath], Complaints]] = {
    rule.__name__: rule
    for rule in (
        says_what_it_is,
        lists_its_names,
        is_named_for_a_concept,
        imports_at_the_top,
        takes_no_private_names,
        needs_no_trust,
        leaves_global_state_alone,
        does_nothing_when_imported,
        knows_no_machine,
        raises_whole_sentences,
        orders_its_sections,
        explains_arguments_that_exist,
        uses_numpy_alone,
        leaves_the_reference_aside,
    )
}
