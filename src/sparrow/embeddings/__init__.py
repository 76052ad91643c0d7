"""Vectors from behaviour.

- `sequences`        each person's liked movies in time order, in batches of bounded memory
- `word2vec`         skip-gram or CBOW with negative sampling; Item2vec, over those sequences
- `graph`            which movies were liked near one another, as CSR
- `walks`            random walks over it; `walk_kernels` holds their compiled loops, `compiled` says how
- `walk_embeddings`  DeepWalk and Node2vec, over those walks
- `spark_word2vec`   Item2vec by Spark MLlib
- `spark_walks`      the same walks as Spark jobs, and their training there
- `posters`          what a picture looks like, as a vector
- `people`           a stored vector for every person
- `neighbours`       the nearest movies of every movie
"""
