"""A network for your own photographs: python own_images.py DIR [RUN]

DIR holds train/CLASS/*.jpg and test/CLASS/*.jpg, or CLASS/*.jpg, of which a share becomes the test images.
Images are resized. More pixels, channels and images per batch give better networks, cost more and take longer.
"""

import sys

import neuronas


def main(folder: str, run: str = "runs/own-images") -> None:
    """Search, train, and evaluate on the test images."""
    found = neuronas.search(
        dataset=f"imagefolder:{folder}",
        image_side=16,
        channels=8,
        timesteps=3,
        batch_size=16,
        max_energy_uj=100,
        max_latency_ms=50,
        out=run,
    )
    print(found.text)
    print(f"energy {found.cost.energy_uj:.1f} µJ, latency {found.cost.latency_ms:.2f} ms (estimates)")

    trained = neuronas.train(found.directory, epochs=30)
    print(f"best epoch {trained.best_epoch}: validation accuracy {trained.validation_accuracy:.1%}")

    measured = neuronas.evaluate(found.directory)
    print(f"{measured.top1:.1%} of the test images with 8-bit weights, {measured.accuracy_by_bits['4']:.1%} with 4-bit")
    print(neuronas.report(found.directory).file)


if __name__ == "__main__":
    main(*sys.argv[1:])
