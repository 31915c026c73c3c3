"""The data sets that come with neuronas, by name. Nothing here needs torch."""

from collections.abc import Callable, Mapping

from neuronas.data.cifar import Cifar10, Cifar100
from neuronas.data.dataset import DataSet
from neuronas.data.digits import Digits
from neuronas.data.folders import ImageFolder, TinyImageNet

BUILTIN: Mapping[str, DataSet | Callable[..., DataSet]] = {
    "digits": Digits,
    "cifar10": Cifar10,
    "cifar100": Cifar100,
    "tiny-imagenet-200": TinyImageNet,
    "imagefolder:DIR": ImageFolder,
}
"""A data set, or what makes it; of ``KIND:WHAT`` it is called with what follows the colon."""
