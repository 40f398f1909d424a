"""What a loss cannot use is refused at the door, with the facts as fields and the repair in the message."""

from __future__ import annotations

import pytest
import torch
from loss_cases import (
    CLASSES,
    LABELS,
    LOSSES,
    batch,
    chosen,
    defaults,
    each_loss,
    each_loss_of_classes,
    each_loss_of_equal_shapes,
    each_loss_of_labels,
    each_loss_of_plain_items,
    each_loss_with_probabilities,
    has_class_weights,
    one_hot,
    parametrize,
    take,
)

from steepest.core.errors import DomainError, DtypeError, LabelError, ShapeError, SteepestError, UsageError

each_loss_of_one_column = parametrize(chosen("same", "amounts", "binary"))
each_loss_of_rows = parametrize([item for item in LOSSES if item.target.name not in ("same", "amounts", "binary")])
each_loss_of_competing_classes = parametrize(chosen("classes", "distribution", "teacher"))


def refusal(kind: type[SteepestError], loss, *args, **options) -> SteepestError:
    """The error, after a look at what every error must have."""
    with pytest.raises(kind) as caught:
        loss(*args, **options)
    error = caught.value
    assert error.where == loss.name and str(error).startswith(f"{loss.name}: ")
    assert all(part and part in str(error) for part in (error.seen, error.needed.rstrip("."), error.repair))
    return error


# -- shapes ----------------------------------------------------------------------------------------------------------------


@each_loss_of_one_column
def test_a_column_against_a_row_is_not_broadcast(loss):
    x, y = batch(loss, 64)
    error = refusal(ShapeError, loss, x, y.reshape(64, 1))
    assert error.seen == "input has shape (64,) and target (64, 1)" and error.needed == "they must be equal"
    assert error.consequence == "Broadcasting would average 4096 pairs instead of 64."
    assert error.repair == "Did you mean target.reshape(64)?"


@each_loss_of_equal_shapes
def test_a_target_of_another_batch_is_refused(loss):
    x, y = batch(loss)
    assert "6 samples and target 5" in refusal(ShapeError, loss, x, y[:5]).repair


@each_loss_of_classes
def test_a_column_of_labels_is_refused(loss):
    x, y = batch(loss)
    error = refusal(ShapeError, loss, x, y.reshape(6, 1))
    assert error.repair == "Did you mean target.reshape(6)?" and "(6, 4)" in error.seen and "(6, 1)" in error.seen


@each_loss_of_classes
def test_one_hot_rows_of_whole_numbers_are_refused(loss):
    x, y = batch(loss)
    assert "argmax(1)" in refusal(ShapeError, loss, x, one_hot(y, torch.long)).repair


@each_loss_of_classes
def test_classes_on_the_last_axis_are_recognised(loss):
    x, y = batch(loss, 6, (5,))
    assert "dim=-1" in refusal(ShapeError, loss, x.movedim(1, -1), y).repair


@each_loss_of_rows
def test_a_single_sample_without_its_axis_is_refused(loss):
    x, y = batch(loss)
    assert "unsqueeze(0)" in refusal(ShapeError, loss, x[0], take(y, 0)).repair


@each_loss_of_competing_classes
def test_a_single_class_is_refused(loss):
    x, y = batch(loss)
    y = torch.zeros(6, dtype=torch.long) if loss.target.name == "classes" else y[:, :1]
    assert "bce_with_logits" in refusal(ShapeError, loss, x[:, :1], y).repair


@each_loss_of_plain_items
@pytest.mark.parametrize("option", ["weight", "mask"])
def test_a_weight_that_fits_no_axis_from_the_left_is_refused(loss, option):
    x, y = batch(loss, 6, (5, 3))
    items = tuple(loss(x, y, reduction="none").shape)
    make = torch.ones if option == "weight" else lambda *s: torch.ones(*s, dtype=torch.bool)
    for shape, repair in (
        ((5,), "One per sample (N,), or one per element."),
        (items[1:], f"For one {option} per column: {option}.expand("),
        ((*items, 1), f"Did you mean {option}.reshape("),
        ((), f"{option}.expand(6)"),
    ):
        assert repair in refusal(ShapeError, loss, x, y, **{option: make(shape)}).repair


