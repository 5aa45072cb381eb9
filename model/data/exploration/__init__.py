"""What there is to know about a data set before training: measured in one pass, written as one page."""
