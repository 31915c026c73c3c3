"""A logger for all long-running functions: each event is one line of JSON. python observer.py [FILE]

MLflow or Weights & Biases fit in the same three methods: `mlflow.start_run(run_name=...)` or `wandb.init(...)` in
`started`, `mlflow.log_metrics(dict(event.values), step=event.done)` or `wandb.log(...)` in `progress`, and
`mlflow.end_run()` or `run.finish()` in `finished`.
"""

import json
import sys
from pathlib import Path
from time import time

import neuronas
from neuronas.runs.observer import Advanced, EpochEnded, Finished, Started


class JsonLines:
    """Writes every event that has numbers to a file."""

    def __init__(self, path: Path):
        self.file = path.open("a", encoding="utf-8", buffering=1)  # whole lines, also when the work is interrupted

    def started(self, event: Started) -> None:
        """Called when a function starts."""
        self.write(event.verb, "started", total=event.total, unit=event.unit, run=str(event.directory))

    def progress(self, event: Advanced) -> None:
        """Called after each piece of work. Training reports every step; this logger keeps only whole epochs."""
        if event.verb != "train" or isinstance(event.detail, EpochEnded):
            self.write(event.verb, "progress", done=event.done, seconds_left=event.seconds_left, **event.values)

    def finished(self, event: Finished) -> None:
        """Called at the end; ``event.result`` is the return value of the function."""
        self.write(event.verb, "finished", seconds=event.seconds)

    def write(self, verb: str, what: str, **values: object) -> None:
        """Add a line."""
        self.file.write(json.dumps({"time": time(), "verb": verb, "event": what, **values}) + "\n")


def main(path: str = "events.jsonl") -> None:
    """Search, train and evaluate a small network, with one observer for all of them."""
    log = JsonLines(Path(path))
    found = neuronas.search(channels=4, timesteps=2, algorithm="snasnet", n_draws=20, observer=log)
    neuronas.train(found.directory, epochs=2, observer=log)
    neuronas.evaluate(found.directory, observer=log)
    neuronas.evaluate_on_chips(found.directory, chips=2, observer=log)
    print(len(Path(path).read_text().splitlines()), "events in", path)


if __name__ == "__main__":
    main(*sys.argv[1:])
