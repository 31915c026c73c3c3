"""The version, declared here only: the build reads it, and lower floors do without importing the whole package."""

__version__ = "0.2.0"
