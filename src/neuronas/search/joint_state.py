"""Progress of the enumeration of a joint space, stored in a file: the front so far and the counts."""

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from neuronas.config import is_there, write_bytes
from neuronas.errors import VerificationError
from neuronas.hardware.cost import Array
from neuronas.search.joint import Explored
from neuronas.search.joint_designs import Designs, Nearest
from neuronas.search.joint_space import JointSpace

_COUNTS = ("n_covered", "n_costed", "n_feasible")


@dataclass
class JointState:
    """State after the first settings.

    Attributes:
        digest: digest of the joint space; a state of another space is ignored.
        front: front over all settings so far.
        counts: [n_done, 3] number of covered, costed and feasible designs of each setting.
        means: [n_done, 4] mean logarithms of error, energy, latency and area of each setting.
        chips: by lowest weight bits, [n_chips, 5] sums of these over settings for each chip, and the number of settings
            at which it was costed.
        nearest: the design nearest to the budget, as long as no design meets it.
    """

    digest: str
    front: Designs = field(default_factory=Designs.none)
    counts: Array = field(default_factory=lambda: np.zeros((0, len(_COUNTS))))
    means: Array = field(default_factory=lambda: np.zeros((0, 4)))
    chips: dict[int, Array] = field(default_factory=dict)
    nearest: Nearest | None = None

    @property
    def n_done(self) -> int:
        """Number of finished settings."""
        return len(self.counts)

    def count(self, name: str) -> int:
        """Sum of a count over all settings: ``n_covered``, ``n_costed`` or ``n_feasible``."""
        return int(self.counts[:, _COUNTS.index(name)].sum())

    def add(self, space: JointSpace, found: Explored) -> None:
        """Add the result of the next setting."""
        setting = space.settings[self.n_done]
        sums = self.chips.setdefault(setting.lowest_bits, np.zeros((len(space.chips(setting)), 5)))
        sums[found.chips] += np.column_stack([found.means, np.ones(len(found.means))])
        self.front = self.front.with_others(found.front, resolution=space.resolution)
        self.counts = np.vstack([self.counts, [getattr(found, name) for name in _COUNTS]])
        own = found.means.mean(axis=0) if len(found.means) else np.full(4, np.nan)
        self.means = np.vstack([self.means, own])
        known, new = self.nearest, found.nearest
        if new is not None and (known is None or new.relative < known.relative):
            self.nearest = new

    def save(self, path: Path) -> None:
        """Write the state; the file is either whole or absent."""
        near = self.nearest
        content = BytesIO()
        np.savez_compressed(
            content,
            allow_pickle=False,
            digest=np.array(self.digest),
            points=self.front.points,
            origins=self.front.origins,
            counts=self.counts,
            means=self.means,
            near=np.array([] if near is None else [near.relative, near.value, *near.origin]),
            near_name=np.array("" if near is None else near.name),
            **{f"chips_{bits}": sums for bits, sums in self.chips.items()},
        )
        write_bytes(path, content.getvalue())

    @classmethod
    def read(cls, path: Path, digest: str) -> "JointState":
        """Read the state from a file; empty if there is no file or if it belongs to another space.

        Raises:
            VerificationError: the file is damaged.
        """
        if not is_there(path):
            return cls(digest)
        try:
            with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as file:
                if str(file["digest"]) != digest:
                    return cls(digest)
                near, name = file["near"].tolist(), str(file["near_name"])
                return cls(
                    digest=digest,
                    front=Designs(file["points"], file["origins"]),
                    counts=file["counts"],
                    means=file["means"],
                    chips={int(key.partition("_")[2]): file[key] for key in file.files if key.startswith("chips_")},
                    nearest=Nearest(near[0], name, near[1], (int(near[2]), int(near[3]), int(near[4])))
                    if near
                    else None,
                )
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise VerificationError(
                f"{path}: is damaged ({error}); remove it, and the enumeration begins again"
            ) from error
