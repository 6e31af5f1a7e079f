"""Time-series forecasting with Keras from the command line."""

__version__ = "0.1.0"
# What to install: on package indexes `forecast` is somebody else's.
DISTRIBUTION = "keras-forecast"
