"""``python -m neuronas`` is the command ``neuronas``."""

from neuronas.cli.main import main

if __name__ == "__main__":
    main()
