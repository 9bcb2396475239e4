"""The command line: words in, an exit code out; the work is done elsewhere."""

from mica.cli.app import main

__all__ = ["main"]
