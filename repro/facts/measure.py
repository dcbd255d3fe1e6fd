"""Facts about the code itself, measured once per fidelity: what claims on definitions read.

Each is {"value": ..., "how": one sentence}. Facts that do not apply to a fidelity (towers of a one-tower
net, normalisation where there is none) are left out.
"""

from __future__ import annotations

from repro.facts import net_facts, recipe_facts
from repro.facts.fact import Fact
from repro.net.alexnet import AlexNet
from repro.net.table.fidelity import FIDELITIES
from repro.net.table.settings import NetSettings
from repro.settings import validated
from repro.study.settings import TrainingSettings

Facts = dict[str, Fact]
_SEED = 0
_CLASSES = 1000


def measure_facts(fidelity: str) -> Facts:
    """All facts of a fidelity by name; a few seconds on one core, mostly for drawing 61 million weights.

    Raises KeyError for an unknown fidelity.
    """
    switches = FIDELITIES[fidelity]
    net_settings = validated(NetSettings, switches.get("net", {}), f"net of fidelity {fidelity}")
    training = validated(TrainingSettings, switches.get("training", {}), f"training of fidelity {fidelity}")
    net = AlexNet(net_settings, _CLASSES, _SEED).eval()
    facts: Facts = {
        "relu_gradient": net_facts.relu_gradient(net_settings),
        "dropout": net_facts.dropout(net_settings),
        "initial_values": net_facts.initial_values(net),
        "dropout_geometric_mean": net_facts.dropout_geometric_mean(net_settings),
        "positive_inputs": net_facts.positive_inputs(net),
        "ten_views": recipe_facts.ten_views(net_settings),
        "loss": recipe_facts.loss(),
        "top_five_error": recipe_facts.top_five_error(),
        "preparation": recipe_facts.preparation(net_settings, training),
        "colour_noise": recipe_facts.colour_noise(training),
        "update_rule": recipe_facts.update_rule(training),
        "learning_rates": recipe_facts.learning_rates(net, training),
    }
    if net_settings.towers == 2:
        facts["gradient_between_towers"] = net_facts.gradient_between_towers(net)
        facts["normalisation_between_towers"] = net_facts.normalisation_between_towers(net)
    rule = net.table[0].normalisation
    if rule is not None:
        facts["normalisation"] = net_facts.normalisation(rule)
    return facts
