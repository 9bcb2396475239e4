"""Small CSV files for tests: written as people write them."""

import csv
from pathlib import Path

import numpy as np

__all__ = ["write_houses", "write_visits"]


def write_houses(path: Path, rows: int = 120) -> Path:
    """Prices from areas and districts: gaps, an identifier, a constant, dates."""
    random = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["house_id", "area", "district", "sold", "country", "price"])
        for number in range(rows):
            area = random.normal(90, 20)
            district = ["north", "south", "west"][number % 3]
            price = 1000 * area + 20_000 * (number % 3) + random.normal(0, 1000)
            size = "" if number % 10 == 0 else f"{area:.1f}"
            cost = "" if number % 40 == 7 else f"{price:.0f}"
            day = f"2021-05-{1 + number % 28:02d}"
            writer.writerow([number, size, district, day, "X", cost])
    return path


def write_visits(path: Path, rows: int = 60) -> Path:
    """Two classes told apart by a number: semicolons, decimal commas, Windows-1252."""
    random = np.random.default_rng(0)
    lines = ["größe;stadt;kauft"]
    for number in range(rows):
        size = random.normal(170, 10)
        city = ["Köln", "Ulm"][number % 2]
        answer = "ja" if size > 170 else "nein"
        lines.append(f"{size:.1f}".replace(".", ",") + f";{city};{answer}")
    path.write_bytes("\n".join(lines).encode("cp1252"))
    return path
