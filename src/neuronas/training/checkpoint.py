"""Checkpoints: safetensors files with tensors and JSON metadata, written atomically and verified when read."""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from neuronas.config import parse_json, write_bytes
from neuronas.errors import RunDirectoryError, VerificationError, quoted
from neuronas.runs.directory import CHECKPOINTS

FORMAT = "neuronas-checkpoint-2"
BEST, LAST = "best.safetensors", "last.safetensors"


def write_checkpoint(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors and metadata.

    Args:
        path: the file; its folder is created if necessary.
        tensors: tensors by name.
        facts: metadata, JSON values.
    """
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    document = {"format": FORMAT, "digest": _digest(kept, facts), **facts}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, save(kept, metadata={"neuronas": json.dumps(document, allow_nan=False)}))


def read_checkpoint(path: Path, module: torch.nn.Module | None = None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file written by ``write_checkpoint``.

    Args:
        path: the file.
        module: network for which it is read; a file far too large for it is rejected without reading it.

    Returns:
        tensors by name, and metadata.

    Raises:
        VerificationError: the file is missing, truncated, changed, too large, or not a checkpoint of neuronas.
    """
    with _opened(path, module) as (file, facts, digest):
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    if digest != _digest(tensors, facts):
        raise VerificationError(f"checkpoint {path}: its content was changed after it was written")
    return tensors, facts


@contextmanager
def _opened(path: Path, module: torch.nn.Module | None = None) -> Iterator[tuple[Any, dict[str, Any], Any]]:
    """The file, its metadata, and the digest in it; errors as in ``read_checkpoint``."""
    try:
        if not path.is_file():
            raise OSError(errno.ENOENT, "file not found")
        if module is not None and (size := path.stat().st_size) > (most := _most_bytes(module)):
            raise VerificationError(
                f"checkpoint {path}: belongs to another network ({size:,} bytes; this one has at most {most:,})"
            )
        with safe_open(path, framework="pt") as file:
            facts = parse_json((file.metadata() or {}).get("neuronas", "null"))
            if not isinstance(facts, dict) or facts.pop("format", None) != FORMAT:
                raise VerificationError(f"checkpoint {path}: is not in format {FORMAT}")
            yield file, facts, facts.pop("digest", None)
    except OSError as error:
        raise VerificationError(f"checkpoint {path}: cannot be read ({error.strerror or error})") from error
    except (SafetensorError, ValueError, TypeError, LookupError, RuntimeError, MemoryError) as error:
        reason = " ".join(str(error).split())[:120]
        raise VerificationError(f"checkpoint {path}: is damaged ({reason}); train again or use another copy") from error


def subset(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with ``prefix.``, by their names without the prefix."""
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(prefix + ".")}


def load_state(module: torch.nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Load tensors into a module.

    Raises:
        VerificationError: names or shapes do not match the module.
    """
    own = module.state_dict()
    wrong = [name for name in own if name not in tensors or tensors[name].shape != own[name].shape]
    wrong += [name for name in tensors if name not in own]
    if wrong:
        raise VerificationError(f"checkpoint {path}: belongs to another network (tensor '{wrong[0]}' does not fit)")
    module.load_state_dict(tensors)


def load_best(module: torch.nn.Module, directory: Path) -> dict[str, Any]:
    """Load the best weights of a trained run into its network, and return the metadata of the checkpoint.

    Raises:
        RunDirectoryError: the run was not trained.
        VerificationError: the checkpoint is damaged or belongs to another network.
    """
    path = _best_of(directory)
    tensors, facts = read_checkpoint(path, module)
    load_state(module, tensors, path)
    return facts


def best_digest(directory: Path) -> str:
    """Content digest stored in the best checkpoint of a trained run; the weights are not read.

    Raises:
        RunDirectoryError: the run was not trained.
        VerificationError: the checkpoint is damaged.
    """
    path = _best_of(directory)
    with _opened(path) as (_, _, digest):
        return str(digest)


def teacher_digest(directory: Path) -> str | None:
    """``best_digest`` of the teacher of a training; None: no teacher. The weights are not read.

    Raises:
        VerificationError: the last checkpoint is missing or damaged.
    """
    with _opened(directory / CHECKPOINTS / LAST) as (_, facts, _):
        found = facts.get("teacher")
        return None if found is None else str(found)


def _best_of(directory: Path) -> Path:
    path = directory / CHECKPOINTS / BEST
    if not path.exists():
        raise RunDirectoryError(
            f"run directory {directory}: {CHECKPOINTS}/{BEST} not found; run: neuronas train {quoted(directory)}"
        )
    return path


def _most_bytes(module: torch.nn.Module) -> int:
    """Upper bound on the size of a checkpoint.

    A checkpoint holds the weights, their moving average and two moments of the optimiser. The bound is twice their
    size, plus 10 MB for names and metadata.
    """
    return 8 * sum(int(tensor.nbytes) for tensor in module.state_dict().values()) + 10_000_000


def _digest(tensors: dict[str, Tensor], facts: dict[str, Any]) -> str:
    digest = blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()
