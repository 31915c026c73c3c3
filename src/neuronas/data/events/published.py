"""Published data sets of recordings, in their published layouts."""

from collections.abc import Sequence
from pathlib import Path

from neuronas.data.events.dataset import EventDataSet
from neuronas.data.events.item import RECORDINGS, Item
from neuronas.data.listing import class_folders, files_in, lines_of
from neuronas.data.own_folder import share_of
from neuronas.data.published import Placed
from neuronas.errors import DataError
from neuronas.space.node_operations import Pair


class PublishedEvents(EventDataSet, Placed):
    """A published data set of recordings from one sensor."""

    own_sensor: Pair

    def place(self) -> Path:
        """See ``EventDataSet``."""
        return self.root()


class NMnist(PublishedEvents):
    """N-MNIST: 60,000 training and 10,000 test recordings of digits, 34x34 pixels (doi 10.3389/fnins.2015.00437).

    ``Train/DIGIT/*.bin`` and ``Test/DIGIT/*.bin``, or the same in lower case.
    """

    name, n_classes, own_sensor = "nmnist", 10, (34, 34)
    channels = 32
    advice = "unpack Train.zip and Test.zip of https://www.garrickorchard.com/datasets/n-mnist there"
    places = tuple((folder, f"{split}/0") for split in ("Train", "train") for folder in ("N-MNIST", "NMNIST", "nmnist"))

    def items(self, split: str) -> Sequence[Item]:
        """See ``EventDataSet``."""
        root = self.root()
        folder = next((root / name for name in (split.title(), split) if (root / name).is_dir()), None)
        if folder is None:
            raise DataError(f"{self.name}: {root} holds no folder '{split.title()}'; {self.advice}")
        return [
            Item(path, digit)
            for digit in range(self.n_classes)
            for path in files_in(folder / str(digit), RECORDINGS, "Train/DIGIT/*.bin and Test/DIGIT/*.bin")
        ]


class Cifar10Dvs(PublishedEvents):
    """CIFAR10-DVS: 10,000 recordings of moving images, 128x128 pixels (doi 10.3389/fnins.2017.00309).

    ``CLASS/*.aedat``. There is no published test set; a fifth of each class is used, drawn with a fixed seed.
    """

    name, n_classes, own_sensor = "cifar10-dvs", 10, (128, 128)
    class_names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    advice = "unpack the ten archives of https://figshare.com/articles/dataset/CIFAR10-DVS_New/4724671 there"
    places = tuple((folder, "airplane") for folder in ("CIFAR10-DVS", "CIFAR10DVS", "cifar10-dvs"))

    def items(self, split: str) -> Sequence[Item]:
        """See ``EventDataSet``."""
        root = self.root()
        found = {path.name: path for path in class_folders(root, RECORDINGS)}
        if missing := [name for name in self.class_names if name not in found]:
            raise DataError(f"{self.name}: {root} holds no folder '{missing[0]}'; {self.advice}")
        return [
            Item(path, label)
            for label, name in enumerate(self.class_names)
            for path in share_of(files_in(found[name], RECORDINGS, "CLASS/*.aedat"), split)
        ]


class Dvs128Gesture(PublishedEvents):
    """DVS128 Gesture: 1,342 hand gestures of 29 people, 128x128 pixels (Amir et al., CVPR 2017).

    ``trials_to_train.txt`` and ``trials_to_test.txt`` list files ``userNN_LIGHT.aedat``. Next to each of them,
    ``userNN_LIGHT_labels.csv`` gives class, start and end of each gesture.
    """

    name, n_classes, own_sensor = "dvs128-gesture", 11, (128, 128)
    class_names = (
        "hand clapping", "right hand wave", "left hand wave", "right arm clockwise", "right arm counter clockwise",
        "left arm clockwise", "left arm counter clockwise", "arm roll", "air drums", "air guitar", "other gestures",
    )  # fmt: skip
    advice = "unpack DvsGesture.tar.gz of https://research.ibm.com/interactive/dvsgesture there"
    places = tuple((folder, "trials_to_train.txt") for folder in ("DvsGesture", "DVS128Gesture", "dvs128-gesture"))

    def items(self, split: str) -> Sequence[Item]:
        """See ``EventDataSet``."""
        root = self.root()
        names = [line.strip() for line in lines_of(root / f"trials_to_{split}.txt") if line.strip()]
        return [item for name in names for item in self._trials(root / name)]

    def _trials(self, path: Path) -> list[Item]:
        table = path.with_name(f"{path.stem}_labels.csv")
        head, *lines = [line.strip() for line in lines_of(table) if line.strip()] or [""]
        found = []
        for number, line in enumerate(lines, 2):
            cells = line.split(",")
            if len(cells) != 3 or not all(cell.strip().isdecimal() and len(cell) < 16 for cell in cells):
                raise DataError(f"{table}: line {number} is {line[:60]!r}; expected class,start,end in microseconds")
            label, start, end = map(int, cells)
            if not 1 <= label <= self.n_classes or start >= end:
                raise DataError(f"{table}: line {number} is {line!r}; expected a class of 1 to 11, and start < end")
            found.append(Item(path, label - 1, start, end))
        if not head.startswith("class") or not found:
            raise DataError(f"{table}: expected a line 'class,startTime_usec,endTime_usec', then one line per gesture")
        return found
