"""From bytes to labels and back: decode, segment, render. Importing this room loads no TensorFlow."""
