"""Methods that need no training, each the `METHOD` of the module of its name."""