@each_loss_of_classes
def test_a_class_weight_for_each_class_is_needed(loss):
    x, y = batch(loss)
    error = refusal(ShapeError, loss, x, y, class_weight=torch.ones(CLASSES + 1))
    assert f"({CLASSES},)" in error.needed and f"{CLASSES} classes" in error.repair


# -- kinds of numbers --------------------------------------------------------------------------------------------------------


@each_loss
def test_inputs_that_are_no_floating_tensor_are_refused(loss):
    x, y = batch(loss)
    assert "as_tensor" in refusal(DtypeError, loss, x.tolist(), y).repair
    if y is not None:
        assert "as_tensor" in refusal(DtypeError, loss, x, y.tolist()).repair
    assert "exchanged" in refusal(DtypeError, loss, x.long(), y).repair
    assert "view_as_real" in refusal(DtypeError, loss, torch.complex(x, x), y).repair
    assert "to_dense" in refusal(DtypeError, loss, x.to_sparse(), y).repair


@each_loss_of_classes
def test_labels_that_are_no_class_indices_are_refused(loss):
    x, y = batch(loss)
    for wrong in (y.double(), y.bool(), torch.complex(x, x)[:, 0]):
        assert "target.long()" in refusal(DtypeError, loss, x, wrong).repair


@each_loss_of_equal_shapes
def test_whole_numbers_as_measurements_are_refused(loss):
    x, y = batch(loss)
    if loss.target.name in ("binary", "multilabel"):
        assert torch.equal(loss(x, y.round().long()), loss(x, y.round()))
    else:
        assert "target.float()" in refusal(DtypeError, loss, x, y.long()).repair


@each_loss
def test_a_mask_of_numbers_is_refused(loss):
    x, y = batch(loss)
    error = refusal(UsageError, loss, x, y, mask=torch.ones(6))
    assert "mask.bool()" in error.repair and "weight" in error.repair


@each_loss
def test_tensors_of_two_devices_are_refused(loss):
    x, y = batch(loss)
    if y is not None:
        assert "to('cpu')" in refusal(UsageError, loss, x, y.to("meta")).repair
    for option in ("weight", "mask"):
        other = torch.ones(6, dtype=torch.bool if option == "mask" else torch.float64, device="meta")
        assert refusal(UsageError, loss, x, y, **{option: other}).seen == f"input is on cpu and {option} on meta"


@each_loss
def test_a_loss_of_meta_tensors_has_a_shape(loss):
    x, y = batch(loss)
    assert loss(x.to("meta"), None if y is None else y.to("meta"), weight=torch.ones(6, device="meta")).shape == ()


# -- values ------------------------------------------------------------------------------------------------------------------


@each_loss_of_classes
@pytest.mark.parametrize("class_weight", [None, torch.ones(CLASSES)], ids=["plain", "class weights"])
def test_a_label_outside_the_classes_is_named_with_its_place(loss, class_weight):
    x, y = batch(loss)
    y[2], y[4] = CLASSES, 77
    error = refusal(LabelError, loss, x, y, class_weight=class_weight)
    assert error.seen == "target[2] is 4 (first of 2) and the input has 4 classes"
    assert error.needed == "labels in 0..3 were needed" and "target - 1" in error.repair
    y[2] = -100
    assert "ignore_index=-100" in refusal(LabelError, loss, x, y, class_weight=class_weight).repair


@each_loss_with_probabilities
def test_a_target_outside_zero_and_one_is_named_with_its_place(loss):
    x, y = batch(loss, 6, (2,))
    place = (3, 1, 1) if y.dim() == 3 else (3, 1)
    for wrong, seen in ((-1.0, "-1"), (255.0, "255")):
        y[place] = wrong
        error = refusal(LabelError, loss, x, y)
        assert error.seen == f"target{list(place)} is {seen}" and "(t + 1) / 2" in error.repair


