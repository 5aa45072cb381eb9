"""Losses, metrics, and the verbs that make a network: train, evaluate, export."""
