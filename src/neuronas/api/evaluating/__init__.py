"""Verbs that run a trained network: on test images, on simulated chips, on images and streams of a user."""
