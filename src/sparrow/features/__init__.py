"""What a model sees: features told in time, written once.

- `definitions` names every feature and holds the one formula that finishes exact sums (batch, nearline, serving)
- `jobs`        the two fits, cuts in time, movie and person tables
- `queries`     the point-in-time SQL: nothing in a row's features happened at or after the row
- `engines`     runs the SQL (DuckDB) and finishes each Arrow batch
- `samples`     the `liking` and `choice` sample sets, the negative sampler
- `encoding`    `EncodingSpec`: raw ids to dense rows, as data; and its NumPy interpreter
- `user_vector` a person's embedding from the movies they liked
"""
