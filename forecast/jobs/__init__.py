"""What is there to do, and what came of it? What train, backtest, evaluate and predict share.

A config and its table become a `Job`, a fitted job a `TrainedJob`, a finished run an `OpenedRun`.
"""
