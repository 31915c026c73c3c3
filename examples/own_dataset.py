"""A data set of your own under a name: neuronas search --plugin own_dataset.py --dataset stripes --channels 4

A subclass of ``neuronas.DataSet`` says what the images are like, and reads them when they are needed. As a plug-in it
is found by the command line, by workers and by a run that is evaluated later.
"""

from typing import TYPE_CHECKING

import neuronas

if TYPE_CHECKING:
    from neuronas.data.source import ArraySource


class Stripes(neuronas.DataSet):
    """Grey images of 16x16 pixels with horizontal or vertical stripes, drawn at random."""

    name = "stripes"
    image_channels, image_size = 1, (16, 16)
    n_classes, class_names = 2, ("horizontal", "vertical")
    mean, std = (0.5,), (0.35,)
    channels, batch_size, augment = 8, 32, "none"  # defaults of settings

    def load(self, split: str, size: int | tuple[int, int]) -> "ArraySource":
        """Return the images of a split; ``ImageSource`` is the protocol, for images that do not fit into memory."""
        import torch

        from neuronas.data.pixels import resized
        from neuronas.data.source import ArraySource

        generator = torch.Generator().manual_seed({"train": 0, "test": 1}[split])
        labels = torch.randint(2, (300,), generator=generator)
        noise = torch.randint(0, 100, (300, 1, 16, 16), generator=generator, dtype=torch.uint8)
        stripes = (torch.arange(16) // 2 % 2 * 155).to(torch.uint8)
        images = noise + torch.where(labels[:, None, None, None] == 0, stripes[:, None], stripes)
        return ArraySource(resized(images, size), labels.numpy())


plugin = neuronas.Plugin(datasets={"stripes": Stripes})
