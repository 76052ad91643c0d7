"""From samples to a served model.

- `fit`     one training loop: batches, early stopping on ranking, best weights, learning curves
- `id_samples`  the epochs of an id model, with fresh negatives
- `quiet`   keeps native code from writing over the progress
- `export`  SavedModel with raw ids (the TensorFlow interpreter of the encoding) and ONNX from dense rows
"""
