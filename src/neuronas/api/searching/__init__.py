"""The verb ``search``: evaluators of fitness, worker processes, and finalists."""
