"""Arrays, frames and lists as tensors: their types, and what is refused in words."""

import re

import numpy as np
import pandas
import polars
import pytest
import scipy.sparse
import torch

from mica.data.tensors import as_sample_weight, as_tensors, check_lengths, named_leaves
from mica.errors import DataError

REFUSED = {
    "text": (
        np.array(["cat", "dog"]),
        "x: expected numbers, got the text 'cat' at row 0. Number labels with "
        "numpy.unique(labels, return_inverse=True); a table of numbers and words is "
        "read by mica.data.TableEncoder.",
    ),
    "new text": (
        np.array(["cat"], dtype=np.dtypes.StringDType()),
        "x: expected numbers, got the text 'cat' at row 0. Number labels with "
        "numpy.unique(labels, return_inverse=True); a table of numbers and words is "
        "read by mica.data.TableEncoder.",
    ),
    "text in a list": (
        [[1, 2], [3, "x"]],
        "x: expected numbers, got the text 'x' at row 1, column 1. Number labels with "
        "numpy.unique(labels, return_inverse=True); a table of numbers and words is "
        "read by mica.data.TableEncoder.",
    ),
    "text among objects": (
        np.array([[1, 2], [3, "x"]], dtype=object),
        "x: expected numbers, got the text 'x' at row 1, column 1. Number labels with "
        "numpy.unique(labels, return_inverse=True); a table of numbers and words is "
        "read by mica.data.TableEncoder.",
    ),
    "None among objects": (
        [1.0, None],
        "x: expected numbers, got None at row 1. Fill the gap or leave the row out.",
    ),
    "an object": (
        np.array([1, {}], dtype=object),
        "x: expected numbers, got an object of type dict at row 1. Turn it into a "
        "number or leave it out.",
    ),
    "an array of no axes among objects": (
        [[False, False, np.array(True, dtype=object)]],
        "x: expected numbers, got an object of type ndarray at row 0, column 2. Turn "
        "it into a number or leave it out.",
    ),
    "objects that are numbers": (
        np.array([[1, 2.5]], dtype=object),
        "x: expected an array of numbers, got an array of Python objects (dtype "
        "object). All of them are numbers: convert it with .astype('float32').",
    ),
    "lists of several lengths as objects": (
        np.array([[1, 2], [3]], dtype=object),
        "x: expected numbers, got a list of length 2 at row 0. Give every row the same "
        "length, then stack the rows into one array.",
    ),
    "lists of several lengths": (
        [[1, 2], [3, 4], [5]],
        "x: expected rows of one length, got 2 in row 0 and 1 in row 2. Pad or cut the "
        "rows to one length.",
    ),
    "inner lists of several lengths": (
        [[[1, 2], [3]], [[4, 5], [6]]],
        "x: expected rows of one length, got lists of several lengths inside them. Pad "
        "or cut the rows to one length.",
    ),
    "texts of two kinds": (
        ["", b"\x80"],
        "x: expected numbers, got the text '' at row 0. Number labels with "
        "numpy.unique(labels, return_inverse=True); a table of numbers and words is "
        "read by mica.data.TableEncoder.",
    ),
    "dates": (
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        "x: expected real numbers, got dates (datetime64[D]). Turn them into numbers, "
        "such as days since a start.",
    ),
    "durations": (
        np.array([1], dtype="timedelta64[s]"),
        "x: expected real numbers, got durations (timedelta64[s]). Turn them into "
        "numbers, such as seconds.",
    ),
    "complex numbers": (
        np.array([1j]),
        "x: expected real numbers, got complex numbers (complex128). Give real and "
        "imaginary part as two columns.",
    ),
    "records": (
        np.zeros(1, dtype=[("a", "f4")]),
        "x: expected real numbers, got records of named fields ([('a', '<f4')]). Give "
        "a dict of arrays, one per field.",
    ),
    "masked values": (
        np.ma.array([1.0, 2.0], mask=[False, True]),
        "x: expected a value in every place, got a masked one at row 1. Fill it with "
        ".filled(value) or leave the row out.",
    ),
    "whole numbers too large": (
        np.array([2**64 - 1], dtype="uint64"),
        "x: expected whole numbers below 2**63, got 18446744073709551615. Give them as "
        "floating-point numbers.",
    ),
    "one NaN": (
        np.array([1.0, np.nan]),
        "x: expected finite numbers, got nan at row 1 (the only one). Fill these "
        "places or leave the rows out; mica.data.TableEncoder fills gaps.",
    ),
    "infinity in a table": (
        np.array([[1.0, 2.0], [-np.inf, np.nan]]),
        "x: expected finite numbers, got -inf at row 1, column 0 (2 in all). Fill "
        "these places or leave the rows out; mica.data.TableEncoder fills gaps.",
    ),
    "NaN in a picture": (
        np.where(np.arange(8).reshape(2, 2, 2) == 5, np.nan, 1.0),
        "x: expected finite numbers, got nan at row 1, position (0, 1) (the only "
        "one). Fill these places or leave the rows out; mica.data.TableEncoder fills "
        "gaps.",
    ),
    "NaN in a nested part": (
        {"a": np.ones(2), "b": (np.ones(2), torch.tensor([1.0, torch.nan]))},
        "x['b'][1]: expected finite numbers, got nan at row 1 (the only one). Fill "
        "these places or leave the rows out; mica.data.TableEncoder fills gaps.",
    ),
    "a number beyond float32": (
        np.array([[1e300]]),
        "x: expected numbers that float32 can hold, got 1e+300 at row 0, column 0. "
        "Scale the values first.",
    ),
    "no rows": (
        np.zeros((0, 3)),
        "x: expected at least one row and one value in it, got the shape (0, 3). Look "
        "at the file or filter that made it.",
    ),
    "an empty list": (
        [],
        "x: expected at least one row and one value in it, got the shape (0,). Look "
        "at the file or filter that made it.",
    ),
    "no columns": (
        torch.zeros(3, 0),
        "x: expected at least one row and one value in it, got the shape (3, 0). Look "
        "at the file or filter that made it.",
    ),
    "an empty text array": (
        np.array([], dtype=str),
        "x: expected at least one row and one value in it, got the shape (0,). Look "
        "at the file or filter that made it.",
    ),
    "an empty dict": (
        {},
        "x: expected named arrays, got an empty dict. Give at least one.",
    ),
    "an empty frame": (
        pandas.DataFrame({"age": []}),
        "x: expected at least one row and one column, got a frame of shape (0, 1). "
        "Look at the file or filter that made it.",
    ),
    "a single value": (
        np.float32(3),
        "x: expected one row per sample, got the single value 3.0. Put it into an "
        "array: [[3.0]].",
    ),
    "a single Python number": (
        3,
        "x: expected one row per sample, got the single value 3. Put it into an array: "
        "[[3]].",
    ),
    "a single object": (
        np.array(None, dtype=object),
        "x: expected one row per sample, got the single value None. Put it into an "
        "array: [[None]].",
    ),
    "a single tensor": (
        torch.tensor(3),
        "x: expected one row per sample, got the single value 3. Put it into an array: "
        "[[3]].",
    ),
    "None": (
        None,
        "x: expected NumPy arrays, tensors, frames or lists of numbers, got None. Look "
        "at what should have made the data.",
    ),
    "a file's name": (
        "data.csv",
        "x: expected NumPy arrays, tensors, frames or lists of numbers, got the text "
        "'data.csv'. Read a file with mica.data.read_csv(path).",
    ),
    "an unknown object": (
        {"a": object()},
        "x['a']: expected NumPy arrays, tensors, frames or lists of numbers, got an "
        "object of type object. Convert it with numpy.asarray "
        "first.",
    ),
    "a SciPy matrix": (
        scipy.sparse.eye(3).tocsr(),
        "x: expected NumPy arrays, tensors, frames or lists of numbers, got a sparse "
        "csr_matrix. Convert it with x.toarray().",
    ),
    "a sparse tensor": (
        torch.eye(3).to_sparse(),
        "x: expected a dense tensor of real numbers, got layout torch.sparse_coo. "
        "Convert it with .to_dense() or torch.view_as_real().",
    ),
    "a complex tensor": (
        torch.zeros(3, dtype=torch.complex64),
        "x: expected a dense tensor of real numbers, got complex numbers. Convert it "
        "with .to_dense() or torch.view_as_real().",
    ),
    "text in a pandas column": (
        pandas.DataFrame({"age": [1, 2], "sex": ["f", "m"]}),
        "x['sex']: expected numbers, got the text 'f' at row 0. Number labels with "
        "numpy.unique(labels, return_inverse=True); a table of numbers and words is "
        "read by mica.data.TableEncoder.",
    ),
    "a gap in a pandas column": (
        pandas.DataFrame({"age": [1.0, None, None]}),
        "x['age']: expected a value in every row, got none in row 1 (2 in all). Fill "
        "the gaps, leave the rows out, or use mica.data.TableEncoder.",
    ),
    "a gap in a nullable column": (
        pandas.DataFrame({"age": pandas.array([1, None], dtype="Int64")}),
        "x['age']: expected a value in every row, got none in row 1 (the only one). "
        "Fill the gaps, leave the rows out, or use mica.data.TableEncoder.",
    ),
    "dates in a pandas column": (
        pandas.DataFrame({"seen": pandas.to_datetime(["2020-01-01"]).astype("M8[s]")}),
        "x['seen']: expected real numbers, got dates (datetime64[s]). Turn them into "
        "numbers, such as days since a start.",
    ),
    "text in a polars column": (
        polars.DataFrame({"sex": ["f", "m"]}),
        "x['sex']: expected numbers, got the text 'f' at row 0. Number labels with "
        "numpy.unique(labels, return_inverse=True); a table of numbers and words is "
        "read by mica.data.TableEncoder.",
    ),
    "a gap in a polars column": (
        polars.DataFrame({"age": [1, None]}),
        "x['age']: expected a value in every row, got none in row 1 (the only one). "
        "Fill the gaps, leave the rows out, or use mica.data.TableEncoder.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_number_is_refused_with_its_place(case):
    value, sentence = REFUSED[case]
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        as_tensors(value, "x", role="x")


TYPES = [
    # from, x, integer x, y
    ("bool", "float32", "float32", "int64"),
    ("uint8", "float32", "float32", "int64"),
    ("int8", "float32", "float32", "int64"),
    ("uint16", "float32", "float32", "int64"),
    ("int16", "float32", "float32", "int64"),
    ("int32", "float32", "int32", "int64"),
    ("uint32", "float32", "int64", "int64"),
    ("int64", "float32", "int64", "int64"),
    ("uint64", "float32", "int64", "int64"),
    (">i4", "float32", "int32", "int64"),
    ("float16", "float32", "float32", "float32"),
    ("float32", "float32", "float32", "float32"),
    (">f4", "float32", "float32", "float32"),
    ("float64", "float32", "float32", "float32"),
    ("longdouble", "float32", "float32", "float32"),
]


@pytest.mark.parametrize("role", ["x", "integer x", "y"])
@pytest.mark.parametrize(("given", "x", "integer_x", "y"), TYPES)
def test_an_array_becomes_the_type_that_training_uses(given, x, integer_x, y, role):
    tensor = as_tensors(np.array([[1], [0]], dtype=given), "x", role=role)
    wanted = {"x": x, "integer x": integer_x, "y": y}[role]
    assert str(tensor.dtype) == f"torch.{wanted}"
    assert tensor.tolist() == [[1], [0]]


def test_half_precision_tensors_become_the_default_type():
    assert as_tensors(torch.ones(2, dtype=torch.bfloat16), "x", role="x").dtype == (
        torch.float32
    )


def test_uint16_labels_keep_values_beyond_int16():
    labels = np.array([65535], dtype="uint16")
    assert as_tensors(labels, "y", role="y").tolist() == [65535]


def test_a_float32_array_is_not_copied():
    array = np.ones((3, 2), dtype="float32")
    assert as_tensors(array, "x", role="x").data_ptr() == array.ctypes.data


def test_an_array_that_cannot_be_written_is_copied():
    array = np.broadcast_to(np.float32(2), (3, 2))
    assert as_tensors(array, "x", role="x").tolist() == [[2, 2]] * 3


def test_an_array_read_backwards_is_put_in_order():
    array = np.arange(6.0, dtype="float32").reshape(3, 2)[::-1]
    assert as_tensors(array, "x", role="x").tolist() == [[4, 5], [2, 3], [0, 1]]


def test_a_tensor_that_has_a_gradient_is_cut_from_its_graph():
    tensor = torch.ones(2, requires_grad=True)
    assert not as_tensors(tensor, "x", role="x").requires_grad


def test_a_large_sum_is_no_infinity():
    # The sum overflows float32 although no value does.
    assert as_tensors(np.full(4, 3e38), "x", role="x").isfinite().all()


FRAMES = {
    "pandas": pandas.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}),
    "pandas nullable": pandas.DataFrame(
        {"a": pandas.array([1, 2], dtype="Int64"), "b": [0.5, 1.5]}
    ),
    "pandas arrow": pandas.DataFrame(
        {"a": pandas.array([1, 2], dtype="int64[pyarrow]"), "b": [0.5, 1.5]}
    ),
    "pandas categories": pandas.DataFrame(
        {"a": pandas.Categorical([1, 2]), "b": [0.5, 1.5]}
    ),
    "polars": polars.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_frame_becomes_a_column_per_column(frame):
    assert as_tensors(frame, "x", role="integer x").tolist() == [[1, 0.5], [2, 1.5]]


def test_columns_of_one_name_are_both_kept():
    frame = pandas.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    assert as_tensors(frame, "x", role="x").tolist() == [[1, 2], [3, 4]]


def test_a_frame_of_whole_numbers_is_labels_as_y():
    tensor = as_tensors(pandas.DataFrame({"ill": [0, 1]}), "y", role="y")
    assert tensor.dtype == torch.int64
    assert tensor.shape == (2, 1)


@pytest.mark.parametrize(
    "series", [pandas.Series([0, 1, 1]), polars.Series([0, 1, 1])], ids=type
)
def test_a_series_is_one_value_per_row(series):
    assert as_tensors(series, "y", role="y").tolist() == [0, 1, 1]


def test_a_masked_array_without_masked_values_is_an_array():
    array = np.ma.array([1.0, 2.0], mask=[False, False])
    assert as_tensors(array, "x", role="x").tolist() == [1, 2]


def test_lists_of_numbers_are_arrays_and_lists_of_arrays_are_inputs():
    assert as_tensors([[0, 1], [2, 3]], "x", role="x").shape == (2, 2)
    inputs = as_tensors([np.ones(2), np.ones((2, 3))], "x", role="x")
    assert [tuple(tensor.shape) for tensor in inputs] == [(2,), (2, 3)]


def test_a_list_of_single_tensors_is_one_array():
    labels = [torch.tensor(1), torch.tensor(0)]
    assert as_tensors(labels, "y", role="y").tolist() == [1, 0]


def test_a_list_of_numpy_numbers_is_one_array():
    labels = [np.int64(1), np.int64(0)]
    assert as_tensors(labels, "y", role="y").tolist() == [1, 0]


def test_nesting_is_kept():
    nested = {"a": np.ones(2), "b": (np.zeros(2), [np.ones(2)])}
    tensors = as_tensors(nested, "x", role="x")
    assert [path for path, _ in named_leaves(tensors, "x")] == [
        "x['a']",
        "x['b'][0]",
        "x['b'][1][0]",
    ]


def test_an_object_that_says_it_is_an_array_is_taken():
    class Array:
        def __array__(self, dtype=None, copy=None):
            return np.ones(2)

    assert as_tensors(Array(), "x", role="x").tolist() == [1, 1]


WEIGHTS = {
    "two columns": (
        np.ones((2, 2)),
        "sample_weight: expected one weight per row, shape (rows,), got the shape (2, "
        "2). Average or sum the weights of a row.",
    ),
    "a negative one": (
        [1, -2.5],
        "sample_weight: expected weights of at least 0, got -2.5 at row 1. Use 0 for "
        "rows that should not count.",
    ),
    "zeros only": (
        [0, 0],
        "sample_weight: expected at least one weight above 0, got only zeros: nothing "
        "could be learned. Look at what made the weights.",
    ),
    "an empty dict": (
        {},
        "sample_weight: expected named arrays, got an empty dict. Give at least one.",
    ),
    "NaN": (
        {"a": [1, np.nan]},
        "sample_weight['a']: expected finite numbers, got nan at row 1 (the only "
        "one). Fill these places or leave the rows out; mica.data.TableEncoder fills "
        "gaps.",
    ),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_that_cannot_weigh_are_refused(case):
    value, sentence = WEIGHTS[case]
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        as_sample_weight(value)


def test_weights_become_one_number_per_row():
    assert as_sample_weight(np.array([[1], [2]])).tolist() == [1, 2]


def test_weights_may_be_nested_like_the_outputs():
    weights = as_sample_weight({"a": [1, 2], "b": (np.ones(2), np.ones(2))})
    assert weights["a"].tolist() == [1, 2]
    assert [weight.tolist() for weight in weights["b"]] == [[1, 1], [1, 1]]


def test_parts_of_several_lengths_are_named():
    sentence = (
        "y['b']: expected 3 rows as in x['a'], got 2. Give every sample one row in "
        "each array."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        check_lengths({"a": torch.ones(3)}, {"b": torch.ones(2)}, None)
