"""Parts of generated pages in Markdown."""

from collections.abc import Iterable


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def between(mark: str, text: str, page: str) -> str:
    """The page with the text between the lines ``<!-- MARK -->`` and ``<!-- end of MARK -->`` replaced.

    Raises:
        ValueError: the page does not have these lines.
    """
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->\n"
    before, first, rest = page.partition(begin)
    _, last, after = rest.partition(end)
    if not (first and last):
        raise ValueError(f"expected a page with the lines {begin.strip()} and {end.strip()}, in this order")
    return f"{before}{begin}\n{text}\n{end}{after}"
