"""Bytes as text: the encoding said or found, and a wrong one named with its byte."""

import codecs

from mica.errors import ConfigError, DataError

__all__ = ["decode_text"]

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SAMPLE_BYTES = 2**16  # enough to see whether most letters are from beyond ASCII; ours
MOSTLY = 0.3  # share of such bytes in texts of other scripts; ours


def _guess(content: bytes) -> str:
    """The encoding of older programs that the bytes look like."""
    sample = content[:SAMPLE_BYTES].translate(None, b" \t\r\n")
    high = sum(byte >= 0x80 for byte in sample)
    return "cp1251" if high > MOSTLY * len(sample) else "cp1252"


def decode_text(content: bytes, name: str, encoding: str | None = None) -> str:
    """Turn the bytes of a file into text.

    Args:
        content: The bytes.
        name: The file's name, for errors.
        encoding: How bytes become text; None takes UTF-8, or UTF-16 where the file
            begins with its mark.

    Returns:
        The text; the mark of the byte order is no part of it.

    Raises:
        ConfigError: An encoding that Python does not know.
        DataError: A byte that is not of the encoding, named with its place, or no text
            at all.

    Example:
        >>> decode_text("привет".encode("cp1251"), "letter.txt", "cp1251")
        'привет'
    """
    chosen = encoding
    if chosen is None:
        chosen = next(
            (known for mark, known in _MARKS.items() if content.startswith(mark)),
            "utf-8",
        )
    try:
        text = content.decode(chosen)
    except LookupError:
        raise ConfigError(
            f"encoding: expected an encoding Python knows, got {encoding!r}. 'utf-8', "
            "'cp1251' and 'latin-1' are common ones."
        ) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}: expected {chosen.upper()} text, got the byte "
            f"0x{content[error.start]:02x} at position {error.start:,} in line "
            f"{line:,}. Say how it was written, e.g. encoding={_guess(content)!r}."
        ) from None
    if "\0" in text:
        raise DataError(
            f"{name}: expected text, got a zero character at position "
            f"{text.index(chr(0)):,}. This is no text file, or it is in another "
            "encoding such as 'utf-16'."
        )
    return text
