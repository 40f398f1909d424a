"""What a loss says of itself in words: when to choose it, when not, and where its namesakes elsewhere depart from it."""

from __future__ import annotations

import re

import pytest
import torch
from loss_cases import LOSSES

from steepest import losses
from steepest.core.domains import OneOf
from steepest.core.loss import OPTIONS
from steepest.losses import weightings

EACH = pytest.mark.parametrize("loss", [getattr(item, "loss", item) for item in LOSSES], ids=lambda item: item.name)


@EACH
def test_a_loss_says_in_sentences_when_to_choose_it_and_when_not(loss):
    for said in (loss.use, loss.avoid):
        assert re.fullmatch(r"[A-Z`\w].{20,}[.]", said), said
    assert loss.avoid != loss.use


@EACH
def test_the_losses_that_it_names_exist(loss):
    options = {word for h in loss.hyper.values() if isinstance(h.domain, OneOf) for word in h.domain.values}
    known = {item.name for item in (*losses, *weightings)} | {*loss.hyper, *OPTIONS, *options}
    named = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", f"{loss.use} {loss.avoid}"))
    assert [name for name in named - known if not hasattr(torch, name)] == []


@EACH
def test_what_it_is_called_elsewhere_names_the_library_and_says_where_that_departs(loss):
    for name, text in loss.differs.items():
        assert re.match(r"[a-z_]+[ .]\w", name), name
        assert len(text) > 5 and not text.endswith("."), text
