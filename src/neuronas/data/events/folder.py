"""Class folders of recordings as a data set: ``events:DIR``."""

from collections.abc import Sequence
from pathlib import Path

from neuronas.data.dataset import Progress
from neuronas.data.events.dataset import EventDataSet
from neuronas.data.events.item import RECORDINGS, Item
from neuronas.data.folders import ClassFolders


class EventFolder(EventDataSet, ClassFolders):  # type: ignore[override]  # attributes become properties
    """Recordings in class folders, see ``ClassFolders``. All formats of ``read_recording`` are supported.

    Args:
        folder: DIR.
    """

    kind, files = "events", RECORDINGS

    def items(self, split: str) -> Sequence[Item]:
        """See ``EventDataSet``."""
        return [Item(path, label) for label, paths in enumerate(self.by_class(split)) for path in paths]

    def place(self) -> Path:
        """See ``EventDataSet``."""
        return self._folder

    def check(self, *, n_threads: int, skip_corrupt: bool, progress: Progress | None = None) -> None:
        """See ``DataSet``."""
        self.warn_of_gaps()
        super().check(n_threads=n_threads, skip_corrupt=skip_corrupt, progress=progress)
