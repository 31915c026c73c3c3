"""Architecture search: algorithms propose candidates, one loop evaluates them, a history stores them."""

from neuronas.callable_package import make_callable

make_callable(__name__, "neuronas.api.searching.search")
