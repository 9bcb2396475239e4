"""CSV files as people have them: what is found out, and what is said about the rest."""

import re

import pytest

from mica.data import read_csv
from mica.errors import ConfigError, DataError


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


READ = {
    "commas": ("a,b\n1,x\n2,y\n", {"a": ["1", "2"], "b": ["x", "y"]}),
    "semicolons": ("a;b\n1;x\n", {"a": ["1"], "b": ["x"]}),
    "tabs": ("a\tb\n1\tx\n", {"a": ["1"], "b": ["x"]}),
    "bars": ("a|b\n1|x\n", {"a": ["1"], "b": ["x"]}),
    "decimal commas": ("a;b\n1,5;2\n", {"a": ["1,5"], "b": ["2"]}),
    "commas in words": (
        "a;b\nx, y;1\nx, z, w;2\n",
        {"a": ["x, y", "x, z, w"], "b": ["1", "2"]},
    ),
    "one column": ("a\n1\n2\n", {"a": ["1", "2"]}),
    "blanks": (" a , b \n 1 ,x  \n", {"a": ["1"], "b": ["x"]}),
    "quotes": ('a,b\n"x, y","say ""hi"""\n', {"a": ["x, y"], "b": ['say "hi"']}),
    "a line break in quotes": ('a,b\n"x\ny",1\n', {"a": ["x\ny"], "b": ["1"]}),
    "empty lines": ("a,b\n\n1,2\n,\n  \n3,4\n\n", {"a": ["1", "3"], "b": ["2", "4"]}),
    "Windows lines": ("a,b\r\n1,2\r\n", {"a": ["1"], "b": ["2"]}),
    "old Macintosh lines": ("a,b\r1,2\r3,4", {"a": ["1", "3"], "b": ["2", "4"]}),
    "byte order mark": (b"\xef\xbb\xbfa,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
    "UTF-16": ("a,b\n1,é\n".encode("utf-16"), {"a": ["1"], "b": ["é"]}),
    "UTF-8": ("größe,b\n1,é\n", {"größe": ["1"], "b": ["é"]}),
    "Excel's first line": ("sep=;\na;b\n1;2\n", {"a": ["1"], "b": ["2"]}),
    "marks of gaps": (
        "a,b,c,d,e,f,g,h\n,NA,NaN,?,null,None,n/a,#N/A\n1,1,1,1,1,1,1,-\n",
        {**{name: [None, "1"] for name in "abcdefg"}, "h": [None, "-"]},
    ),
    "years as names": (
        "land,2019,2020\nA,1,2\n",
        {"land": ["A"], "2019": ["1"], "2020": ["2"]},
    ),
}


@pytest.mark.parametrize("case", READ)
def test_a_file_is_read_as_it_is_meant(case, write):
    content, columns = READ[case]
    assert dict(read_csv(write(content)).columns) == columns


@pytest.mark.parametrize(
    ("content", "decimal"),
    [
        ("a;b\n1,5;2,5\n", ","),
        ("a;b\n1.5;2.5\n", "."),
        ("a\tb\n1,5\t2,5\n", ","),
        ("a;b\n12.05.2020;2,5\n", ","),
        ('a,b\n"1,5",2\n', "."),
        ("a;b\nx;y\n", "."),
    ],
)
def test_the_decimal_mark_is_found_out(content, decimal, write):
    table = read_csv(write(content))
    assert table.decimal == decimal
    said = ("Numbers have a decimal comma: 3,5 is read as 3.5.",)
    assert table.notes == (said if decimal == "," else ())


def test_separator_decimal_mark_and_encoding_can_be_said(write):
    path = write("a:b\n1,5:ä\n".encode("latin-1"))
    table = read_csv(path, separator=":", decimal=",", encoding="latin-1")
    assert dict(table.columns) == {"a": ["1,5"], "b": ["ä"]}
    assert table.decimal == ","


def test_a_file_of_an_older_program_is_read_with_a_note(write):
    table = read_csv(write("name,b\nJosé,2\n".encode("cp1252")))
    assert dict(table.columns) == {"name": ["José"], "b": ["2"]}
    assert table.notes == (
        "The text is not UTF-8; it is read as Windows-1252, the encoding of older "
        "programs in Western Europe and America.",
    )


HEADERLESS = (
    "The first line holds numbers, so it is read as a row and the columns are called "
    "column_1, column_2, ..."
)


@pytest.mark.parametrize(
    "content", ["5.1,3,setosa\n4.9,3,virginica\n", "1,1,0\n0,1,1\n", "-1,2\n3,4\n"]
)
def test_a_file_without_names_gets_some(content, write):
    table = read_csv(write(content))
    assert len(table) == 2
    assert table.names[0] == "column_1"
    assert table.notes == (HEADERLESS,)


def test_whether_there_are_names_can_be_said(write):
    path = write("1,2\n3,4\n")
    assert read_csv(path).names == ("1", "2")
    assert len(read_csv(path, header=False)) == 2
    assert read_csv(write("1.5,2\n3,4\n"), header=True).names == ("1.5", "2")


def test_names_that_are_empty_or_twice_are_mended_aloud(write):
    table = read_csv(write("a,a,,column_3\n1,2,3,4\n"))
    assert table.names == ("a", "a (2)", "column_3", "column_3 (2)")
    assert table.notes == (
        "Column 2 is called 'a' like another one; it is now 'a (2)'.",
        "Column 3 has no name and is called 'column_3'.",
        "Column 4 is called 'column_3' like another one; it is now 'column_3 (2)'.",
    )


QUOTE_IT = "Quote a field that holds the separator, or mend the line."
REFUSED = {
    "a longer line": (
        "a,b\n1,2\n1,2,3\n4,5\n",
        "data.csv, line 3: expected 2 fields as in the first line, got 3. " + QUOTE_IT,
    ),
    "shorter lines": (
        "a,b\n1,2\n\n3\n4\n",
        "data.csv, line 4: expected 2 fields as in the first line, got 1 (2 such "
        "lines). " + QUOTE_IT,
    ),
    "a name too few": (
        "a,b\n1,2,3\n4,5,6\n",
        "data.csv, line 2: expected 2 fields as in the first line, got 3 (2 such "
        "lines). Name every column in the first line.",
    ),
    "a longer line after a quoted break": (
        'a,b\n"1\n1",2\n1,2,3\n',
        "data.csv, line 4: expected 2 fields as in the first line, got 3. " + QUOTE_IT,
    ),
    "a longer line after Excel's own": (
        "sep=;\na;b\n1;2\n1;2;3\n",
        "data.csv, line 4: expected 2 fields as in the first line, got 3. " + QUOTE_IT,
    ),
    "a quote that is never closed": (
        'a,b\n1,2\n3,"4\n5,6\n',
        "data.csv, line 3: expected the quote that opens here to be closed, got the "
        "end of the file. Close or remove the quote.",
    ),
    "an endless field": (
        b"a,b\n1,2\n1," + b"x" * (2**24 + 1) + b"\n",
        "data.csv, line 3: expected comma-separated values, got something that cannot "
        "be read (field larger than field limit (16777216)). Look for a quote that is "
        "never closed.",
    ),
    "nothing": (
        "",
        "data.csv: expected a line of column names and rows below it, got an empty "
        "file. Look at what wrote it.",
    ),
    "names only": (
        "a,b\n",
        "data.csv: expected rows below the column names, got none. Look at what wrote "
        "the file.",
    ),
    "no text at all": (
        b"name,b\nJos\xe9\x01,2\n",
        "data.csv: expected UTF-8 text, got the byte 0xe9 at position 10 in line 2. "
        "Files of older programs are read with encoding='latin-1' or 'cp1252'.",
    ),
    "bytes of no encoding": (
        b"name,b\nJos\x81,2\n",
        "data.csv: expected UTF-8 text, got the byte 0x81 at position 10 in line 2. "
        "Files of older programs are read with encoding='latin-1' or 'cp1252'.",
    ),
    "an Excel workbook": (
        b"PK\x03\x04\x14\x00",
        "data.csv: expected text, got a zip archive (an Excel workbook is one). Save "
        "the sheet as CSV first.",
    ),
    "zero characters": (
        b"a,b\n1,\x002\n",
        "data.csv: expected text, got a zero character at position 6. This is no CSV "
        "file, or it is in another encoding such as 'utf-16'.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_read_says_where(case, write):
    content, sentence = REFUSED[case]
    path = write(content)
    with refused(DataError, sentence):
        read_csv(path)


def test_a_long_field_is_no_mistake(write):
    table = read_csv(write("a,b\n1," + "x" * 200_000 + "\n"))
    assert len(table.column("b")[0]) == 200_000


def test_a_missing_file_offers_a_neighbour(write):
    path = write("a\n1\n", "patients.csv").with_name("patient.csv")
    sentence = (
        f"{path}: expected a file, got no such file. Did you mean 'patients.csv'?"
    )
    with refused(DataError, sentence):
        read_csv(path)


def test_a_missing_file_without_neighbours_says_so(tmp_path):
    path = tmp_path / "none" / "data.csv"
    sentence = f"{path}: expected a file, got no such file. Look at the path."
    with refused(DataError, sentence):
        read_csv(path)


def test_a_folder_is_no_file(tmp_path):
    sentence = (
        f"{tmp_path}: expected a file that can be read, got: Is a directory. Give the "
        "path of a file."
    )
    with refused(DataError, sentence):
        read_csv(tmp_path)


def test_an_unknown_encoding_is_refused(write):
    path = write("a\n1\n")
    sentence = (
        "read_csv: expected an encoding Python knows, got 'klingon'. 'utf-8', "
        "'latin-1' and 'cp1252' are common ones."
    )
    with refused(ConfigError, sentence):
        read_csv(path, encoding="klingon")


def test_a_separator_is_one_character(write):
    path = write("a\n1\n")
    sentence = (
        "read_csv: expected separator to be one character, got '::'. ',', ';' and "
        "'\\t' are common ones."
    )
    with refused(ConfigError, sentence):
        read_csv(path, separator="::")
