"""Recordings as a data set: slices, augmentation, the store on disk, folders and published layouts."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import event_files
from neuronas.config import EventsConfig
from neuronas.data.datasets import open_dataset
from neuronas.data.events.augmentation import EventAugmentation, augmented
from neuronas.data.events.frames import Slicing
from neuronas.data.events.item import Item
from neuronas.data.events.recording import Recording
from neuronas.data.events.store import open_store
from neuronas.errors import ConfigurationError, DataError

SENSOR = (12, 20)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEURONAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "events"


def events_config(**values: object) -> EventsConfig:
    return EventsConfig(**{"window_ms": 0.0, "sensor": None, **values})  # type: ignore[arg-type]


def slicing(timesteps: int = 3, size: tuple[int, int] = SENSOR, channels: int = 2, window_us: int = 3000,
            **values: object) -> Slicing:  # fmt: skip
    return Slicing(timesteps, SENSOR, size, channels, window_us, events_config(**values))


def recording(n: int = 300, seed: int = 0, until_us: int = 3000) -> Recording:
    rng = np.random.default_rng(seed)
    t_us = np.sort(rng.integers(0, until_us, n))
    return Recording.of(
        t_us, rng.integers(0, SENSOR[1], n), rng.integers(0, SENSOR[0], n), rng.integers(0, 2, n), SENSOR
    )


def counted(found: Recording, cut: Slicing) -> np.ndarray:
    """Reference implementation, event by event."""
    frames = np.zeros((cut.timesteps, 2, *cut.size), int)
    height, width = cut.crop
    for t, x, y, p in zip(found.t_us, found.x, found.y, found.p, strict=True):
        row, column = int(y) - (SENSOR[0] - height) // 2, int(x) - (SENSOR[1] - width) // 2
        if t < cut.window_us and 0 <= row < height and 0 <= column < width:
            step = int(t) * cut.timesteps // cut.window_us
            frames[step, int(p), row * cut.size[0] // height, column * cut.size[1] // width] += 1
    return frames


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 7), st.sampled_from([None, (6, 8), (12, 10)]), st.sampled_from([(3, 4), (6, 8), (5, 7)]),
    st.integers(0, 200),
)  # fmt: skip
def test_frames_count_events_in_equal_durations(timesteps: int, crop: tuple[int, int] | None, size: tuple[int, int],
                                                seed: int) -> None:  # fmt: skip
    cut = slicing(timesteps, size, window_us=2000, crop=crop)
    found = recording(seed=seed)
    assert np.array_equal(cut.frames(found), counted(found, cut))


def test_frames_are_bytes_of_at_most_255_or_of_0_and_1() -> None:
    found = Recording.of(*(np.full(400, value) for value in (10, 3, 2, 1)), SENSOR)
    frames = slicing().frames(found)
    assert frames.dtype == np.uint8
    assert frames.shape == (3, 2, *SENSOR)
    assert (frames[0, 1, 2, 3], frames.sum()) == (255, 255)
    assert slicing(values="binary").frames(found).sum() == 1
    assert slicing(channels=1).frames(found)[0, 0, 2, 3] == 255


def test_slices_by_count_hold_equally_many_events() -> None:
    found = recording(200)
    frames = slicing(4, slices="count").frames(found)
    assert frames.sum(axis=(1, 2, 3)).tolist() == [50] * 4
    assert np.array_equal(frames.sum(axis=0), slicing(4).frames(found).sum(axis=0))


def test_first_spike_is_brighter_the_earlier_it_comes() -> None:
    found = Recording.of(
        np.array([0, 500, 999, 1000, 2999]), np.array([1, 1, 2, 1, 1]), np.full(5, 4), np.ones(5, int), SENSOR
    )
    frames = slicing(values="first-spike").frames(found)
    late = 255 - int(0.999 * 255)
    assert frames[[0, 0, 1, 2], 1, 4, [1, 2, 1, 1]].tolist() == [255, late, 255, late]
    assert np.count_nonzero(frames) == 4


def test_controls_keep_every_event_and_are_the_same_each_time() -> None:
    found = recording(600)
    plain = slicing(6).frames(found, 3)
    shuffled, collapsed = (slicing(6, order=order) for order in ("shuffled", "collapsed"))
    frames = shuffled.frames(found, 3)
    assert np.array_equal(frames, shuffled.frames(found, 3))
    assert sorted(step.tobytes() for step in frames) == sorted(step.tobytes() for step in plain)
    assert any(not np.array_equal(shuffled.frames(found, n), slicing(6).frames(found, n)) for n in range(4))
    assert np.array_equal(collapsed.frames(found).sum(axis=0), plain.sum(axis=0))
    early = Recording.of(np.arange(600), found.x, found.y, found.p, SENSOR)  # all in the first step
    assert (np.abs(collapsed.frames(early).sum(axis=(1, 2, 3)).astype(int) - 100) < 40).all()


def test_a_larger_image_than_the_sensor_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="image side 24x24 given for recordings of 12x20 pixels"):
        slicing(size=(24, 24))
    with pytest.raises(ConfigurationError, match=r"events\.crop 16x16 given for recordings of 12x20 pixels"):
        slicing(size=(8, 8), crop=(16, 16))


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        EventAugmentation,
        flip=st.booleans(),
        shift=st.integers(0, 9),
        rotate=st.sampled_from([0.0, 30.0]),
        zoom=st.sampled_from([0.0, 0.5]),
        elastic=st.sampled_from([0.0, 2.0]),
        drop=st.sampled_from([0.0, 0.3]),
        jitter_ms=st.sampled_from([0.0, 0.2]),
    ),
    st.integers(0, 99),
)
def test_an_augmented_recording_is_valid_and_the_seed_decides_it(how: EventAugmentation, seed: int) -> None:
    found = augmented(recording(), SENSOR, how, [seed, 1])
    assert (np.diff(found.t_us) >= 0).all()
    assert len(found) <= 300
    assert found.x.max(initial=0) < SENSOR[1]
    assert found.y.max(initial=0) < SENSOR[0]
    again = augmented(recording(), SENSOR, how, [seed, 1])
    assert all(np.array_equal(getattr(found, name), getattr(again, name)) for name in ("t_us", "x", "y", "p"))
    if not how.is_active:
        assert np.array_equal(found.x, recording().x)


def test_augmentation_moves_mirrors_drops_and_shakes_as_much_as_is_said() -> None:
    plain = recording(4000)
    mirrored = [augmented(plain, SENSOR, EventAugmentation(flip=True), [n]).x for n in range(40)]
    kinds = {tuple(x[:50].tolist()) for x in mirrored}
    assert kinds == {tuple(plain.x[:50].tolist()), tuple((SENSOR[1] - 1 - plain.x[:50].astype(int)).tolist())}
    kept = len(augmented(plain, SENSOR, EventAugmentation(drop=0.25), [1]))
    assert 2900 < kept < 3100
    one = Recording.of(np.full(1, 5), np.full(1, 10), np.full(1, 6), np.ones(1), SENSOR)
    places = {
        int(found.x[0]) for n in range(60) if len(found := augmented(one, SENSOR, EventAugmentation(shift=2), [n]))
    }
    assert places == {8, 9, 10, 11, 12}
    middle = Recording.of(np.array([0, *[50_000] * 4000, 100_000]), *(np.zeros(4002, int),) * 3, SENSOR)
    shaken = augmented(middle, SENSOR, EventAugmentation(jitter_ms=2.0), [1]).t_us[1:-1]
    assert 1900 < shaken.std() < 2100


def test_augmentation_turns_and_enlarges_about_the_middle_as_much_as_is_said() -> None:
    sensor = (101, 101)
    right = Recording.of(np.arange(500), np.full(500, 80), np.full(500, 50), np.ones(500), sensor)

    def middles(how: EventAugmentation) -> np.ndarray:
        return np.array(
            [[f.x.mean() - 50, f.y.mean() - 50] for f in (augmented(right, sensor, how, [n]) for n in range(200))]
        )

    turned = middles(EventAugmentation(rotate=20.0))
    assert np.allclose(np.hypot(*turned.T), 30, atol=0.3)
    angles = np.degrees(np.arctan2(turned[:, 1], turned[:, 0]))
    assert -20.5 < angles.min() < -18
    assert 18 < angles.max() < 20.5
    enlarged = middles(EventAugmentation(zoom=0.25))
    assert np.abs(enlarged[:, 1]).max() < 0.3
    assert 23.5 < enlarged[:, 0].min() < 25
    assert 36.5 < enlarged[:, 0].max() < 38


def test_bending_moves_neighbours_alike_and_far_events_apart() -> None:
    sensor, n = (100, 100), 300
    x = np.repeat([10, 14, 90], n)
    plain = Recording.of(np.arange(3 * n), x, np.full(3 * n, 50), np.ones(3 * n), sensor)
    moved = []
    for seed in range(200):
        bent = augmented(plain, sensor, EventAugmentation(elastic=2.0), [seed])
        assert len(bent) > 0.95 * len(plain)
        places = [bent.x[np.isin(bent.t_us, np.arange(first * n, (first + 1) * n))].mean() for first in range(3)]
        moved.append(np.array(places) - [10, 14, 90])
    moved = np.array(moved)
    assert 1.0 < moved[:, 0].std() < 2.0  # averages between corners, so less than at a corner
    assert np.corrcoef(moved[:, 0], moved[:, 1])[0, 1] > 0.9
    assert abs(np.corrcoef(moved[:, 0], moved[:, 2])[0, 1]) < 0.25


def folder(path: Path, n: int = 4, sensor: tuple[int, int] = (10, 14)) -> Path:
    """Two classes: events move to the right or to the left."""
    rng = np.random.default_rng(0)
    for split, many in (("train", n), ("test", 2)):
        for label, name in enumerate(("left", "right")):
            place = path / split / name
            place.mkdir(parents=True)
            for number in range(many):
                t = np.sort(rng.integers(0, 20_000, 150))
                x = t * sensor[1] // 20_000
                x = x if label else sensor[1] - 1 - x
                y, p = rng.integers(0, sensor[0], 150), rng.integers(0, 2, 150)
                events = list(zip(*(one.tolist() for one in (t + 77, x, y, p)), strict=True))
                (place / f"{number}.npz").write_bytes(event_files.npz(events))
    return path


def test_a_folder_of_recordings_is_a_sequence_data_set(tmp_path: Path) -> None:
    dataset = open_dataset(f"events:{folder(tmp_path / 'own')}")
    assert dataset.sequence
    assert (dataset.class_names, dataset.image_channels, dataset.image_size) == (("left", "right"), 2, (10, 14))
    assert 19 < dataset.window_ms < 20
    assert dataset.mean == (0.0, 0.0)
    source = dataset.with_timesteps(4).load("train", dataset.image_size)
    frames = np.stack([source.read(index).numpy() for index in range(8)])
    assert frames.shape == (8, 4, 2, 10, 14)
    assert source.labels.tolist() == [0] * 4 + [1] * 4
    centre = (frames.sum(axis=(2, 3)) * np.arange(14)).sum(axis=-1) / frames.sum(axis=(2, 3, 4))
    assert (np.diff(centre[:4]) < 0).all()
    assert (np.diff(centre[4:]) > 0).all()
    expected = np.sqrt((frames.astype(float) ** 2).mean(axis=(0, 1, 3, 4))) / 255
    assert np.allclose(dataset.with_timesteps(4).std, expected, atol=1e-6)
    assert len(dataset.load("test", 10).labels) == 4


def test_an_event_is_the_same_number_in_both_channels_of_binary_frames(tmp_path: Path) -> None:
    dataset = open_dataset(f"events:{folder(tmp_path / 'own')}").with_timesteps(4)
    counts, binary = dataset.std, dataset.with_events(events_config(values="binary"), 4, None)
    assert counts[0] != counts[1]
    source = binary.load("train", binary.image_size)
    share = np.mean([source.read(index).numpy() for index in range(8)])
    assert binary.std == pytest.approx([float(np.sqrt(share)) / 255] * 2, abs=1e-6) and len(set(binary.std)) == 1


def test_channels_size_and_settings_are_those_that_are_asked_for(tmp_path: Path) -> None:
    dataset = open_dataset(f"events:{folder(tmp_path / 'own')}")
    both = dataset.with_channels(1).with_events(events_config(window_ms=10.0, crop=(8, 8)), 2, (4, 4))
    assert (both.image_size, both.mean, len(both.std), both.window_ms) == ((4, 4), (0.0,), 1, 10.0)
    assert both.load("train", (4, 4)).read(0).shape == (2, 1, 4, 4)
    assert dataset.with_events(events_config(crop=(8, 8)), 2, None).image_size == (8, 8)
    assert dataset.with_events(events_config(sensor=(20, 30)), 2, None).image_size == (20, 30)
    with pytest.raises(DataError, match=r"cover 10x14 pixels, but the sensor has 8x14 \(events\.sensor\)"):
        dataset.with_events(events_config(sensor=(8, 14)), 2, None).load("train", 8)
    with pytest.raises(ConfigurationError, match="expected 2"):
        dataset.with_channels(3)
    assert both.digest() != dataset.digest()
    assert dataset.digest() == open_dataset(dataset.name).digest()


def test_a_large_sensor_is_reduced_by_a_whole_factor(tmp_path: Path) -> None:
    (tmp_path / "big" / "a").mkdir(parents=True)
    (tmp_path / "big" / "a" / "one.raw").write_bytes(event_files.evt3([(5, 1279, 719, 1), (9, 0, 0, 0)]))
    dataset = open_dataset(f"events:{tmp_path / 'big'}")
    assert dataset.image_size == (36, 64)
    frames = dataset.load("train", dataset.image_size).read(0)
    assert frames[:, 1, 35, 63].sum() == frames[:, 0, 0, 0].sum() == 1


def test_files_are_read_once_and_again_only_where_they_changed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neuronas.data.events import store

    read: list[Path] = []
    original = store.read_recording
    monkeypatch.setattr(store, "read_recording", lambda path: (read.append(path), original(path))[1])
    place = folder(tmp_path / "own")
    first = open_dataset(f"events:{place}")
    first.check(n_threads=1, skip_corrupt=False)
    assert len(read) == len(set(read)) == 12
    assert len(list(cache.iterdir())) == 2
    again = open_dataset(f"events:{place}")
    again.check(n_threads=1, skip_corrupt=False)
    assert again.with_timesteps(9).load("train", (5, 7)).read(1).shape == (9, 2, 5, 7)
    assert len(read) == 12
    place.rename(tmp_path / "moved")
    open_dataset(f"events:{tmp_path / 'moved'}").check(n_threads=1, skip_corrupt=False)
    assert len(read) == 12
    os.utime(tmp_path / "moved" / "test" / "left" / "0.npz", ns=(1, 1))
    open_dataset(f"events:{tmp_path / 'moved'}").check(n_threads=1, skip_corrupt=False)
    assert len(read) == 16


def test_the_store_keeps_every_event_and_notices_damage(tmp_path: Path, cache: Path) -> None:
    small = [(100 + 3 * n, n % 200, n % 7, n % 2) for n in range(90)]
    large = [(2**40 + n, 1000 + n, 600, 1) for n in range(50)]
    for name, events in (("small", small), ("large", large)):
        (tmp_path / f"{name}.npy").write_bytes(event_files.npy(events))
    (tmp_path / "bad.npy").write_bytes(b"nothing")
    items = [Item(tmp_path / f"{name}.npy", 0) for name in ("small", "large", "bad")]
    items += [Item(tmp_path / "small.npy", 1, 130, 160)]
    progress: list[tuple[int, int]] = []
    store = open_store(items, tmp_path, cache, "test", lambda done, of: progress.append((done, of)))
    assert progress == [(n, 4) for n in (1, 2, 3, 4)]
    for number, events, start in ((0, small, 100), (1, large, 2**40), (3, small[10:20], 130)):
        found = store.recording(number)
        columns = (found.t_us + start, found.x, found.y, found.p)
        assert list(zip(*(one.astype(int).tolist() for one in columns), strict=True)) == events
    assert store.extent == (601, 1050)
    assert store.good.tolist() == [0, 1, 3]
    with pytest.raises(DataError, match=r"bad\.npy: begins with"):
        store.recording(2)
    (path,) = cache.iterdir()
    raw = bytearray(path.read_bytes())
    for place, message in (
        (40, "recording 0 has changed"),
        (len(raw) - 60, "its index has changed"),
        (0, "is incomplete"),
    ):
        changed = bytearray(raw)
        changed[place] ^= 1
        path.unlink()  # the open file stays as it is
        path.write_bytes(changed)
        with pytest.raises(DataError, match=f"is damaged .*{message}.*; remove it"):
            open_store(items, tmp_path, cache, "test").recording(0)
    path.write_bytes(raw[:50])
    with pytest.raises(DataError, match="is damaged"):
        open_store(items, tmp_path, cache, "test")


def test_recordings_that_cannot_be_read_are_refused_or_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = folder(tmp_path / "own")
    (place / "train" / "left" / "bad.npz").write_bytes(b"PK\x03\x04")
    dataset = open_dataset(f"events:{place}")
    with pytest.raises(DataError, match=r"recording .*bad\.npz: is not a complete \.npz file"):
        dataset.check(n_threads=1, skip_corrupt=False)
    dataset.check(n_threads=1, skip_corrupt=True)
    assert "1 of 9 train recordings cannot be read and are skipped" in caplog.text


def test_a_folder_without_recordings_says_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "empty" / "train" / "a").mkdir(parents=True)
    with pytest.raises(DataError, match=r"holds no recordings \(looked for \.aedat, "):
        open_dataset(f"events:{tmp_path / 'empty'}").check(n_threads=1, skip_corrupt=False)
    with pytest.raises(DataError, match=r"event folder .*expected DIR/train/CLASS/\*\.bin"):
        open_dataset(f"events:{tmp_path / 'none'}").check(n_threads=1, skip_corrupt=False)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NEURONAS_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written .*set NEURONAS_CACHE to another folder"):
        open_dataset(f"events:{folder(tmp_path / 'own')}").check(n_threads=1, skip_corrupt=False)


@pytest.mark.parametrize("names", [("Train", "Test"), ("train", "test")])
def test_nmnist_is_found_in_its_layout(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        for digit in range(10):
            (tmp_path / "N-MNIST" / name / str(digit)).mkdir(parents=True)
            events = [(100 * n, n, digit, 1) for n in range(20)]
            (tmp_path / "N-MNIST" / name / str(digit) / "00001.bin").write_bytes(event_files.atis(events))
    dataset = open_dataset("nmnist", str(tmp_path))
    dataset.check(n_threads=1, skip_corrupt=False)
    assert dataset.image_size == (34, 34)
    assert dataset.load("test", 34).labels.tolist() == list(range(10))
    assert open_dataset("nmnist", str(tmp_path / "N-MNIST")).is_there()
    with pytest.raises(DataError, match=r"nmnist: not found; .*unpack Train\.zip"):
        open_dataset("nmnist", str(tmp_path / "none")).check(n_threads=1, skip_corrupt=False)


def test_gestures_are_cut_out_as_their_tables_say(tmp_path: Path) -> None:
    root = tmp_path / "DvsGesture"
    root.mkdir()
    for user, split in ((1, "train"), (24, "test")):
        name = f"user{user:02}_led"
        (root / f"trials_to_{split}.txt").write_text(f"{name}.aedat\n\n")
        events = [(1000 + 10 * n, n % 128, n % 100, n % 2) for n in range(400)]
        (root / f"{name}.aedat").write_bytes(event_files.aedat3(events))
        (root / f"{name}_labels.csv").write_text("class,startTime_usec,endTime_usec\n1,1500,2500\n11,3000,4000\n")
    dataset = open_dataset("dvs128-gesture", str(tmp_path))
    dataset.check(n_threads=1, skip_corrupt=False)
    source = dataset.with_timesteps(2).load("train", 64)
    assert source.labels.tolist() == [0, 10]
    assert [int(source.read(index).sum()) for index in (0, 1)] == [100, 100]
    assert dataset.image_size == (64, 64)
    assert dataset.class_names is not None
    assert len(dataset.class_names) == dataset.n_classes == 11
    (root / "user01_led_labels.csv").write_text("class,startTime_usec,endTime_usec\n12,1,2\n")
    with pytest.raises(DataError, match="line 2 is '12,1,2'; expected a class of 1 to 11"):
        open_dataset("dvs128-gesture", str(tmp_path)).check(n_threads=1, skip_corrupt=False)


def test_cifar10_dvs_is_split_by_class_with_a_fixed_seed(tmp_path: Path) -> None:
    names = open_dataset("cifar10-dvs").class_names
    assert names is not None
    for name in names:
        (tmp_path / "CIFAR10-DVS" / name).mkdir(parents=True)
        for number in range(5):
            events = [(10 * n, n, number, 1) for n in range(10)]
            (tmp_path / "CIFAR10-DVS" / name / f"cifar10_{name}_{number}.aedat").write_bytes(event_files.aedat2(events))
    dataset = open_dataset("cifar10-dvs", str(tmp_path))
    dataset.check(n_threads=1, skip_corrupt=False)
    train, test = ({item.path for item in dataset.items(split)} for split in ("train", "test"))
    assert (len(train), len(test), len(train | test)) == (40, 10, 50)


def test_times_of_gestures_are_those_of_the_file(tmp_path: Path) -> None:
    """Times in AEDAT 3.1 have an upper half in the header of a packet."""
    raw = bytearray(event_files.aedat3([(5, 1, 1, 1)]))
    place = raw.index(b"HEADER\r\n") + 8
    struct.pack_into("<I", raw, place + 12, 1)
    (tmp_path / "one.aedat").write_bytes(raw)
    store = open_store([Item(tmp_path / "one.aedat", 0, 2**31, 2**31 + 10)], tmp_path, tmp_path / "c", "test")
    assert store.recording(0).t_us.tolist() == [5]


def test_training_draws_other_versions_and_validation_does_not(tmp_path: Path) -> None:
    import torch

    from neuronas.training.images import Images, Subset

    dataset = open_dataset(f"events:{folder(tmp_path / 'own')}")
    plain, moving = (
        Subset(dataset.with_events(events_config(), 3, None, how).load("train", (10, 14)), np.arange(1, 7))
        for how in ({}, {"shift": 3, "drop": 0.2})
    )
    indices = np.arange(6)
    images = Images(moving, (0.0, 0.0), (1.0, 1.0))
    expected = Images(plain, (0.0, 0.0), (1.0, 1.0)).drawn(indices, 5)
    assert torch.equal(images.fetch(indices), expected)
    assert torch.equal(images.drawn(indices, 5), images.drawn(indices, 5))
    assert not torch.equal(images.drawn(indices, 5), images.drawn(indices, 6))
    assert images.drawn(indices, 5).sum() < expected.sum()
