"""The verb ``train``."""
