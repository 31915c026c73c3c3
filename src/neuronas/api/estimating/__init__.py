"""Verbs without training: what an architecture costs, whether it fits, and what would make it fit."""
