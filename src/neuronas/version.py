"""The version, declared here only, so that the build and lower packages need not import the whole package."""

__version__ = "0.2.0"
