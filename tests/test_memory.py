"""Images in memory: arrays, tensors, and data sets of PyTorch and Hugging Face."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from torch.utils.data import Dataset, Subset, TensorDataset

import neuronas
from neuronas.api.searching.evaluators import search_images
from neuronas.api.setup.compose import plan
from neuronas.api.setup.trained import read_images
from neuronas.config import given as checked
from neuronas.data.memory import InMemoryDataSet
from neuronas.data.presets import Digits
from neuronas.errors import ConfigurationError, DataError

LABELS = np.array([0, 1, 2, 0, 1, 2])
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 3, 5, 7), dtype=np.uint8)


def images_of(dataset: InMemoryDataSet, split: str = "train") -> torch.Tensor:
    return dataset.load(split, dataset.image_size).images


class LikeTorchvision(Dataset[Any]):
    """As torchvision.datasets.CIFAR10: Pillow images unless a transform converts them, and ``classes``."""

    classes: Sequence[str] = ["ant", "bee", "cat"]

    def __init__(self, transform: Any = None):
        self.transform = transform

    def __len__(self) -> int:
        return len(IMAGES)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = Image.fromarray(IMAGES[index].transpose(1, 2, 0))
        return self.transform(image) if self.transform else image, int(LABELS[index])


class Names:
    names: Sequence[str] = ["ant", "bee", "cat"]


class LikeHuggingFace:
    """As ``datasets.Dataset``, with or without ``with_format("torch")``."""

    features = {"img": object(), "label": Names()}  # noqa: RUF012

    def __init__(self, *, tensors: bool):
        self.tensors = tensors

    def __len__(self) -> int:
        return len(IMAGES)

    def __getitem__(self, index: int) -> dict[str, Any]:
        if self.tensors:
            return {"img": torch.from_numpy(IMAGES[index]), "label": torch.tensor(LABELS[index])}
        return {"img": Image.fromarray(IMAGES[index].transpose(1, 2, 0)), "label": int(LABELS[index])}


def to_tensor(image: Image.Image) -> torch.Tensor:
    """As ``torchvision.transforms.ToTensor``."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize(
    "split",
    [
        (IMAGES, LABELS),
        (IMAGES.transpose(0, 2, 3, 1), LABELS.tolist()),
        (IMAGES / 255, LABELS.astype(np.uint8)),
        (IMAGES.astype(">i8"), LABELS),
        (torch.from_numpy(IMAGES), torch.from_numpy(LABELS)),
        (torch.from_numpy(IMAGES).float().requires_grad_() / 255, torch.from_numpy(LABELS).int()),
        (torch.from_numpy(IMAGES).half() / 255, LABELS),
        TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(LABELS)),
        [(image, label) for image, label in zip(IMAGES, LABELS, strict=True)],
        LikeTorchvision(),
        LikeTorchvision(to_tensor),
        Subset(LikeTorchvision(), range(6)),
        LikeHuggingFace(tensors=True),
        LikeHuggingFace(tensors=False),
    ],
)  # fmt: skip
def test_every_form_of_the_same_images_is_the_same_data_set(split: Any) -> None:
    found = InMemoryDataSet(split)
    assert images_of(found).dtype == torch.uint8
    assert np.array_equal(images_of(found).numpy(), IMAGES)
    assert found.load("train", (5, 7)).labels.tolist() == LABELS.tolist()
    assert (found.image_channels, found.image_size, found.n_classes, found.batch_size) == (3, (5, 7), 3, 6)
    assert found.name == InMemoryDataSet((IMAGES, LABELS)).name
    assert found.mean == pytest.approx(IMAGES.mean(axis=(0, 2, 3)) / 255, abs=1e-4)
    assert found.std == pytest.approx(IMAGES.std(axis=(0, 2, 3)) / 255, abs=1e-4)
    knows_names = isinstance(split, LikeTorchvision | Subset | LikeHuggingFace)
    assert found.class_names == (("ant", "bee", "cat") if knows_names else None)


