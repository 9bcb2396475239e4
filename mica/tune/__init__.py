"""Tuning: judging a way of building and training, not one model by luck.

`cross_validate(build, x, y, folds=4, epochs=80)` trains a new model for each fold and
one on all rows: `folds`, `mean`, `spread`, `table()`, and `model` with its
`preparation`. What prepares the data (`prepare=StandardScaler`, a `TableEncoder` for a
table, a `SeriesEncoder` for a series) is fitted on each fold's training rows alone.
"""

from mica.tune.cross_validation import CrossValidation, Fold, cross_validate
from mica.tune.folding import fold_rows

__all__ = ["CrossValidation", "Fold", "cross_validate", "fold_rows"]
