"""One HTML page about one or several runs: self-contained, offline, escaped by construction."""
