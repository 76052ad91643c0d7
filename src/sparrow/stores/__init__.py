"""What online may read, and how it gets there.

- `feature_store`    records of movies and people under fixed keys; the key-value contract every backend passes
- `lmdb_store`       the embedded backend, written once, then read-only
- `embedding_table`  vectors by raw id, with the similarity they were trained for
- `vector_index`     who is nearest to a vector: the contract, and exact search; `inverted_index` approximate, by faiss;
                     `index_choice` which of the two, by size and measured recall
- `collaborative_model`, `next_item_model`  models of taste that NumPy alone can ask, kept as `saved_arrays`
- `releases`         immutable releases: sealing with checksums, listing, comparing
- `publishing`       the live pointer, in the home or in Redis: publish, rollback, pruning; `publish_log` remembers each flip
- `redis_store`      the shared backend: one release's keys; `redis_releases` makes them whole, live and gone
- `redis_connection` deadlines and errors in words; `redis_address` reads the three forms of a URL
- `model_repository` `{home}/models/{name}/{n}`: what a TensorFlow Serving server reads
- `live`             events of people since the release: durable, idempotent (SQLite)
- `event_store`      the contract of that log, and its two forms: `live`, and `redis_events`, which several servers share
- `event_archive`    from Redis into a home's own log; `event_relay` into a folder that Spark reads as a stream
- `event_history`    the whole log, read from its beginning; `clearing` removes from it
- `served`           lists as they were shown, in the same file
- `marks`            neighbours that people called not alike, in the same file
- `bad_cases`        those and "not for me", with the trace of their list and what became of them, in the same file
- `rules`            every version of the rules, with undo: in the same file, or in Redis (`redis_rules`)
- `retrain_log`      what `sparrow retrain` decided, and why
- `locks`            one builder or publisher per home
"""
