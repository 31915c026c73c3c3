"""Encoding of messages between processes: one JSON object per line."""

import json
from typing import Any

from neuronas import errors
from neuronas.distribution.crew import Evaluated, Lost, Message, Noted, PieceFinished, Ready, Refused
from neuronas.errors import NeuronasError


def to_line(message: Message) -> bytes:
    """Encode a message of a worker."""
    match message:
        case Evaluated(place, fitness):
            content: dict[str, Any] = {"place": place, "fitness": fitness}
        case PieceFinished(peak_memory_mb):
            content = {"peak_memory_mb": peak_memory_mb}
        case Ready(computes):
            content = {"computes": computes}
        case Noted(text):
            content = {"noted": text}
        case Refused(error):
            content = {"refused": type(error).__name__, "message": str(error)}
        case Lost(reason):
            content = {"lost": reason}
    return document_line(content)


def from_line(line: bytes) -> Message:
    """Decode a message of a worker.

    Raises:
        ValueError: the line is not a message.
    """
    content = json.loads(line)
    match content:
        case {"place": int(place), "fitness": float(fitness)}:
            return Evaluated(place, fitness)
        case {"peak_memory_mb": float(peak)}:
            return PieceFinished(peak)
        case {"computes": str(computes)}:
            return Ready(computes)
        case {"noted": str(text)}:
            return Noted(text)
        case {"refused": str(kind), "message": str(text)}:
            return Refused(_error(kind, text))
        case {"lost": str(reason)}:
            return Lost(reason)
    raise ValueError(f"message {line[:200]!r} given; expected a message of a worker")


def document_line(content: dict[str, Any]) -> bytes:
    """Encode one JSON object as a line."""
    return json.dumps(content).encode() + b"\n"


def _error(kind: str, text: str) -> NeuronasError:
    found = getattr(errors, kind, None)
    return found(text) if isinstance(found, type) and issubclass(found, NeuronasError) else NeuronasError(text)