@each_loss_of_classes
def test_soft_labels_outside_zero_and_one_are_refused(loss):
    x, y = batch(loss)
    assert refusal(LabelError, loss, x, 2 * one_hot(y)).seen.startswith("target[0, ")


@each_loss
def test_negative_and_undefined_weights_are_refused(loss):
    x, y = batch(loss)
    for wrong in (-0.5, torch.nan):
        weight = torch.tensor([1, 1, wrong, 1, 1, 1])
        assert refusal(DomainError, loss, x, y, weight=weight).seen == f"weight[2] is {wrong:g}"
        if loss.target.name == "classes":
            error = refusal(DomainError, loss, x, y, class_weight=torch.tensor([1, wrong, 1, 1]))
            assert error.seen == f"class_weight[1] is {wrong:g}"


@each_loss
def test_a_hyperparameter_outside_its_domain_is_refused(loss):
    x, y = batch(loss)
    for name, hyper in loss.hyper.items():
        assert hyper.domain is not None, f"{name} has no domain"
        for wrong in hyper.domain.forbidden():
            for form in (lambda: loss(x, y, **{**defaults(loss), name: wrong}), lambda: loss.module_class(**{name: wrong})):
                with pytest.raises(DomainError) as caught:
                    form()
                assert caught.value.seen == f"{name} is {wrong!r}" and hyper.domain.explain() in caught.value.needed
        for good in hyper.domain.allowed():
            assert loss(x, y, **{**defaults(loss), name: good}).isfinite()


# -- options -----------------------------------------------------------------------------------------------------------------


@each_loss
def test_an_unknown_option_is_refused_with_what_is_known(loss):
    x, y = batch(loss)
    refusal(UsageError, loss, x, y, strength=1.0)
    for name in loss.hyper:
        assert refusal(UsageError, loss, x, y, **{name + "s": 1.0}).repair.startswith(f"Did you mean '{name}'")
    with pytest.raises(UsageError, match="strength"):
        loss.module_class(strength=1.0)


@each_loss
@pytest.mark.parametrize("option", ["reduction", "normalize", "empty"])
def test_an_unknown_word_is_refused_with_the_known_ones(loss, option):
    x, y = batch(loss)
    error = refusal(UsageError, loss, x, y, **{option: "avg"})
    assert error.seen == f"{option} is 'avg'" and "must be one of" in error.needed


@each_loss
def test_options_of_other_targets_are_refused(loss):
    x, y = batch(loss)
    if not has_class_weights(loss):
        assert "losses of classes" in refusal(UsageError, loss, x, y, class_weight=torch.ones(CLASSES)).needed
    if loss.target.name not in LABELS:
        assert "losses of labels" in refusal(UsageError, loss, x, y, label_smoothing=0.1).needed
    if loss.target.name == "classes":
        assert "mask" in refusal(UsageError, loss, x, one_hot(y), ignore_index=0).needed
    if loss.expects not in ("logits", "log_probs"):
        assert "from_probs" in refusal(UsageError, loss, x.sigmoid(), y, from_probs=True).repair


@each_loss_of_labels
def test_a_smoothing_outside_zero_and_one_is_refused(loss):
    x, y = batch(loss)
    for wrong in (-0.1, 1.5, torch.nan):
        refusal(DomainError, loss, x, y, label_smoothing=wrong)


@parametrize([item for item in LOSSES if item.expects in ("logits", "log_probs")])
def test_probabilities_are_taken_when_said_to_be_probabilities(loss):
    x, y = batch(loss)
    p = x.sigmoid() if loss.target.name in ("binary", "multilabel", "ordinal") else x.softmax(1)
    torch.testing.assert_close(loss(p, y, from_probs=True), loss(x, y), rtol=1e-12, atol=1e-12)
    sure = (p > 0.5).double()
    assert loss(sure, y, from_probs=True).isfinite()
    assert refusal(LabelError, loss, 3 * p, y, from_probs=True).seen.startswith("input[")
