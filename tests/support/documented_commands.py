"""Commands that README and documentation tell readers to type: blocks of shell commands and Python, in order.

A line ``<!-- not run: REASON -->`` or ``<!-- exit code: N -->`` before a block refers to that block; it is invisible to
readers.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(
    r"(?:^<!-- (?P<directive>not run|exit code|test command)(: (?P<value>[^\n]+?))? -->\n)?"
    r"^```(?P<language>sh|console|python)\n(?P<text>.*?)^```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """One block of a page.

    Attributes:
        line: line at which it begins.
        language: ``sh``, ``console`` or ``python``.
        text: its content.
        reason: why it is not run; empty: it is run.
        exit_code: exit code of each of its commands.
    """

    line: int
    language: str
    text: str
    reason: str
    exit_code: int

    def commands(self) -> list[list[str]]:
        """Its shell commands as words, without comments; for ``console``, those after a ``$``."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def blocks(page: Path) -> list[Block]:
    """All blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            line=text.count("\n", 0, found.start("language")) + 1,
            language=found["language"],
            text=found["text"],
            reason=_reason(found["directive"], found["value"]),
            exit_code=int(found["value"]) if found["directive"] == "exit code" else 0,
        )
        for found in _BLOCK.finditer(text)
    ]


def _reason(directive: str | None, value: str | None) -> str:
    if directive == "test command":
        return "it is what runs these tests"
    return value or "" if directive == "not run" else ""
