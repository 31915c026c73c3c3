"""The sizes at which the experiments run."""

from neuronas.experiments.study import Size

SMALL = Size(
    settings={
        "data": {"image_side": 16},
        "network": {"channels": 8, "timesteps": 2, "head": "gap"},
        "fitness": {"name": "sahd", "batch_size": 32, "exact": True},
        "search": {"n_draws": 300},
        "train": {
            "epochs": 10,
            "batch_size": 32,
            "ema": 0.98,
            "warmup_epochs": 1.0,
            "augment": "shift",
            "precision": "float32",
        },
    },
    n_seeds=3,
    n_training=2000,
    n_test=5000,
)
"""Images of 16x16 pixels, 8/16 channels, two time steps, 2,000 training images: a training takes less than a minute on
one thread. Everything else is as at full scale but for the head, whose linear layers would dwarf such a network."""

FULL = Size(
    settings={"fitness": {"name": "sahd"}, "search": {"n_draws": 5000}, "train": {"recipe": "paper"}},
    n_seeds=3,
)
"""As published: 128/256 channels, five time steps, batches of 256 for fitness, all images, 200 epochs; five or more
runs would be better statistics, but one takes hours on a GPU."""

SIZES = {"small": SMALL, "full": FULL}
NEEDS = "CIFAR-10 images (or others: --dataset); a GPU at --scale full"
SMALLER = (
    "at --scale small ours are small networks (8 channels, two time steps, 16x16 pixels) that learn for ten "
    "epochs from 2,000 images, where the papers train 128/256 channels on all images for 200 epochs; "
    "accuracies are therefore far lower, and only differences between rows say anything"
)
