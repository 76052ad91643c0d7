"""The offline side, walked in order.

- `plan`      stages, what makes one stale, running them with resume
- `stages`    what each stage does
- `posters`   which picture is which movie's
- `run_log`   how each stage went, kept in the release; `memory` measures it
- `limits`    disk and memory: what a build will need, and words for when it is not enough
- `material`  what ranking models learn from; `train`, `fit_model`, `tune` train them; `cards` describe them
- `recall`    neighbours and models of taste (`collaborative`)
- `choose`    the quotas of recall (`merging`), the weights of the ensemble, the default ranker: learnt from held-back rows
- `feedback`  what people did on the site, folded into the data; who is forgotten stays out
- `assemble`  one folder from a fit's parts: feature store and models
- `fill_store`  a release's records from Spark straight into Redis
- `judge`     the evaluation of the judging fit; `judge_liking` of what is rated high, `judge_similar` of similar movies
- `off_policy` a pipeline judged before it goes online, from lists that the live one drew
- `lookup`    which release was made from which data and settings
- `publish`   building end to end, sealing, and publishing with the model server waited for
- `retrain`   a round of build, judge, publish, watch, roll back; `newest` holds back what both releases are judged on,
              `retrain_rules` decides
"""
