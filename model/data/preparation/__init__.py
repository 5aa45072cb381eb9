"""What `python -m model prepare` does: archives or folders in, splits by city, a manifest and a resized cache out."""
