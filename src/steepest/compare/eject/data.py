"""The data of a study as lines of a script: a bundled set by its reader, a table by pandas, others from a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from steepest import data as _data
from steepest.core.calls import parse_call
from steepest.data.record import Data
from steepest.data.tables import DELIMITERS, PARQUET, split_address

from .bundle import Bundle

data_catalogue: Any = _data


def readers(source: Any, data: Data, bundle: Bundle, beside: str) -> Iterator[str]:
    """Lines that give x and y, the best way first; the last one always works, with the file `beside` at hand."""
    if isinstance(source, str):
        name, options = parse_call(source, "data")
        if name in data_catalogue:
            words = ", ".join(f"{n}={v!r}" for n, v in options.items())
            yield f"x, y = {bundle.add(data_catalogue[name])}({words})\n"
        table = split_address(source)
        if table is not None and table[1] is not None:
            bundle.imports["import pandas"] = None
            yield from _table(table[0], table[1], data)
    yield (
        f'stored = numpy.load(Path(__file__).with_name("{beside}"))\n'
        'x, y = (torch.from_numpy(stored[name]) for name in "xy")\n'
    )


def _table(path: str, target: str, data: Data) -> Iterator[str]:
    if path.lower().endswith(PARQUET):
        reads = [f"pandas.read_parquet({path!r})"]
    else:
        options = 'encoding="utf-8-sig", low_memory=False, skipinitialspace=True'
        reads = [f"pandas.read_csv({path!r}, sep={mark!r}, {options})" for mark in DELIMITERS]
    y = (
        f"numpy.unique(frame[{target!r}].to_numpy(), return_inverse=True)[1]"
        if data.task == "classification"
        else f"frame[{target!r}].to_numpy(dtype=numpy.float32)"
    )
    for read in reads:
        yield (
            f"frame = {read}\n"
            f"x = torch.as_tensor(frame.drop(columns={target!r}).to_numpy(dtype=numpy.float64)).float()\n"
            f"y = torch.as_tensor({y})\n"
        )
