"""Trained networks in files that others read: integer codes, NIR, ONNX; each is computed again from its file."""

from neuronas.callable_package import make_callable

make_callable(__name__)
