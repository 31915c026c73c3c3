"""The verbs ``export`` and ``report``."""
