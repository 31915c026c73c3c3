"""Events in DSEC's HDF5 layout: group ``events``, data sets x, y, p and t (https://dsec.ifi.uzh.ch/data-format)."""

from pathlib import Path

import numpy as np

from neuronas.data.events.arrays import recording_of
from neuronas.data.events.recording import Recording, RecordingError
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.hdf5.reading import reading_hdf5

MAGIC = b"\x89HDF\r\n\x1a\n"
_GROUP = "events"


def read(path: Path) -> Recording:
    """Read a file.

    Raises:
        RecordingError: damaged, or of another layout.
        ConfigurationError: h5py or a filter is not installed.
    """
    try:
        with reading_hdf5(path, _GROUP) as pending:
            found = pending.read()
    except VerificationError as error:
        raise RecordingError(str(error).removeprefix(f"{path} ")) from error
    except ValueError as error:
        reason = str(error)
        if "h5py" in reason or "filter" in reason or "plugin" in reason:
            raise ConfigurationError(
                f"recording {path}: HDF5 needs h5py and its filters ({reason}); run: pip install 'neuronas[events]'"
            ) from error
        raise RecordingError(
            f"cannot be read as HDF5 with group '{_GROUP}' of x, y, p and t, the layout of DSEC ({reason})"
        ) from error
    columns = {name: values for name, values in found.items() if isinstance(values, np.ndarray) and values.ndim}
    height, width = (found.get(name) for name in ("height", "width"))
    known = all(isinstance(one, np.integer) for one in (height, width))
    return recording_of(columns, (int(height), int(width)) if known else None)  # type: ignore[arg-type]
