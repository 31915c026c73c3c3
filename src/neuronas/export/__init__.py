"""Trained networks in files that others read: integer codes, NIR, ONNX; each is computed again from its file."""
