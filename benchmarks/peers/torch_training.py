"""Train one GRU in plain PyTorch on random windows: a peer of benchmarks/training.py.

It prints one line of JSON: the seconds of every epoch.
"""

import argparse
import itertools
import json
import time

import torch


class Network(torch.nn.Module):
    """GRU, Dropout, Linear."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.gru = torch.nn.GRU(features, units, batch_first=True)
        self.dropout = torch.nn.Dropout(0.2)
        self.forecast = torch.nn.Linear(units, 1)

    def forward(self, contexts: torch.Tensor) -> torch.Tensor:
        """Contexts `(batch, context, features)` to `(batch, 1)`."""
        return self.forecast(self.dropout(self.gru(contexts)[1][0]))


def main() -> None:
    """Windows are views of the series, gathered a batch at a time."""
    parser = argparse.ArgumentParser()
    for name in ("windows", "batch", "epochs", "context", "units", "covariates"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    torch.manual_seed(0)
    columns = torch.randn(options.windows + options.context, 1 + options.covariates)
    contexts = columns[:-1].unfold(0, options.context, 1).transpose(1, 2)
    targets = columns[options.context :, :1]
    begin = time.perf_counter()
    model = Network(1 + options.covariates, options.units)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    ends = [begin]
    for _ in range(options.epochs):
        for rows in torch.randperm(options.windows).split(options.batch):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(contexts[rows]), targets[rows])
            loss.backward()
            optimizer.step()
        ends.append(time.perf_counter())
    print(json.dumps({"epochs": [b - a for a, b in itertools.pairwise(ends)]}))


if __name__ == "__main__":
    main()
