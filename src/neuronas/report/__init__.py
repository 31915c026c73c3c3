"""A self-contained HTML page about one or several runs, which works offline. Templates escape all values."""

from neuronas.callable_package import make_callable

make_callable(__name__, "neuronas.api.reporting.report")
