"""What `evaluate` counts beyond one confusion matrix, each in a module that knows nothing of networks."""
