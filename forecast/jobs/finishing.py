"""A run that was interrupted has weights and no exported network: the export, when it is wanted."""

from forecast.networks import Architecture
from forecast.runs import Run, model_names
from forecast.runs.documents import read_config, read_data, read_features
from forecast.runs.weights import read_weights
from forecast.training import export


def finish(run: Run) -> Run:
    """The run with its networks as ONNX and for Keras, which are written into its folder.

    Raises `RunError` where a file of the run is damaged, `UsageError` where it can not be written.
    """
    config, data = read_config(run), read_data(run)
    names = model_names(len(config.pipelines))
    weights = dict(zip(names, read_weights(run, len(names)), strict=True))
    architecture = Architecture.of(config, data.season_length, read_features(run, config))
    return run.adding(
        lambda folder: export(architecture, weights, config.training.ensemble, folder)
    )
