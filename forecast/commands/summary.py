"""What is a run's network made of, and what does its training take?"""

import json
from typing import Literal

import pandas as pd

from forecast.data.export import csv_text
from forecast.display import text_table
from forecast.jobs.inside import architecture_of
from forecast.jobs.opened_network import OpenedNetwork
from forecast.training import layers


def summary(opened: OpenedNetwork, format: Literal["table", "csv", "json"]) -> str:
    """Layers, shapes and parameters of the network of a run, and the memory that training takes."""
    network, training = architecture_of(opened), opened.config.training
    rows, columns = layers(network.keras_model), ("layer", "type", "output", "parameters")
    size, batch = training.ensemble.size, training.batch_size
    memory = size * network.training_bytes(batch)
    facts = {
        "parameters": network.parameters,
        "members": size,
        "batch_size": batch,
        "training_bytes": memory,
    }
    if format == "json":
        listed = [dict(zip(columns, row, strict=True)) for row in rows]
        return json.dumps({"layers": listed, **facts}, indent=2)
    if format == "csv":
        return csv_text(pd.DataFrame(rows, columns=list(columns)))
    table = text_table(columns, rows)
    return (
        f"{table}\n{network.parameters:,} parameters; training takes about {memory / 1e6:,.1f} MB "
        f"for {size} member{'s' if size > 1 else ''} and batches of {batch} windows"
    )
