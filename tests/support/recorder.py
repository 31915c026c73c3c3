"""An observer that records events."""

from neuronas.runs.observer import Advanced, Finished, Started


class Recorder:
    """Records all events in ``events``."""

    def __init__(self) -> None:
        self.events: list[Started | Advanced | Finished] = []

    def started(self, event: Started) -> None:
        """See ``Observer``."""
        self.events.append(event)

    def progress(self, event: Advanced) -> None:
        """See ``Observer``."""
        self.events.append(event)

    def finished(self, event: Finished) -> None:
        """See ``Observer``."""
        self.events.append(event)
