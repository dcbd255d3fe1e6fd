"""The settings of a net: every number and switch that decides its function, with the paper's as defaults.

`NetSettings()` is the net of the paper as printed. A field's docstring says where its value comes from;
"released code" means the authors' own 2012 tree (computerhistory/AlexNet-Source-Code), whose net #145 has
the paper's numbers. What cannot be checked field by field (maps that vanish, widths that two towers
cannot share) is checked where the shapes are computed, in `repro.net.table.layers`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from repro.net.table.activation import Activation
from repro.settings import Settings

ConvName = Literal["conv1", "conv2", "conv3", "conv4", "conv5", "conv6"]
RemovalForm = Literal["primary", "own", "wide"]
CrossingName = Literal["conv2", "conv3", "conv4", "conv5", "conv6", "fc6", "fc7"]

Name = TypeVar("Name", bound=str)
Count = Annotated[int, Field(ge=1)]
Margin = Annotated[int, Field(ge=0)]
NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


def _as_a_set(names: tuple[Name, ...]) -> tuple[Name, ...]:
    """Layers are listed as a set: one order, so that equal nets have equal settings."""
    if len(set(names)) != len(names):
        raise ValueError(f"names a layer twice: {', '.join(names)}")
    return tuple(sorted(names))


ConvNames = Annotated[tuple[ConvName, ...], AfterValidator(_as_a_set)]
CrossingNames = Annotated[tuple[CrossingName, ...], AfterValidator(_as_a_set)]


class Geometry(Settings):
    """Input, kernels, strides and paddings, in pixels of the layer's own input (section 3.5)."""

    crop: Count = 224
    """Side of the square input. Section 3.5: 224 x 224 x 3."""
    conv1_kernel: Count = 11
    """Section 3.5: 11 x 11 x 3."""
    conv1_stride: Count = 4
    """Section 3.5: 4 pixels between neighbouring receptive fields."""
    conv1_padding: Margin = 3
    """Zeros around the input. Not printed; 55 x 55 maps follow from section 3.5's layer sizes, and the
    released code's last window hangs 3 pixels over the edge."""
    conv1_padding_kind: Literal["right_bottom", "symmetric"] = "right_bottom"
    """Where conv1's zeros lie: right and bottom only (released code), or on all four sides."""
    conv2_kernel: Count = 5
    """Section 3.5: 5 x 5 x 48."""
    conv2_padding: Margin = 2
    """On all sides. Not printed; follows from the 27 x 27 maps. Released code: 2."""
    conv3_kernel: Count = 3
    """Section 3.5: 3 x 3 x 256."""
    conv3_padding: Margin = 1
    """Follows from the 13 x 13 maps. Released code: 1."""
    conv4_kernel: Count = 3
    """Section 3.5: 3 x 3 x 192."""
    conv4_padding: Margin = 1
    """Follows from the 13 x 13 maps. Released code: 1."""
    conv5_kernel: Count = 3
    """Section 3.5: 3 x 3 x 192."""
    conv5_padding: Margin = 1
    """Follows from the 13 x 13 maps. Released code: 1 (0 in its non-overlapping pooling net #147)."""
    conv6_kernel: Count = 3
    """Only with a sixth layer (section 6; released net #146)."""
    conv6_padding: Margin = 1
    """Only with a sixth layer."""


class Widths(Settings):
    """Kernels and units of each layer, all towers together (section 3.5)."""

    conv: tuple[Count, Count, Count, Count, Count] = (96, 256, 384, 384, 256)
    """Kernels of conv1 ... conv5, half of them in each tower."""
    conv6: Margin | Literal["as_conv5"] = 0
    """Kernels of a sixth convolutional layer over the last pooling (section 6; released net #146 has
    256, as many as conv5, reading both towers: add conv6 to `crossings`). 0: no such layer."""
    fc: tuple[Count, Count] = (4096, 4096)
    """Units of fc6 and fc7. Section 3.5: 4096 each."""

    @property
    def sixth(self) -> int:
        """Kernels of the sixth convolutional layer."""
        return self.conv[4] if self.conv6 == "as_conv5" else self.conv6


class Normalisation(Settings):
    """Local response normalisation, a / (k + alpha * sum of squares)^beta (section 3.3)."""

    layers: ConvNames = ("conv1", "conv2")
    """Section 3.5: after the first and the second convolutional layer."""
    size: Count = 5
    """n of section 3.3: the window reaches n // 2 maps to either side."""
    k: Positive = 2.0
    """Section 3.3."""
    alpha: NonNegative = 1e-4
    """Section 3.3, where it multiplies the plain sum, for activities on the 0-255 scale (it is multiplied
    by `input_divisor` squared, which keeps the function). The released code divides it by n: 2e-5."""
    beta: NonNegative = 0.75
    """Section 3.3."""
    before_activation: ConvNames = ()
    """Layers that are normalised before their nonlinearity. Printed: none. Released code: conv1."""
    after_pooling: ConvNames = ()
    """Layers that are normalised after their pooling, not before it. Printed: none. The released CIFAR-10 net
    with 11 % error: conv1."""
    blocks: Count | None = None
    """Equal blocks of neighbouring maps that windows do not cross; a multiple of the towers. None: a block
    a tower (released code). A one-tower control with 2 blocks has windows cut where towers would part."""
    spatial_layers: ConvNames = ()
    """Layers with a second normalisation, over a window of the same map. Not in the paper; the released
    net #145 has it in conv2 (`cnorm2`, of type `rnorm`)."""
    spatial_size: Count = 5
    """Side of that window; it reaches size // 2 pixels to every side. Released code: 5."""
    spatial_k: Positive = 1.0
    """Released code: fixed at 1 for this kind."""
    spatial_alpha: NonNegative = 4e-5
    """Multiplies the plain sum, on the 0-255 scale. Released code: 1e-3 divided by the 25 pixels."""
    spatial_beta: NonNegative = 0.75
    """Released code."""


class Pooling(Settings):
    """Max pooling (section 3.4)."""

    layers: ConvNames = ("conv1", "conv2", "conv5")
    """Section 3.5: after both normalised layers and the fifth convolutional layer."""
    size: Count = 3
    """z of section 3.4."""
    stride: Count = 2
    """s of section 3.4."""
    rounding: Literal["floor", "ceil"] = "floor"
    """Whether a last, partly empty window counts. Alike in the paper's net; the released code: ceil."""


class Dropout(Settings):
    """Dropout of hidden units (section 4.2)."""

    probability: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Chance that a unit is dropped. Section 4.2: 0.5."""
    rule: Literal["mask", "inverted"] = "mask"
    """mask: outputs are masked in training and multiplied by 1 - probability in evaluation (section 4.2
    and the released code). inverted: divided by 1 - probability in training (torch.nn.Dropout)."""
    place: Literal["after", "before"] = "after"
    """after fc6 and fc7 (section 4.2: the first two fully connected layers), or before them (torchvision:
    on the last pooling's output and on fc6's)."""


class Deviations(Settings):
    """Standard deviation of the initial weights, by layer. Section 5: 0.01 in every layer; the released
    nets have 0.03 in conv3, conv4 and conv5."""

    conv1: NonNegative = 0.01
    conv2: NonNegative = 0.01
    conv3: NonNegative = 0.01
    conv4: NonNegative = 0.01
    conv5: NonNegative = 0.01
    conv6: NonNegative = 0.01
    fc6: NonNegative = 0.01
    fc7: NonNegative = 0.01
    fc8: NonNegative = 0.01


class Biases(Settings):
    """Initial biases by layer. Section 5: 1 in conv2, conv4, conv5 and the hidden fully connected layers,
    0 in the others (for conv6 nothing is printed)."""

    conv1: float = 0.0
    conv2: float = 1.0
    conv3: float = 0.0
    conv4: float = 1.0
    conv5: float = 1.0
    conv6: float = 0.0
    fc6: float = 1.0
    fc7: float = 1.0
    fc8: float = 0.0


class InitialValues(Settings):
    """Initial weights and biases (section 5)."""

    rule: Literal["printed", "he", "uniform"] = "printed"
    """printed: normal, with `deviations` by layer. he: normal with sqrt(2 / fan-in), for scaled nets, on
    which a constant of 0.01 means a far smaller gain. uniform: weights and biases within 1 / sqrt(fan-in)
    of 0, torch's default (then `biases` is not read)."""
    deviations: Deviations = Field(default_factory=Deviations)
    """Read by the rule printed."""
    biases: Biases = Field(default_factory=Biases)
    """Read by the rule printed; the rule he asks it only which layers start above 0."""
    he_bias: float = 0.0
    """Rule he: initial bias of the layers whose entry in `biases` is not 0. In small nets the printed 1
    drowns the signal."""
    conv1_gain: Positive = 1.0
    """Rule he: factor on the deviation of the layer that reads the picture. A small one lets the learned
    part of a kernel stand out from its initial noise sooner."""
    last_deviation: NonNegative = 0.01
    """Rule he: deviation of fc8, the paper's."""


