"""A single long text, for models that write."""

from dataclasses import dataclass

from mica.errors import ConfigError

__all__ = ["CorpusSample"]


@dataclass(frozen=True)
class CorpusSample:
    """One long text.

    Args:
        name: Its name, as `load` takes it.
        text: All of it.
        description: What it is, with its source.

    Example:
        >>> corpus = CorpusSample("abc", "abcdefghij", "The alphabet's beginning.")
        >>> corpus.split(0.2)
        ('abcdefgh', 'ij')
    """

    name: str
    text: str
    description: str

    def __repr__(self) -> str:
        """Show what it is and how long, not the text."""
        return f"CorpusSample({self.name!r}, {len(self.text):,} characters)"

    def split(self, fraction: float = 0.1) -> tuple[str, str]:
        """Set the end of the text aside.

        Args:
            fraction: Share of the characters to set aside, above 0 and below 1.

        Returns:
            The text to learn from and its end for validation.

        Raises:
            ConfigError: ``fraction`` is not between 0 and 1.
        """
        if not 0 < fraction < 1:
            raise ConfigError(
                f"split: expected a fraction above 0 and below 1, got {fraction!r}. "
                "0.1 sets the last tenth aside."
            )
        place = int(len(self.text) * (1 - fraction))
        return self.text[:place], self.text[place:]
