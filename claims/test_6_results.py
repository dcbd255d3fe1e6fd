"""Section 6, Results."""

from repro.verdicts.claim import claim
from repro.verdicts.comparison import above


@claim("S76")
def test_towers_specialise_because_connections_are_restricted(evidence):
    return evidence.towers("base", control="dense")


@claim("S77")
def test_one_tower_is_largely_colour_agnostic_the_other_specific(evidence):
    return evidence.towers("base", control="dense")


@claim("S78")
def test_towers_specialise_in_every_run(evidence):
    return evidence.towers("base", control="dense")


@claim("S79")
def test_which_tower_gets_the_colour_is_arbitrary(evidence):
    return evidence.towers("base")


@claim("S87a")
def test_searching_4096_real_values_costs_more_than_the_net(definition):
    table, pictures = definition.table(), definition.printed["training_pictures"]
    search = pictures * table["fc7"].out_maps
    return above("multiply-adds of one search, in passes through the net", search / table.multiply_adds, 1.0)
