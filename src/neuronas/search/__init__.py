"""Search: algorithms propose, one loop evaluates, a history keeps every candidate."""

from neuronas.callable_package import make_callable

make_callable(__name__)
