"""Is it any good? Measured over callables, so that no other room need be known.

- `metrics`          definitions with their sources, bootstrap intervals, the paired test
- `beyond_accuracy`  coverage, novelty, popularity of what is shown
- `rows`             interaction rows, from anyone's CSV
- `protocols`        cuts into train and test
- `cases`            the rules: what is masked, what counts, who is cold
- `full_ranking`     top k of all candidates for everybody, and the figures of the lists
- `tuning`           settings by search on validation rows
- `comparison`       several recommenders, one question
- `predictions`      a yes or no predicted: AUC, GAUC, log loss, calibration, with intervals over people
- `off_policy`       a new pipeline from what another one showed: IPS, SNIPS, doubly robust; `click_guess` guesses clicks for it
- `ranking`          lists judged one person at a time; a scorer's early stopping
- `reports`          the tables people read
"""
