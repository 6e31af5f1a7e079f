"""How is a network fitted? All members as one compiled program, early stopping, export."""

from forecast.training.differentiable import AT_ONCE, DifferentiableForward
from forecast.training.export import CompiledForward, KerasPredictor, export, export_onnx, layers
from forecast.training.fit import EpochLog, Fitted, FittedBlock, fit, fit_block
from forecast.training.inside import Inside
from forecast.training.plan import Block, Member, MemberKey, Plan, plan_of
from forecast.training.program import Program, loss_of

__all__ = [
    "AT_ONCE",
    "Block",
    "CompiledForward",
    "DifferentiableForward",
    "EpochLog",
    "Fitted",
    "FittedBlock",
    "Inside",
    "KerasPredictor",
    "Member",
    "MemberKey",
    "Plan",
    "Program",
    "export",
    "export_onnx",
    "fit",
    "fit_block",
    "layers",
    "loss_of",
    "plan_of",
]
