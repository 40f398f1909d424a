"""Rows of the data that were trained on and rows that were evaluated: are some the same, or do they overlap?"""

from __future__ import annotations

from torch import Tensor

from .record import Run
from .tracer import tensors_in


def trained_and_evaluated(run: Run) -> tuple[list[Tensor], list[tuple[int, Tensor]]]:
    """Inputs that models learned from, and (line, inputs) of calls that only evaluated; batches of loaders included."""
    calls = [c for c in run.calls if c.kept and c.is_model and c.inputs]
    trained = [c.inputs[0] for c in calls if c.learned]
    evaluated = [(c.place.line, c.inputs[0]) for c in calls if not c.learned and c.step > 0]
    for loader in run.loaders:
        batches = [t for batch in loader.first if (t := next(tensors_in(batch), None)) is not None]
        ids = {id(t) for t in batches}
        if any(id(t) in ids for t in trained):
            trained += batches
        else:
            lines = [line for line, t in evaluated if id(t) in ids]
            evaluated += [(lines[0], t) for t in batches] if lines else []
    return trained, evaluated


def _rows(t: Tensor) -> list[bytes]:
    flat = t.detach().reshape(t.shape[0], -1)
    return [row.numpy().tobytes() for row in flat.cpu().float()[:4000]]


def _comparable(t: Tensor) -> bool:
    if not t.is_floating_point() or t.dim() < 2 or t.numel() // max(t.shape[0], 1) < 4:
        return False
    flat = t.detach().reshape(t.shape[0], -1)
    return len(flat[:50].unique()) > 20


def shared_rows(run: Run) -> list[tuple[int, float, int]]:
    """(line, share, rows): evaluated rows that were also trained on, where it is some of them and not all."""
    trained, evaluated = trained_and_evaluated(run)
    known = {row for t in trained if _comparable(t) for row in _rows(t)}
    seen: dict[int, set[bytes]] = {}
    for line, t in evaluated:
        if _comparable(t):
            seen.setdefault(line, set()).update(_rows(t))
    found = []
    for line, rows in seen.items():
        common = rows & known
        share = len(common) / len(rows)
        if len(rows) >= 10 and 0.02 < share < 0.98 and len(common) < 0.9 * len(known):
            found.append((line, share, len(rows)))
    return found


def overlapping_split(run: Run) -> list[tuple[int, float]]:
    """(line, share): evaluated windows that hold all but one value of a trained window."""
    trained, evaluated = trained_and_evaluated(run)
    starts, ends = set(), set()
    for t in trained:
        if _comparable(t) and t.shape[1] >= 4:
            starts.update(_rows(t[:, :-1]))
            ends.update(_rows(t[:, 1:]))
    found: dict[int, list[bool]] = {}
    for line, t in evaluated:
        if _comparable(t) and t.shape[1] >= 4:
            pairs = zip(_rows(t[:, 1:]), _rows(t[:, :-1]))
            found.setdefault(line, []).extend(later in starts or earlier in ends for later, earlier in pairs)
    shares = [
        (line, sum(hits) / len(hits))
        for line, hits in found.items()
        if len(hits) >= 10 and sum(hits) >= 0.5 * len(hits)
    ]
    return shares or _subsets_of_windows(run)


def _subsets_of_windows(run: Run) -> list[tuple[int, float]]:
    """Random parts of a data set whose neighbouring items overlap."""
    found = []
    for loader in run.loaders:
        part = getattr(loader.loader, "dataset", None)
        given, whole = getattr(part, "indices", None), getattr(part, "dataset", None)
        indices = list(given) if isinstance(given, (list, tuple, range)) else []
        in_order = all(b - a == 1 for a, b in zip(indices, indices[1:]))
        if (
            whole is None
            or in_order
            or not 20 <= len(indices) < len(whole)
            or not any(
                id(x) in {id(t) for b in loader.first for t in tensors_in(b)}
                for c in run.calls
                if c.learned
                for x in c.inputs
            )
        ):
            continue
        items = [next(tensors_in(whole[i]), None) for i in range(min(40, len(whole)))]
        pairs = [
            (a, b) for a, b in zip(items, items[1:]) if a is not None and b is not None and a.dim() and len(a) >= 4
        ]
        hits = sum(
            a.shape == b.shape and bool((a[1:] == b[:-1]).all()) and not bool((a == a[0]).all()) for a, b in pairs
        )
        if pairs and hits >= 0.8 * len(pairs):
            found.append((loader.place.line, hits / len(pairs)))
    return found
