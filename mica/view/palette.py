"""The colours of every picture: on paper and in the dark, for all eyes.

Lines differ in lightness as well as in hue, so that they stay apart for the colour
blind and in grey print; each has a contrast of at least 3 to 1 with its ground
(WCAG 2.2, success criterion 1.4.11), and words have at least 4.5 to 1 (1.4.3).
"""

from __future__ import annotations

__all__ = [
    "DARK",
    "LIGHT",
    "SERIES_DARK",
    "SERIES_LIGHT",
    "SERIES_TERMINAL",
    "channels",
]

SERIES_LIGHT = (
    "#24618e",
    "#c8641b",
    "#2f8a68",
    "#8f4a96",
    "#b23a48",
    "#6f7a1f",
    "#5663b5",
    "#7d6650",
)
SERIES_DARK = (
    "#79b8e8",
    "#f0a25a",
    "#6ccba4",
    "#d596d6",
    "#f28b8b",
    "#bccb6b",
    "#a8b2f5",
    "#c9b59f",
)
# A terminal does not say whether it is light or dark: middle tones show on both.
SERIES_TERMINAL = (
    "#3f8fd0",
    "#c97426",
    "#2a9a74",
    "#b06cb8",
    "#d25a68",
    "#84902c",
    "#7682da",
    "#9c8168",
)

LIGHT = {
    "ground": "#faf9f6",
    "card": "#ffffff",
    "ink": "#1f2328",
    "soft": "#5c636b",
    "faint": "#6b665d",
    "rule": "#dcd9d1",
    "grid": "#eceae4",
    "accent": "#8a5a1c",
    "right": "#24618e",
    "wrong": "#a83c0c",
    "on_faint": "#000000",
    "on_middle": "#000000",
    "on_deep": "#ffffff",
    "good": "#1f7a53",
    "note": "#24618e",
    "warning": "#94600a",
    "problem": "#b0303c",
}
DARK = {
    "ground": "#15181b",
    "card": "#1c2024",
    "ink": "#e8e6e1",
    "soft": "#a3a9b0",
    "faint": "#929aa3",
    "rule": "#343a40",
    "grid": "#282d32",
    "accent": "#e0b070",
    "right": "#4f9fd8",
    "wrong": "#e8804a",
    "on_faint": "#ffffff",
    "on_middle": "#000000",
    "on_deep": "#000000",
    "good": "#6ccba4",
    "note": "#79b8e8",
    "warning": "#e8b75a",
    "problem": "#f28b8b",
}


def channels(colour: str) -> tuple[int, int, int]:
    """Give the red, green and blue of a colour, each 0..255.

    Args:
        colour: As "#rrggbb".

    Example:
        >>> channels("#ff8000")
        (255, 128, 0)
    """
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue
