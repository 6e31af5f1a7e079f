"""The options of each kind of network.

What all kinds have comes first; a kind is a class with its name, and an entry in `ModelOptions`.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from forecast.config.section import Count, QuantileLevel, Section, ascending

Dropout = Annotated[float, Field(ge=0, lt=1)]
Activation = Literal["tanh", "relu", "sigmoid", "linear"]


class DecoderOptions(Section):
    """Dense layers that make the forecast of a step from what is known of it.

    That is its covariates, the static ones, its lags, and some numbers that the network gives for
    it. All steps share the layers.
    """

    inputs: Count = 16
    """Numbers that the network gives for each step."""
    layers: Annotated[tuple[Count, ...], Field(strict=False)] = (64,)
    """Widths of the layers, first to last."""


InitializerName = Literal[
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform",
    "orthogonal", "zeros",
]  # fmt: skip
BiasInitializerName = Literal["zeros", "ones", "chrono"]


class _Spread(Section):
    """First weights by a name of Keras, or by how large they are: one of these."""

    name: str | None = None
    uniform: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The largest size of numbers that are all equally likely, on either side of zero."""
    normal: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The standard deviation of numbers of a normal distribution around zero."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if [self.name, self.uniform, self.normal].count(None) != 2:
            raise ValueError("should be a name, or say `uniform` or `normal`")
        return self


class InitializerOptions(_Spread):
    """First weights by a name of Keras, or by how large they are: one of these."""

    name: InitializerName | None = None
    """That of Keras; alone it stands for `name`."""


class BiasInitializerOptions(_Spread):
    """First biases by name, or by how large they are: one of these."""

    name: BiasInitializerName | None = None
    """That of Keras, or `chrono`; alone it stands for `name`."""


def _name_alone(value: object) -> object:
    """Let `glorot_uniform` stand for `name: glorot_uniform`."""
    return {"name": value} if isinstance(value, str) else value


Initializer = Annotated[
    InitializerOptions,
    BeforeValidator(_name_alone, json_schema_input_type=InitializerOptions | InitializerName),
]
BiasInitializer = Annotated[
    BiasInitializerOptions,
    BeforeValidator(
        _name_alone, json_schema_input_type=BiasInitializerOptions | BiasInitializerName
    ),
]


class _NetworkOptions(Section):
    """What every network has."""

    decoder: DecoderOptions = DecoderOptions()
    """Where there are known or static covariates, or lags: how they enter."""

    scope: Literal["global", "local"] = "global"
    """One network for all series, or one for each, all of them trained at once."""
    joint: bool = False
    """Forecast the targets of `data.target` together: a network sees the pasts of all of them at
    once, and its forecast of each depends on all. Otherwise each is a series of its own."""
    quantiles: Annotated[tuple[QuantileLevel, ...], Field(strict=False)] = ()
    """Quantiles that the network forecasts itself, in ascending order, with `training.loss:
    pinball`. They have to hold 0.5, the forecast."""

    @property
    def dropout_rate(self) -> float:
        """Share of values that members drop while training: `dropout` of kinds that have it."""
        rate: float = getattr(self, "dropout", 0.0)
        return rate

    @property
    def recurrent_dropout_rate(self) -> float:
        """The same of states: `recurrent_dropout` of kinds that have it."""
        rate: float = getattr(self, "recurrent_dropout", 0.0)
        return rate

    @property
    def is_memberwise(self) -> bool:
        """Whether many networks can be one computation, as those written in our layers are."""
        return True

    def least_parameters(self, context_length: int) -> int:
        """How many parameters it has at least, as far as its options tell."""
        return 0

    def steps_per_patch(self, season_length: int) -> int:
        """Steps that enter the network at once."""
        return 1

    def contradictions(self) -> Iterator[tuple[str, str, str]]:
        """Options that do not suit each other: the key of one, what is wrong, and the way out."""
        yield from ()

    def problem(self, context_length: int, season_length: int) -> tuple[str, str] | None:
        """Why `patch_length` does not suit such contexts, and the way out."""
        patch = self.steps_per_patch(season_length)
        if context_length % patch == 0:
            return None
        message = (
            f"`model.patch_length` is {patch} steps, which `window.context_length` "
            f"{context_length} is no multiple of."
        )
        nearest = max(1, round(context_length / patch)) * patch
        return message, f"Set window.context_length to {nearest}."

    @field_validator("quantiles")
    @classmethod
    def _hold_the_median(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if levels and 0.5 not in levels:
            raise ValueError("should hold 0.5, the forecast itself")
        return ascending(levels)


class _PatchedOptions(_NetworkOptions):
    """A network that reads its context step by step, or patch by patch."""

    patch_length: Count | Literal["season"] = 1
    """Steps that enter the network at once: a context of weeks is then read week by week. Divides
    `window.context_length`."""
    linear: bool = False
    """Add a linear map of the whole context to what the network says."""

    def steps_per_patch(self, season_length: int) -> int:
        """Steps that enter the network at once."""
        return season_length if self.patch_length == "season" else self.patch_length


class _RecurrentLayerOptions(_NetworkOptions):
    """What all recurrent layers have."""

    recurrent_dropout: Dropout = 0.0
    """Share of the state that the recurrent products do not see while training: the same units at
    all steps of a window (Gal, Ghahramani 2016)."""
    kernel_initializer: Initializer = InitializerOptions(name="glorot_uniform")
    """First weights of what enters a recurrent layer: a name of Keras, `uniform: 0.1` for numbers
    between -0.1 and 0.1, or `normal: 0.1` for a standard deviation."""
    recurrent_initializer: Initializer = InitializerOptions(name="orthogonal")
    """Those of what acts on its state."""
    bias_initializer: BiasInitializer = BiasInitializerOptions(name="zeros")
    """Those of its biases. `chrono` (Tallec, Ollivier 2018) lets the gates of a GRU or LSTM begin
    so that its units remember for 1 step up to the whole context."""


class RecurrentOptions(_PatchedOptions, _RecurrentLayerOptions):
    """Recurrent layers, Dropout, Dense."""

    _matrices: ClassVar[int]
    """Matrices `(units, units)` of the layer: one for each gate, and one for the candidate."""

    units: Count = 50
    """Width of the hidden state."""
    layers: Annotated[tuple[Count, ...], Field(strict=False)] = ()
    """Widths of several layers, first to last, in place of one of `units`: `[64, 32]`. Each reads
    the states of the one before it."""
    bidirectional: bool = False
    """Read the context backwards too, in a layer of the same width beside each."""
    layer_norm: bool = False
    """Normalise the states of each layer to mean 0 and deviation 1."""
    residual: bool = False
    """Add to the states of each layer what entered it; from the second layer on, all of one
    width."""
    activation: Activation = "tanh"
    """Activation of the candidate state."""
    dropout: Dropout = 0.2
    """Share of each layer's states that is dropped while training; of the last layer, of the last
    state."""

    @property
    def stack(self) -> tuple[Self, ...]:
        """The options of each layer, first to last."""
        widths = self.layers or (self.units,)
        return tuple(self.model_copy(update={"units": u, "layers": ()}) for u in widths)

    def least_parameters(self, context_length: int) -> int:
        """Those of the recurrent products, which are most of them."""
        directions = 2 if self.bidirectional else 1
        return directions * self._matrices * sum(layer.units**2 for layer in self.stack)

    def contradictions(self) -> Iterator[tuple[str, str, str]]:
        """Only layers of one width can be linked."""
        if self.residual and (len(self.layers) < 2 or len(set(self.layers)) > 1):
            widths = list(self.layers)
            message = f"`model.residual` adds what entered a layer, and `model.layers` is {widths}."
            yield "residual", message, "Give two layers or more, of one width: [64, 64]."


class GRUOptions(RecurrentOptions):
    """Gated recurrent unit (Cho et al. 2014): two gates, one state."""

    _matrices = 3

    kind: Literal["gru"] = "gru"
    """The kind of network."""
    reset_after: bool = True
    """Apply the reset gate after the recurrent product, as cuDNN does, or before it."""


class LSTMOptions(RecurrentOptions):
    """Long short-term memory (Hochreiter and Schmidhuber 1997): three gates, two states."""

    _matrices = 4

    kind: Literal["lstm"]
    """The kind of network."""


class SimpleRNNOptions(RecurrentOptions):
    """Elman's network (1990): a state without gates, the least that can remember."""

    _matrices = 1

    kind: Literal["simple_rnn"]
    """The kind of network."""

    def contradictions(self) -> Iterator[tuple[str, str, str]]:
        """There is no gate whose bias could be set."""
        yield from super().contradictions()
        if self.bias_initializer.name == "chrono":
            message = "`model.bias_initializer: chrono` sets gates, and simple_rnn has none."
            yield "bias_initializer", message, "Set `model.kind: gru` or `lstm`, or leave it out."


class MLPOptions(_NetworkOptions):
    """Multilayer perceptron: dense layers on the whole context."""

    kind: Literal["mlp"]
    """The kind of network."""
    layers: Annotated[tuple[Count, ...], Field(strict=False)] = (64, 64)
    """Widths of the layers, first to last."""
    activation: Activation = "relu"
    """Activation of each."""
    dropout: Dropout = 0.2
    """Share of each layer's values that is dropped while training."""

    def least_parameters(self, context_length: int) -> int:
        """Those of the products between the layers."""
        return sum(a * b for a, b in pairwise((context_length, *self.layers)))


class DLinearOptions(_NetworkOptions):
    """DLinear (Zeng et al. 2023): a linear map of the trend, and one of what is left."""

    kind: Literal["dlinear"]
    """The kind of network."""
    kernel_size: Count = 25
    """Steps of the moving average that is the trend."""

    def least_parameters(self, context_length: int) -> int:
        """The moving average is a matrix, though it is not learned."""
        return context_length**2


class TransformerOptions(_PatchedOptions):
    """Transformer encoder (Vaswani et al. 2017): attention between the steps of the context."""

    kind: Literal["transformer"]
    """The kind of network."""
    units: Count = 32
    """Width of what stands for a step, or for a patch."""
    num_layers: Count = 2
    """Blocks of attention and dense layers, one after another."""
    num_heads: Count = 4
    """Heads of the attention, each of `units / num_heads` numbers."""
    feedforward_units: Count = 64
    """Width of the dense layer of each block."""
    dropout: Dropout = 0.1
    """Share of what each block adds that is dropped while training."""

    def least_parameters(self, context_length: int) -> int:
        """Those of the products of each block."""
        return self.num_layers * self.units * (4 * self.units + 2 * self.feedforward_units)

    def contradictions(self) -> Iterator[tuple[str, str, str]]:
        """Each head has a number at least."""
        if self.num_heads > self.units:
            message = f"`model.num_heads` is {self.num_heads}, and `model.units` {self.units}."
            yield "num_heads", message, f"Set model.num_heads to {self.units} or less."


class TCNOptions(_PatchedOptions):
    """Temporal convolutional network (Bai et al. 2018): causal convolutions, wider and wider."""

    kind: Literal["tcn"]
    """The kind of network."""
    filters: Count = 32
    """Numbers that each convolution makes of a step."""
    kernel_size: Annotated[int, Field(ge=2, le=10**6)] = 2
    """Steps that a convolution looks at."""
    dilations: Annotated[tuple[Count, ...], Field(strict=False)] = ()
    """How far apart these lie in each block of two convolutions; where it is left out, 1, 2, 4, ...
    until the last step sees the whole context."""
    dropout: Dropout = 0.2
    """Share of what each convolution gives that is dropped while training."""

    def dilations_of(self, steps: int) -> tuple[int, ...]:
        """Those of the blocks that read so many steps."""
        if self.dilations:
            return self.dilations
        chosen, seen = [1], 1 + 2 * (self.kernel_size - 1)
        while seen < steps:
            chosen.append(2 * chosen[-1])
            seen += 2 * (self.kernel_size - 1) * chosen[-1]
        return tuple(chosen)

    def least_parameters(self, context_length: int) -> int:
        """Those of the second convolution of the first block."""
        return self.kernel_size * self.filters**2


class Seq2SeqOptions(_PatchedOptions, _RecurrentLayerOptions):
    """Encoder and decoder (Cho et al. 2014): a GRU goes on into the future where one has read."""

    kind: Literal["seq2seq"]
    """The kind of network."""
    units: Count = 50
    """Width of the hidden state of both."""
    attention: bool = False
    """Let each step of the forecast look at all states of the encoder."""
    dropout: Dropout = 0.2
    """Share of the decoder's states that is dropped while training."""

    @property
    def gru(self) -> GRUOptions:
        """The options of encoder and decoder."""
        own = {name: getattr(self, name) for name in _RecurrentLayerOptions.model_fields}
        return GRUOptions(units=self.units, **own)

    def least_parameters(self, context_length: int) -> int:
        """Those of the recurrent products, which are most of them."""
        return 2 * self.gru.least_parameters(context_length)


class NHiTSOptions(_NetworkOptions):
    """N-HiTS (Challu et al. 2023): dense blocks, each on what those before it left unexplained."""

    kind: Literal["nhits"]
    """The kind of network."""
    layers: Annotated[tuple[Count, ...], Field(strict=False, min_length=1)] = (64, 64)
    """Widths of the dense layers of each block, first to last."""
    pool_sizes: Annotated[tuple[Count, ...], Field(strict=False, min_length=1)] = (2, 2, 1)
    """Steps of the context of which each stack of blocks sees the largest value."""
    downsampling: Annotated[tuple[Count, ...], Field(strict=False, min_length=1)] = (4, 2, 1)
    """Steps of the horizon for each number that a block of the stack gives; between these are
    lines. `[1, 1, 1]`, with `pool_sizes` alike, is the generic N-BEATS."""
    num_blocks: Count = 1
    """Blocks of each stack."""
    activation: Activation = "relu"
    """Activation of the dense layers."""
    dropout: Dropout = 0.2
    """Share of each dense layer's values that is dropped while training."""

    def blocks_of(self, horizon: int) -> list[tuple[int, int]]:
        """The pool size of each block, and in how many numbers it gives its forecast."""
        stacks = zip(self.pool_sizes, self.downsampling, strict=True)
        return [
            (pool_size, max(1, horizon // steps))
            for pool_size, steps in stacks
            for _ in range(self.num_blocks)
        ]

    def least_parameters(self, context_length: int) -> int:
        """Those of the products between the layers of all blocks."""
        blocks = len(self.pool_sizes) * self.num_blocks
        return blocks * sum(a * b for a, b in pairwise((*self.layers, context_length)))

    def contradictions(self) -> Iterator[tuple[str, str, str]]:
        """Each stack has a pool size and a downsampling."""
        pools, given = len(self.pool_sizes), len(self.downsampling)
        if pools != given:
            message = f"`model.downsampling` is of {given} stacks, `model.pool_sizes` of {pools}."
            yield "downsampling", message, f"Give model.downsampling {pools} entries."


class FunctionOptions(_NetworkOptions):
    """A network of your own: a function that builds it from Keras layers.

    `my_module:connect` is the function `connect` of the module `my_module`, which is looked for
    beside the config, then among installed packages. It is run: use code that you trust.
    """

    kind: Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")]
    """The function, as `module:function`."""
    options: dict[str, str | int | float | bool] = {}  # noqa: RUF012 - pydantic copies it
    """What the function is called with, by name."""
    folder: str | None = None
    """Where the module is looked for first; the config's folder where it is left out."""

    @property
    def is_memberwise(self) -> bool:
        """Nothing is known of its inside."""
        return False


def _kind_of_model(value: object) -> str | None:
    """Whether a model is of a kind that is built in, or a function."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return FUNCTION if isinstance(kind, str) and ":" in kind else BUILT_IN


def _gru_unless_said(value: object) -> object:
    """Let a model without a kind be a GRU."""
    return {"kind": "gru", **value} if isinstance(value, dict) and "kind" not in value else value


BUILT_IN, FUNCTION = "built-in", "module:function"
_BuiltIn = Annotated[
    DLinearOptions
    | GRUOptions
    | LSTMOptions
    | MLPOptions
    | NHiTSOptions
    | Seq2SeqOptions
    | SimpleRNNOptions
    | TCNOptions
    | TransformerOptions,
    Field(discriminator="kind"),
]
NETWORKS = tuple(
    get_args(options.model_fields["kind"].annotation)[0]
    for options in get_args(get_args(_BuiltIn)[0])
)
"""The kinds that are built in."""
_AnyModel = Annotated[
    Annotated[_BuiltIn, Tag(BUILT_IN)] | Annotated[FunctionOptions, Tag(FUNCTION)],
    Discriminator(_kind_of_model),
]
ModelOptions = Annotated[
    _AnyModel, BeforeValidator(_gru_unless_said, json_schema_input_type=_AnyModel)
]
