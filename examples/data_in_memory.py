"""Search, train and evaluate with images in memory: python data_in_memory.py [RUN]

The images are arrays of scikit-learn here. A torch tensor, or a data set of PyTorch, torchvision or Hugging Face, is
passed in the same way.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits

import neuronas


def main(run: str = "runs/in-memory") -> None:
    """Find a network for 8x8 digits, and evaluate it on images that neither search nor training used."""
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = pixels[order].reshape(-1, 8, 8) / 16, labels[order]  # pixels from 0 to 1
    digits = neuronas.InMemoryDataSet(train=(images[:1400], labels[:1400]), test=(images[1400:], labels[1400:]))
    print(f"{digits.name}: {digits.n_classes} classes, mean {digits.mean[0]}, standard deviation {digits.std[0]}")

    found = neuronas.search(
        dataset=digits,
        algorithm="snasnet",
        n_draws=50,
        channels=6,
        timesteps=3,
        batch_size=64,
        max_energy_uj=15,
        out=run,
    )
    neuronas.train(found.directory, dataset=digits, epochs=12, learning_rate=0.01)
    measured = neuronas.evaluate(found.directory, dataset=digits)
    print(f"{measured.top1:.0%} of {measured.n_images} test images are classified correctly")


if __name__ == "__main__":
    main(*sys.argv[1:])
