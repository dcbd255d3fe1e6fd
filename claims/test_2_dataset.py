"""Section 2, The Dataset."""

from repro.verdicts.authoring import CannotSay, all_of, at_least, at_most, claim, equal, true

ROUGHLY_A_CLASS = (500, 2000)
MOST_CLASSES = 0.9
ROUGHLY = 0.1


@claim("S18a")
def test_roughly_1000_pictures_in_each_of_1000_classes(evidence):
    if evidence.contest != 2010:
        raise CannotSay("scale", f"{evidence.study} staged other pictures than those of LSVRC-2010")
    fewest, most = ROUGHLY_A_CLASS
    counts = evidence.training_pictures_per_class()
    inside = sum(fewest <= count <= most for count in counts) / len(counts)
    return all_of(
        equal("classes", evidence.classes, 1000),
        at_least(f"share of classes with {fewest} to {most} training pictures", inside, MOST_CLASSES),
        equal("training pictures", evidence.training_pictures, 1_200_000, within=ROUGHLY),
        equal("validation pictures", evidence.picture_counts["held_out"], 50_000),
    )


@claim("S18c")
def test_top_5_error_counts_labels_outside_the_five_most_probable(definition):
    fact = definition.fact("top_five_error")
    return all_of(
        equal("errors where the label is sixth, fifth, first", fact["sixth_fifth_first"], [1.0, 0.0, 0.0]),
        at_most("top-5 minus top-1 error on random scores", fact["top5_minus_top1"], 0.0),
        equal("disagreements with a sorted list", fact["disagreements_with_sorting"], 0),
        equal("error with five classes", fact["error_with_five_classes"], 0.0),
    )


@claim("S18d")
def test_pictures_are_scaled_cropped_and_centred_only(definition):
    fact = definition.fact("preparation")
    return all_of(
        equal("side of a prepared picture", fact["side"], [256, 256]),
        at_most("centre of the crop off the picture's, pixels", fact["centre_offset"], 1.0),
        at_most("largest mean after subtraction, grey levels", fact["largest_mean_after"], 1e-3),
        at_least("lowest value", fact["lowest"], -255),
        at_most("highest value", fact["highest"], 255),
        true("values are differences of grey levels, not rescaled", fact["unscaled"]),
    )
