"""Many images: the same path through the network as one image takes, over folders, globs and archives."""
