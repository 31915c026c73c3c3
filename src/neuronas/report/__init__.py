"""One HTML page about one or several runs: self-contained, offline, escaped by construction."""

from neuronas.callable_package import make_callable

make_callable(__name__)
