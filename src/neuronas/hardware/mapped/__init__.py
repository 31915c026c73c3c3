"""Cost model ``mapped``: every layer mapped to crossbars of its own, every term a small function with its source."""
