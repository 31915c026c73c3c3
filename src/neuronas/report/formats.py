"""Which figures can be drawn here. Matplotlib is an extra (``neuronas[figures]``): asked for without importing it."""

from importlib.util import find_spec

from neuronas.errors import ConfigurationError, unknown_name

FORMATS = ("pdf", "svg", "png")


def check_matplotlib(what: str) -> None:
    """Refuse what cannot be drawn before anything is computed for it.

    Args:
        what: needs matplotlib; begins the message, such as ``--plot needs``.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    try:
        found = find_spec("matplotlib")
    except ValueError:  # it is there, but not a package
        found = None
    if found is None:
        raise ConfigurationError(f"{what} matplotlib, which is not installed; pip install 'neuronas[figures]'")


def check_format(name: str) -> None:
    """Refuse a format that is not drawn.

    Raises:
        ConfigurationError: none of ``FORMATS``.
    """
    if name not in FORMATS:
        raise unknown_name("figure format", name, FORMATS)
