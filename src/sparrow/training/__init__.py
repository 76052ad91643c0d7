"""From samples to a served model.

- `batches`       some rows as a network takes them, and batches of one size
- `sample_files`  a sample set on disk, streamed or shuffled in bounded memory
- `negatives`     movies a person has not chosen, drawn by popularity
- `id_samples`    the epochs of an id model, with fresh negatives
- `fit`           one training loop: early stopping on ranking, best weights, learning curves
- `validation`    how well a sample of people is served, between epochs
- `quiet`         keeps native code from writing over the progress
- `export`        SavedModel with raw ids (the TensorFlow interpreter of the encoding) and ONNX from dense rows
"""
