"""Nietzsche: "Beyond Good and Evil" in English, for models that write."""

from mica.data.samples.corpus import CorpusSample
from mica.data.samples.download import (
    LocalFile,
    RemoteFile,
    find_local,
    find_or_download,
)

__all__ = ["ORIGINAL", "REPACKED", "load"]

SHA256 = "23cf69874ab69d3d256099ab530ea4be24d47d9675b673bcc67cbcd6298ec647"
ORIGINAL = RemoteFile(
    name="nietzsche/nietzsche.txt",
    address="https://s3.amazonaws.com/text-datasets/nietzsche.txt",
    sha256=SHA256,
    size_bytes=600_901,
)
REPACKED = LocalFile("text/nietzsche.txt", SHA256)


def load() -> CorpusSample:
    """Load 600,893 characters: from MICA_DATASETS, the cache, or the network once.

    Returns:
        The text with its capitals; Chollet's book uses ``text.lower()``.

    Raises:
        DataError: The file is damaged, or cannot be had.

    Source:
        F. Nietzsche, "Beyond Good and Evil", translated by H. Zimmern, 1906.
    """
    path = find_local(REPACKED) or find_or_download(ORIGINAL)
    return CorpusSample(
        "nietzsche",
        path.read_text(encoding="utf-8"),
        'F. Nietzsche, "Beyond Good and Evil", translated by Helen Zimmern. Source: '
        "the file of Keras's example; public domain.",
    )