class FourLayerDeviations(Settings):
    """Standard deviation of the initial weights in the four-layer net, on the 0-255 scale. Biases start at 0."""

    conv1: NonNegative = 1e-4
    conv2: NonNegative = 0.01
    local3: NonNegative = 0.04
    local4: NonNegative = 0.04
    fc5: NonNegative = 0.01


class FourLayer(Settings):
    """The CIFAR-10 net of sections 3.1 and 3.3: conv1, conv2, local3, local4, and fc5 to the classes.

    The paper refers to the example files of its authors' code (footnote of section 3.3). The defaults are
    those of cuda-convnet's example-layers/layers-conv-local-13pct.cfg; a local layer has weights of its own at
    every position. Crop, pooling, normalisation and nonlinearity are read from the settings that all nets have.
    """

    conv: tuple[Count, Count] = (64, 64)
    """Kernels of conv1 and conv2."""
    local: tuple[Count, Count] = (32, 32)
    """Kernels of local3 and local4 at each position. The file of the 11 % net: 64 and 32."""
    conv_kernel: Count = 5
    conv_padding: Margin = 2
    local_kernel: Count = 3
    local_padding: Margin = 1
    deviations: FourLayerDeviations = Field(default_factory=FourLayerDeviations)
    """Read by the rule printed."""


class NetSettings(Settings):
    """A net; the defaults are the paper's as printed, at full scale."""

    architecture: Literal["alexnet", "four_layer"] = "alexnet"
    """Which layers there are: five convolutional and three fully connected ones (section 3.5), or those of
    `four_layer`, on which section 3 compares nonlinearities and normalisation."""
    towers: Literal[1, 2] = 2
    """Section 3.2: 2, a tower for each of two GPUs. 1: every layer reads all maps."""
    crossings: CrossingNames = ("conv3", "fc6", "fc7")
    """Layers beside fc8 (which always does) that read both towers. Section 3.5 and its figure 2. Of no
    effect in a net of one tower."""
    geometry: Geometry = Field(default_factory=Geometry)
    widths: Widths = Field(default_factory=Widths)
    normalisation: Normalisation = Field(default_factory=Normalisation)
    pooling: Pooling = Field(default_factory=Pooling)
    activation: Activation = "relu"
    """Nonlinearity of every layer but fc8, one of `repro.net.table.activation`. Section 3.1: relu."""
    dropout: Dropout = Field(default_factory=Dropout)
    four_layer: FourLayer = Field(default_factory=FourLayer)
    """Of effect with that architecture only, as `crossings`, `widths`, `removed` and the kernels and paddings
    in `geometry` are with alexnet."""
    initial_values: InitialValues = Field(default_factory=InitialValues)
    input_divisor: Positive = 1.0
    """Pixels minus the mean are divided by this before the net sees them. Section 2: nothing is done
    beyond subtracting the mean, so 1. Normalisation's alphas are multiplied by its square."""
    input_positions: Literal["in_place", "shuffled"] = "in_place"
    """shuffled: the pixels of every crop are moved by one fixed permutation before the first layer reads them. The
    paper: in place; shuffled is the control of section 1's words on locality (S11f)."""
    removed: ConvNames = ()
    """Convolutional layers left out (section 1: removing any gives inferior performance). The rules are in
    `repro.net.table.removal`: the layers around take over its pooling, its crossing and its place."""
    removal_form: RemovalForm = "primary"
    """primary; own: the layer after a removed crossing layer reads its own tower only; wide: the layer
    before a removed last layer keeps its width, so that fc6 grows. The last two are sensitivity checks."""
