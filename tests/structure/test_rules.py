"""Each rule of the package can complain, and lets good code pass."""

import ast
from pathlib import PurePosixPath

import pytest

from tests.structure.rules import RULES

LAYER = "mica/layers/dense.py"

SECTIONS_IN_DISORDER = '''
def f(a):
    """Return a.

    Raises:
        ConfigError: Always.

    Args:
        a: One.
    """
'''
ARGUMENT_LEFT_OUT = '''
def f(a, b):
    """Return a.

    Args:
        a: One.
    """
'''
ARGUMENTS_EXPLAINED = '''
def f(a, *more, b):
    """Return a.

    Args:
        a: One.
        *more: The rest.
        b: Two: with a colon.
    """
'''
FIELD_MISNAMED = '''
@dataclass(frozen=True)
class C:
    """Two fields.

    Args:
        b: One.
    """

    a: int
'''

# (rule, path, source): one broken place each.
BROKEN = [
    ("says_what_it_is", LAYER, "x = 1"),
    ("says_what_it_is", LAYER, '"""only a title"""'),
    ("lists_its_names", LAYER, "def dense(): ..."),
    ("lists_its_names", LAYER, "__all__ = ['f']\ndef f(): ...\ndef g(): ..."),
    ("is_named_for_a_concept", "mica/layers/utils.py", ""),
    ("is_named_for_a_concept", "mica/common/dense.py", ""),
    ("is_named_for_a_concept", "mica/layers/base_layer.py", ""),
    ("is_named_for_a_concept", "mica/layers/Dense.py", ""),
    ("imports_at_the_top", LAYER, "def f():\n    import mica.model"),
    ("imports_at_the_top", LAYER, "def f():\n    from mica.model import Model"),
    ("imports_at_the_top", LAYER, "class C:\n    def f(self):\n        import json"),
    ("takes_no_private_names", LAYER, "from mica.layers.layer import _build"),
    ("needs_no_trust", LAYER, "import pickle"),
    ("needs_no_trust", LAYER, "from pickle import loads"),
    ("needs_no_trust", LAYER, "torch.load('model.pt')"),
    ("needs_no_trust", LAYER, "eval('1')"),
    ("needs_no_trust", LAYER, "np.load('x.npz')"),
    ("needs_no_trust", LAYER, "np.load('x.npz', allow_pickle=True)"),
    ("leaves_global_state_alone", LAYER, "def f():\n    torch.manual_seed(0)"),
    ("leaves_global_state_alone", LAYER, "torch.backends.cudnn.benchmark = True"),
    ("leaves_global_state_alone", LAYER, "torch.set_default_dtype(torch.float64)"),
    ("leaves_global_state_alone", LAYER, "with torch.autocast('cpu'):\n    pass"),
    ("leaves_global_state_alone", LAYER, "model = torch.compile(model)"),
    ("leaves_global_state_alone", LAYER, "os.environ['A'] = '1'"),
    ("does_nothing_when_imported", LAYER, "print('hello')"),
    ("does_nothing_when_imported", LAYER, "TEXT = open('a').read()"),
    ("does_nothing_when_imported", LAYER, "HAS = torch.cuda.is_available()"),
    ("does_nothing_when_imported", LAYER, "CACHE = os.environ.get('CACHE')"),
    ("does_nothing_when_imported", LAYER, "for name in names:\n    pass"),
    ("does_nothing_when_imported", LAYER, "class C:\n    text = path.read_text()"),
    ("knows_no_machine", LAYER, "folder = '/" + "home/me/data'"),
    ("knows_no_machine", LAYER, "folder = 'C:" + "\\\\data'"),
    ("raises_whole_sentences", LAYER, "raise ConfigError('wrong units.')"),
    ("raises_whole_sentences", LAYER, "raise ShapeError(f'Dense: got {x}. Do it')"),
    ("raises_whole_sentences", LAYER, "raise errors.DataError('no colon ' + x + '.')"),
    ("orders_its_sections", LAYER, SECTIONS_IN_DISORDER),
    ("explains_arguments_that_exist", LAYER, ARGUMENT_LEFT_OUT),
    ("explains_arguments_that_exist", LAYER, FIELD_MISNAMED),
    ("uses_numpy_alone", "mica/reference/tensor.py", "import torch"),
    (
        "uses_numpy_alone",
        "mica/reference/tensor.py",
        "from mica.errors import ShapeError",
    ),
    ("leaves_the_reference_aside", LAYER, "from mica.reference import Tensor"),
    ("leaves_the_reference_aside", LAYER, "from mica import reference"),
]

# The nearest good relatives of the above.
GOOD = [
    ("says_what_it_is", LAYER, '"""Dense: a learned affine map."""'),
    ("lists_its_names", LAYER, "__all__ = ['f']\ndef f(): ...\ndef _g(): ..."),
    (
        "lists_its_names",
        "mica/cli/app.py",
        "__all__ = []\n@app.command()\ndef f(): ...",
    ),
    ("is_named_for_a_concept", "mica/layers/normalization.py", ""),
    ("imports_at_the_top", LAYER, "def f():\n    import matplotlib.pyplot"),
    ("imports_at_the_top", LAYER, "if TYPE_CHECKING:\n    import mica.model"),
    ("takes_no_private_names", LAYER, "from mica import __version__"),
    ("needs_no_trust", LAYER, "np.load('x.npz', allow_pickle=False)"),
    ("leaves_global_state_alone", LAYER, "dtype = torch.get_default_dtype()"),
    ("leaves_global_state_alone", "mica/engine/seeds.py", "torch.manual_seed(0)"),
    ("does_nothing_when_imported", LAYER, "def f():\n    print(open('a').read())"),
    ("does_nothing_when_imported", "mica/view/__init__.py", "install_renderer(draw)"),
    ("does_nothing_when_imported", LAYER, "if __name__ == '__main__':\n    print(1)"),
    ("knows_no_machine", LAYER, "text = 'samples/s and a/b'"),
    ("raises_whole_sentences", LAYER, "raise ConfigError(f'{a}.b: got {c}. Do it.')"),
    ("raises_whole_sentences", LAYER, "raise ConfigError(f'a: got {c}. {advice}')"),
    ("raises_whole_sentences", LAYER, "raise ConfigError(message)"),
    ("explains_arguments_that_exist", LAYER, ARGUMENTS_EXPLAINED),
    ("explains_arguments_that_exist", LAYER, ARGUMENT_LEFT_OUT.replace(", b)", ")")),
    ("uses_numpy_alone", "mica/reference/tensor.py", "import math\nimport numpy as np"),
    ("leaves_the_reference_aside", "mica/trace/walk.py", "import mica.reference"),
]


def complaints(rule: str, path: str, source: str) -> list[str]:
    return list(RULES[rule](ast.parse(source), PurePosixPath(path)))


@pytest.mark.parametrize(("rule", "path", "source"), BROKEN)
def test_a_broken_place_is_found(rule, path, source):
    assert len(complaints(rule, path, source)) == 1


@pytest.mark.parametrize(("rule", "path", "source"), GOOD)
def test_a_good_place_passes(rule, path, source):
    assert complaints(rule, path, source) == []


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_seen_to_complain(rule):
    assert rule in {row[0] for row in BROKEN}
