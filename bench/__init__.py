"""Measurements: this service, others that do the same, and the limits beside them. `make bench` runs them."""
