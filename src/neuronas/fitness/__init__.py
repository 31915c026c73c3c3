"""How promising an untrained architecture is, read from its spikes."""
