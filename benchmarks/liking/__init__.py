"""The parts of `ranking_models`: rows with plain features, the references that learn from them, and both questions.

- `material`        a dataset's feature and sample rows, built once and found again
- `plain_features`  what a tree or a regression is told of a row: numbers as they are, as of just before it
- `references`      logistic regression and LightGBM, settings chosen on validation rows
- `choices`         what people chose next: whom to ask, and how good the lists are
- `like_prediction` ML-100K, rating >= 4, by the protocols of the literature
- `figures`         what is printed and written
"""
