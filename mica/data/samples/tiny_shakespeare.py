"""Tiny Shakespeare: a megabyte of plays, for models that write."""

from mica.data.samples.corpus import CorpusSample
from mica.data.samples.download import (
    LocalFile,
    RemoteFile,
    find_local,
    find_or_download,
)

__all__ = ["ORIGINAL", "REPACKED", "load"]

SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
ORIGINAL = RemoteFile(
    name="tiny_shakespeare/input.txt",
    address=(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/"
        "tinyshakespeare/input.txt"
    ),
    sha256=SHA256,
    size_bytes=1_115_394,
)
REPACKED = LocalFile("text/tinyshakespeare.txt", SHA256)


def load() -> CorpusSample:
    """Load 1,115,394 characters: from MICA_DATASETS, the cache, or the network once.

    Returns:
        The text; its last tenth is nanoGPT's validation part (``split()``).

    Raises:
        DataError: The file is damaged, or cannot be had.

    Source:
        A. Karpathy, "The unreasonable effectiveness of recurrent neural networks".
    """
    path = find_local(REPACKED) or find_or_download(ORIGINAL)
    return CorpusSample(
        "tiny_shakespeare",
        path.read_text(encoding="utf-8"),
        "Scenes from Shakespeare's plays, 65 different characters. Source: "
        "karpathy/char-rnn; public domain.",
    )
