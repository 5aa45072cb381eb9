"""A camera or a stream, labelled as it comes: the newest frame, always, rather than every frame, late."""
