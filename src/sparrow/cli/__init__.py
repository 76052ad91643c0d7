"""The command line: parses, calls, prints.

- `main`          the group, and the one place where errors become exit codes
- `options`       flags every verb shares, and what they make
- `progress`      how a build shows on a terminal
- `data`          `sparrow data list|check`
- `build`         `sparrow build`, `sparrow up`
- `releases`      `sparrow releases`, `publish`, `rollback`
- `evaluate`      `sparrow evaluate`: `release_metrics` of a release; `contenders` of a split, among them `for_you` (the served
                  pipeline; `trial_times` is its clock) and `sequence_contenders`
- `serve`         `sparrow serve`
- `model_server`  `sparrow model-server`
- `spot_check`    `sparrow spot-check`; `marks` prints what people marked

Heavy rooms are imported inside the commands, so that `sparrow --help` answers at once.
"""
