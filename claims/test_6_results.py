"""Section 6, Results."""

from repro.verdicts.authoring import CannotSay, above, claim

ENOUGH_PICTURES = 50_000
FEWEST_CATS = 3
# Of a net that knows the tree, the share of wrong labels that can lie within six steps; and of labels at random.
LEAST_POSSIBLE = 0.75
MOST_BY_CHANCE = 0.25
NO_CLASS_WHEN_MIRRORED = "parts"


def not_of_mirrored_pictures_that_are_no_class(evidence):
    """Half of the ten views are mirror images, and pictures that are moved are filled up with mirrored ones."""
    if evidence.data == NO_CLASS_WHEN_MIRRORED:
        raise CannotSay("scale", f"mirror images of {evidence.study}'s pictures belong to none of its classes")


@claim("S54")
def test_ten_views_lower_the_error(evidence):
    not_of_mirrored_pictures_that_are_no_class(evidence)
    return evidence.samples()


@claim("S67")
def test_two_sets_of_pictures_give_the_same_error(evidence):
    pictures = evidence.picture_counts["held_out"]
    if pictures < ENOUGH_PICTURES:
        raise CannotSay("scale", f"{pictures:,} held-out pictures are fewer than either of the paper's two sets has")
    return evidence.samples()


@claim("S68")
def test_errors_on_ilsvrc_2012(evidence):
    return evidence.samples()


@claim("S70")
def test_error_of_five_nets_averaged(evidence):
    return evidence.samples()


@claim("S71")
def test_averaging_nets_lowers_the_error(evidence):
    return evidence.samples()


@claim("S72")
def test_training_on_other_classes_first_helps(evidence):
    return evidence.samples()


@claim("S74a")
def test_errors_on_10184_classes(evidence):
    return evidence.samples()


@claim("S74b")
def test_which_half_is_held_out_hardly_matters(evidence):
    return evidence.samples()


@claim("S75")
def test_first_layer_learns_selective_kernels_and_colours(evidence):
    return evidence.samples()


@claim("S76")
def test_towers_specialise_because_connections_are_restricted(evidence):
    return evidence.samples()


@claim("S77")
def test_one_tower_is_largely_colour_agnostic_the_other_specific(evidence):
    return evidence.samples()


@claim("S78")
def test_towers_specialise_in_every_run(evidence):
    return evidence.samples()


@claim("S79")
def test_which_tower_gets_the_colour_is_arbitrary(evidence):
    return evidence.samples()


@claim("S80")
def test_off_centre_objects_are_recognised(evidence):
    not_of_mirrored_pictures_that_are_no_class(evidence)
    return evidence.samples()


@claim("S81")
def test_most_of_the_top_five_labels_are_reasonable(evidence):
    possible = evidence.numbers("base", "labels_within_6_steps_possible")
    by_chance = evidence.numbers("base", "labels_within_6_steps_by_chance")
    if possible and min(possible) < LEAST_POSSIBLE:
        raise CannotSay("scale", f"too few classes of {evidence.study} have four others within six steps")
    if by_chance and max(by_chance) > MOST_BY_CHANCE:
        raise CannotSay("scale", f"the classes of {evidence.study} are so alike that labels at random come near too")
    return evidence.samples()


@claim("S82")
def test_leopards_are_taken_for_cats_only(evidence):
    others = evidence.numbers("base", "cat_classes")
    if not others or min(others) < FEWEST_CATS:
        raise CannotSay("scale", f"{evidence.study} does not have {FEWEST_CATS} kinds of cat beside the leopard")
    return evidence.samples()


@claim("S84")
def test_neighbours_in_the_last_hidden_layer_are_alike_in_kind(evidence):
    return evidence.samples()


@claim("S85")
def test_those_neighbours_are_not_near_in_pixels(evidence):
    return evidence.samples()


@claim("S87a")
def test_searching_4096_real_values_costs_more_than_the_net(definition):
    table, pictures = definition.table(), definition.printed["training_pictures"]
    search = pictures * table["fc7"].out_maps
    return above("multiply-adds of one search, in passes through the net", search / table.multiply_adds, 1.0)


@claim("S87b")
def test_codes_of_features_retrieve_better_than_codes_of_pixels(evidence):
    return evidence.samples()
