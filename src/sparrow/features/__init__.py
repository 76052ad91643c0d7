"""What a model sees: features told in time, written once.

- `definitions`  names every feature and holds the one formula that finishes exact sums (batch, nearline, serving)
- `queries`      select and join, in SQL that every engine reads alike
- `grouped`      sorted rows cut into whole groups, and the two primitives of every kernel
- `people`       kernels: a person just before each of their rows, and after all of them
- `movies`       kernels: a movie just before each row about it, and after all of them
- `draws`        kernel: the negatives of the choice set; `chance` is what they are drawn by
- `genres`       the catalogue in bits
- `prefetch`     the next items are made while this one is used
- `engines`      where kernels run: DuckDB, Spark; `spark_session` starts or joins one
- `jobs`         the two fits, cuts in time, movie and person tables
- `samples`      the `liking` and `choice` sample sets
- `encoding`     `EncodingSpec`: raw ids to dense rows, as data; and its NumPy interpreter
- `attributes`   declared further columns of movies and people, as arrays
- `user_vector`  a person's embedding from the movies they liked
"""
