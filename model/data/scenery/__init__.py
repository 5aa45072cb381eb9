"""Everything that stands in a generated street. `model.data.synthetic` puts it together.

Contract of every module here: positions in the street are metres (across, up, ahead) of the camera's foot, across
positive to the right; positions in the picture are pixels (x, y); colours are RGB, 0 to 255, as seen in white light.
"""
