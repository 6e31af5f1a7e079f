"""What there is to train on."""

import keras
import tensorflow as tf


def describe() -> dict[str, str]:
    """Keras's backend and the devices that it can see."""
    names = [device.name for device in tf.config.list_physical_devices()]
    return {"backend": keras.backend.backend(), "devices": ", ".join(names)}
