"""Names with options, as they are typed into a shell: words stand without quotes, and nothing is executed."""

from __future__ import annotations

import pytest

from steepest.core.calls import parse_call
from steepest.core.errors import UsageError
from steepest.core.transform import read_call


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cnn(norm=batch)", {"norm": "batch"}),
        ("cnn(norm='batch')", {"norm": "batch"}),
        ("cnn(norm=None, bias=false)", {"norm": None, "bias": False}),
        ("cnn(width=[8, 16], rate=-1e-3)", {"width": [8, 16], "rate": -1e-3}),
    ],
)
def test_options_are_plain_values_and_words_need_no_quotes(text, found):
    assert parse_call(text, "model") == ("cnn", found)
    assert read_call(text) == ("cnn", [], found)


@pytest.mark.parametrize("value", ["print(1)", "a.b", "x + 1", "[word]", "lambda: 0", "__import__('os')"])
def test_anything_that_would_have_to_run_is_refused(value):
    with pytest.raises(UsageError, match="cannot be read"):
        parse_call(f"cnn(width={value})", "model")
    with pytest.raises(UsageError, match="cannot be read"):
        read_call(f"cnn(width={value})")
