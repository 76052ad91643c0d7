"""The request path: from a movie or a person to a list, within one release.

- `answers`      what the path gives back: facts, listed movies, reasons
- `catalog`      the release's movies as arrays; the one border between raw ids and dense rows
- `similarity`   one embedding in catalogue rows
- `people`       who asks: history, likes, what was seen
- `later_events` what a person's events sum up to, here and in the next build
- `recall`       routes that bring candidates, each knowing why
- `collaborative` iALS and EASE folded in, a route and a ranker; `next_item` what tends to come next, likewise;
                 `item_weights` which movies speak for which, under both
- `network_recall` the route of networks that can ask a whole catalogue at once
- `ranking`      rankers that order candidates (embedding, content, history, popularity)
- `deep`         rankers behind a trained network; `person_inputs` what those read; `ensemble` several rankers as one
- `remote_ranker` the same through TensorFlow Serving
- `reranking`    rules after ranking: seen out, exclusions, the one sort; `rules` of similar movies, `taste` of people's lists
- `pipeline`     the plain list of the above, run with next-best fallbacks
- `pipelines`    every pipeline of a release by name
- `experiments` who takes part in which, by a hash of the id
- `exploration` orders that are drawn, with their chances
- `rankers`      which ranker answers whom
- `apart`        pairs of movies that never stand in each other's lists
- `rules`        what no score of a single movie knows: series, freshness, caps, variety; `taste` the mix of genres
- `availability` what may be shown, where and when, as masks; `condition` evaluates `[candidates] where`
- `shelf`        the catalogue to walk along: pages and search
- `explain`      from rows back to movies with reasons and traces
- `why_not`      what became of one movie, stage by stage
- `known`        a person's record and events, as far as they can be reached
- `recommender`  everything a request may ask of one release
- `live`         holds the current release, swaps it when pointer or rules move; `rule_watch` looks for the latter
"""
