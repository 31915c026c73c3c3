"""A network for recordings of an event camera: python event_recordings.py DIR [RUN]

DIR holds train/CLASS/* and test/CLASS/*, of any format in docs/howto/event-recordings.md; ``neuronas example-files``
writes one, ``recordings``. Searched, trained, evaluated, compared with a control without time, then run as a stream.
"""

import sys
from pathlib import Path

import neuronas


def main(folder: str, run: str = "runs/events") -> None:
    """Search, train and evaluate on recordings, then classify one of them as a stream."""
    found = neuronas.search(
        dataset=f"events:{folder}",
        timesteps=6,
        channels=8,
        batch_size=16,
        algorithm="snasnet",
        n_draws=20,
        max_energy_uj=250,
        out=run,
    )
    print(found.text)

    neuronas.train(found.directory, epochs=8, batch_size=16, event_drop=0.1)
    print(f"{neuronas.evaluate(found.directory).top1:.1%} of the test recordings")

    # The same events at random times: if this network is as good, time does not matter.
    control = neuronas.train(
        found.text,
        dataset=f"events:{folder}",
        timesteps=6,
        channels=8,
        epochs=8,
        batch_size=16,
        event_order="collapsed",
        out=f"{run}-collapsed",
    )
    print(f"{neuronas.evaluate(control.directory).top1:.1%} without the order of events")

    recording = next(path for path in sorted(Path(folder, "test").rglob("*")) if path.is_file())
    stream = neuronas.run(found.directory, recording)
    for step in stream.steps:
        print(f"{step.end_ms:6.1f} ms {step.n_events:5} events: {stream.class_names[step.best]}")
    print(f"settled after {stream.settled_ms:.0f} ms; {stream.times_real_time:.1f} times real time")


if __name__ == "__main__":
    main(*sys.argv[1:])
