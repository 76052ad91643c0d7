"""From samples to a served model.

- `fit`     one training loop: batches, early stopping on ranking, best weights, learning curves
- `export`  SavedModel with raw ids (the TensorFlow interpreter of the encoding) and ONNX from dense rows
"""
