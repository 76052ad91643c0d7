"""The naive peers of `benchmarks.offline`, each run as a process of its own.

- `samples`    features and samples as the original SparrowRecSys passes them on: CSV text between stages, plain Python, one core
- `word2vec`   Item2vec three ways: bare gensim, Spark MLlib, and ours
- `processes`  a process run to its end, with its time, the memory of its whole family, and its failure in words
"""
