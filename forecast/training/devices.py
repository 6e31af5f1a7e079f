"""What there is to train on."""

import keras

from forecast.backends import backend


def describe() -> dict[str, str]:
    """Keras's backend and the devices that it can see."""
    return {"backend": keras.backend.backend(), "devices": ", ".join(backend().devices())}