@given(
    st.sampled_from([np.uint8, np.float32, np.float64, np.int32, np.bool_]),
    st.tuples(*[st.integers(1, 6)] * 3).flatmap(
        lambda sides: st.sampled_from([sides, (sides[0], 1, *sides[1:]), (sides[0], 3, *sides[1:])])
    ),
    st.data(),
)
def test_bytes_survive(kind: type, shape: tuple[int, ...], data: st.DataObject) -> None:
    values = st.sampled_from([0, 255] if kind is np.bool_ else [0, 1, 77, 254, 255])
    levels = data.draw(arrays.arrays(np.uint8, shape, elements=values))
    levels.flat[0] = 255
    given_as = levels / 255 if issubclass(kind, np.floating) else levels // 255 if kind is np.bool_ else levels
    found = images_of(InMemoryDataSet((given_as.astype(kind), np.arange(shape[0]))))
    assert np.array_equal(found.numpy(), levels.reshape(found.shape))
    levels[:] = 0
    assert found.max() == 255, "the data set's pixels are its own"


@given(st.lists(st.integers(-2, 4), min_size=1, max_size=8))
def test_labels_count_from_zero_without_gaps(labels: list[int]) -> None:
    images = np.zeros((len(labels), 4, 4), dtype=np.uint8)
    if sorted(set(labels)) == list(range(max(labels) + 1)):
        assert InMemoryDataSet((images, labels)).n_classes == max(labels) + 1
    else:
        with pytest.raises(DataError, match=r"labels from -|has no images"):
            InMemoryDataSet((images, labels))


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ((IMAGES.astype(np.float32), LABELS), "float32 pixels from 0 to 255 given; expected uint8"),
        ((IMAGES / 127.5 - 1, LABELS), "pixels from -1 to 1 given"),
        ((np.full((6, 4, 4), np.nan), LABELS), "pixels from nan to nan"),
        ((IMAGES.astype(np.int16) * 2, LABELS), "int16 pixels from 0 to 510"),
        ((IMAGES / 255 / 255, LABELS), "all images are black"),
        ((IMAGES.astype(np.int64) // 255, LABELS), "all images are black"),
        ((IMAGES.astype("U3"), LABELS), "pixels of type <U3"),
        ((IMAGES[0, 0], LABELS), r"shape \[5, 7\] given; expected \[N, H, W\]"),
        ((IMAGES[:0], LABELS[:0]), "at least one image"),
        ((np.zeros((6, 8, 8, 8)), LABELS), "expected 1 to 4 channels"),
        ((IMAGES, LABELS[:5]), "shape .5. given for 6 images"),
        ((IMAGES, np.eye(6)), "float64 of shape .6, 6."),
        ((IMAGES, [str(label) for label in LABELS]), "expected one integer for each"),
        ({"train": (IMAGES, LABELS)}, "dict given; expected .images, labels., or a data set of one split"),
        (torch.utils.data.DataLoader(LikeTorchvision()), "DataLoader given"),
        ([], "the data set is empty"),
        ([(IMAGES[0], 0), (IMAGES[1, :, 1:], 1)], "training image 1: 3 channels of 4x7 pixels given, unlike"),
        ([(IMAGES[0], 0.0)], "label 0.0 given; expected an integer"),
        ([(IMAGES[0], 0, "a.png")], r"tuple given; expected \(image, label\)"),
        ([{"image": IMAGES[0], "fine_label": 0}], "keys image, fine_label given; expected 'image' and 'label'"),
        ([(np.zeros(3), 0)], r"shape \[3\] given; expected a PIL image"),
    ],
)  # fmt: skip
def test_what_is_no_data_set_is_refused(split: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        InMemoryDataSet(split)
    assert "\n" not in str(raised.value)


def test_class_names_say_how_many_classes_there_are() -> None:
    assert InMemoryDataSet((IMAGES, LABELS), class_names=["a", "b", "c"]).class_names == ("a", "b", "c")
    with pytest.raises(DataError, match="class 3 of 4 has no images"):
        InMemoryDataSet((IMAGES, LABELS), class_names=["a", "b", "c", "d"])
    with pytest.raises(DataError, match=r"from 0 to 2 given; expected 0 to 1 \(2 classes\)"):
        InMemoryDataSet((IMAGES, LABELS), class_names=["a", "b"])


def test_the_test_split_is_optional_and_like_the_training_images() -> None:
    with pytest.raises(DataError, match="has no test images; create it with test="):
        InMemoryDataSet((IMAGES, LABELS)).load("test", 8)
    found = InMemoryDataSet((IMAGES, LABELS), (IMAGES[:2], [0, 0]))
    assert np.array_equal(images_of(found, "test").numpy(), IMAGES[:2])
    assert found.name == InMemoryDataSet((IMAGES, LABELS)).name
    with pytest.raises(DataError, match="test labels from 0 to 3"):
        InMemoryDataSet((IMAGES, LABELS), (IMAGES[:2], [0, 3]))
    with pytest.raises(DataError, match="test images: 1 channel given; expected 3"):
        InMemoryDataSet((IMAGES, LABELS), (IMAGES[:2, 0], [0, 0]))


def test_images_of_other_sizes_are_resized_when_asked() -> None:
    samples = [(Image.new("RGB", (size, 9), (size, 0, 0)), number) for number, size in enumerate((4, 9, 20))]
    found = InMemoryDataSet(samples, size=(6, 8))
    assert found.image_size == (6, 8)
    assert images_of(found)[:, 0].flatten(1).unique(dim=1).flatten().tolist() == [4, 9, 20]
    assert found.load("train", 5).images.shape == (3, 3, 5, 5)


def test_colour_and_grey_pictures_are_not_mixed() -> None:
    grey, colour = Image.new("L", (4, 4), 200), Image.new("RGBA", (4, 4), (1, 2, 3, 4))
    assert images_of(InMemoryDataSet([(grey, 0)])).unique().tolist() == [200]
    assert InMemoryDataSet([(colour, 0)]).image_channels == 3
    with pytest.raises(DataError, match="training image 1: 3 channels "):
        InMemoryDataSet([(grey, 0), (colour, 1)])


def digits_in_memory() -> InMemoryDataSet:
    """The data set ``digits`` as created by a program from scikit-learn's arrays."""
    digits = Digits()
    (train, test) = (digits.load(split, 8) for split in ("train", "test"))
    return neuronas.InMemoryDataSet(
        train=(train.images[:, 0].double() / 255, train.labels),
        test=(test.images, test.labels),
        mean=digits.mean,
        std=digits.std,
    )


def test_digits_in_memory_are_the_built_in_digits() -> None:
    digits = digits_in_memory()
    assert digits.name == f"memory:{Digits().digest()}"
    settings = {
        "network": {"channels": 16, "head_width": 128},
        "fitness": {"batch_size": 64, "n_batches": 2},
        "seed": 5,
    }
    own = plan(checked(settings, "test"))
    passed = plan(checked(settings | {"data": {"name": digits}}, "test"))
    assert (own.shape, own.passes_images, passed.passes_images) == (passed.shape, False, True)
    assert torch.equal(search_images(own), search_images(passed))
    for split in ("train", "test"):
        one, other = read_images(own, split), read_images(passed, split)
        order = np.random.default_rng(0).permutation(len(one))[:100]
        assert torch.equal(one.fetch(order), other.fetch(order))
        assert torch.equal(one.labels, other.labels)
        assert torch.equal(one.normalised(one.fetch(order)), other.normalised(other.fetch(order)))
    assert passed.config.data.name == digits.name


def test_a_run_is_read_without_its_images() -> None:
    """A run stores what it needs of them; the error says what to pass if images are needed."""
    made = plan(checked({"data": {"name": digits_in_memory()}}, "test"))
    run = plan(checked(made.config.model_dump(), "test"))
    assert run.config == made.config
    with pytest.raises(DataError, match="was in memory and is not stored in a file; in Python, pass") as told:
        read_images(run, "test")
    assert "neuronas.InMemoryDataSet" in str(told.value) and "\n" not in str(told.value)
    with pytest.raises(DataError, match="was in memory"):
        plan(checked({"data": {"name": "memory:1"}}, "test"))


SMALL = {"channels": 4, "timesteps": 2, "head": "gap", "batch_size": 32, "algorithm": "snasnet", "n_draws": 3}


def shades(n: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Noisy images of 12x16 pixels, whose brightness indicates the class."""
    labels = np.arange(n) % 3
    noise = np.random.default_rng(n).integers(0, 56, (n, 12, 16))
    return (noise + 100 * labels[:, None, None]).astype(np.uint8), labels


def test_from_memory_to_an_evaluated_network(tmp_path: Path) -> None:
    dataset = neuronas.InMemoryDataSet(shades(90), shades(30), class_names=["dark", "grey", "bright"])
    run = neuronas.search(dataset=dataset, out=tmp_path / "run", **SMALL)
    assert run.summary.dataset == dataset.name
    assert run.plan.shape.image_size == (12, 16)
    trained = neuronas.train(run.directory, dataset=dataset, epochs=1, batch_size=16)
    assert trained.n_training == 81
    assert neuronas.evaluate(run.directory, dataset=dataset).n_images == 30
    assert neuronas.load(run.directory)(torch.zeros(1, 1, 12, 16)).shape == (2, 1, 3)
    assert "bright" in neuronas.report(run.directory).file.read_text(encoding="utf-8")
    with pytest.raises(DataError, match="was in memory and is not stored"):
        neuronas.evaluate(run.directory)
    with pytest.raises(ConfigurationError, match="differs from the run's own"):
        neuronas.train(run.directory, dataset=neuronas.InMemoryDataSet(shades(60)))


@pytest.mark.slow
def test_workers_see_what_is_in_memory(tmp_path: Path) -> None:
    dataset = neuronas.InMemoryDataSet(shades(90))
    here = neuronas.search(dataset=dataset, out=tmp_path / "here", **SMALL)
    there = neuronas.search(dataset=dataset, out=tmp_path / "there", workers=1, **SMALL)
    assert (there.text, there.fitness) == (here.text, here.fitness)


def test_sequences() -> None:
    """[N, T, C, H, W] is a sequence data set; its statistics are those of its images."""
    labels = np.arange(6) % 2
    images = np.random.default_rng(0).integers(0, 256, (6, 2, 5, 7), dtype=np.uint8)
    still, steps = InMemoryDataSet((images, labels)), np.repeat(images[:, None], 3, axis=1)
    found = InMemoryDataSet((steps, labels), (steps, labels), window_ms=30)
    assert (found.sequence, found.image_channels, found.image_size, found.window_ms) == (True, 2, (5, 7), 30)
    assert (found.mean, found.std, still.sequence) == (still.mean, still.std, False)
    read = found.load("train", (5, 7)).read(4)
    assert read.shape == (3, 2, 5, 7) and (read.numpy() == images[4]).all()
    last = InMemoryDataSet((np.moveaxis(steps, 2, -1), labels))
    assert last.name == found.name
    assert (last.load("train", 4).read(1)[2] == still.load("train", 4).read(1)).all()
    assert InMemoryDataSet(list(zip(steps, labels, strict=True))).name == found.name
    assert found.with_timesteps(3) is found
    with pytest.raises(DataError, match=r"has sequences of 3 time steps; expected as many as the network has, 4"):
        found.with_timesteps(4)
    with pytest.raises(DataError, match="2 channels given; expected sequences of 3 time steps and 2 channel"):
        InMemoryDataSet((steps, labels), (images, labels))
    with pytest.raises(DataError, match="2 time steps of 2 channel"):
        InMemoryDataSet([(steps[0], 0), (steps[1, :2], 1)])
    assert InMemoryDataSet((steps.astype(int) % 2, labels)).sequence  # event counts may be only 0 and 1
