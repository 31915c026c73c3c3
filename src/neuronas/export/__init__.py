"""Export of trained networks: integer format, NIR, ONNX. Each file is verified: it is read back and computed."""

from neuronas.callable_package import make_callable

make_callable(__name__, "neuronas.api.reporting.export")
