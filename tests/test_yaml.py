"""YAML texts: libyaml, if used, gives the same result as PyYAML."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from neuronas.config import strict_yaml
from neuronas.config.strict_yaml import YAML_ERRORS, parse_yaml

PRESETS = sorted((Path(__file__).parents[1] / "src" / "neuronas").glob("*/presets/*.yaml"))
PARTS = st.sampled_from([
    " ", "  ", "\n", "\n  ", "\t", ":", ": ", "- ", "? ", ",", "[", "]", "{", "}", "#", " # ", "&", "*", "!", "!!int ",
    "|", ">-", "'", '"', "%YAML 1.1\n", "%", "---\n", "...\n", "\\", "\\x41", "\r", "\x85", "\u2028", "\ufeff", "\0",
    "\ud800", "é", "a", "b", "1", "010", "1:30", "1e3", ".5", ".inf", "~", "yes", "<<", "=", "2001-01-01",
])  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Parts of YAML in any order, or the lines of a preset with such parts between them."""
    added = "".join(draw(st.lists(PARTS, max_size=10)))
    lines = draw(st.sampled_from(PRESETS)).read_text().splitlines(keepends=True)
    first = draw(st.integers(0, len(lines)))
    text = "".join(lines[first : first + draw(st.integers(0, 5))])
    place = draw(st.integers(0, len(text)))
    return text[:place] + added + text[place + draw(st.integers(0, 3)) :]


def outcome(text: str) -> tuple[str, str]:
    """The value, or the message with the kind of the error."""
    try:
        return "value", repr(parse_yaml(text))
    except YAML_ERRORS as error:
        return type(error).__name__, str(error)


def outcome_without_libyaml(text: str) -> tuple[str, str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(strict_yaml.yaml, "__with_libyaml__", False)
        return outcome(text)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml")
@settings(max_examples=settings().max_examples * 5)
@given(texts())
def test_values_and_messages_are_the_same_without_libyaml(text: str) -> None:
    assert outcome(text) == outcome_without_libyaml(text)


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_presets_are_the_same_without_libyaml(path: Path) -> None:
    text = path.read_text()
    assert outcome(text) == outcome_without_libyaml(text) and outcome(text)[0] == "value"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", "expected ',' or ']', but got ':'\n  in \"<unicode string>\", line 3, column 2"),
        ("a: 1\nb: 'x\n", 'found unexpected end of stream\n  in "<unicode string>", line 3, column 1'),
        ("a: 1\na: 2\n", "key given twice: a"),
        ("a: &x 1\nb: *x\n", "aliases (*name) are not accepted"),
        ("a: b: c\n", 'mapping values are not allowed here\n  in "<unicode string>", line 1, column 5'),
        ("a:\t1\n", "found character '\\t' that cannot start any token"),
        (f"a: {'1' * 1001}\n", "a number of 1,001 characters; expected at most 1,000"),
        pytest.param(f"[{'0, ' * 100_000}]", "more than 100,000 keys and values", marks=pytest.mark.slow),
        ("--- 1\n--- 2\n", "expected a single document in the stream"),
    ],
)
def test_messages_are_those_of_pyyaml_with_the_line(text: str, message: str) -> None:
    with pytest.raises(yaml.YAMLError) as refused:
        parse_yaml(text)
    assert message in str(refused.value)


@pytest.mark.parametrize("text", ["!", "|#", "b\t", "[a?b]", "%YAML 1.1#\n---\na: 1\n", "a\n\ufeff"])
def test_what_libyaml_reads_differently_is_not_given_to_it(text: str) -> None:
    assert outcome(text) == outcome_without_libyaml(text)
