"""torch Datasets and DataLoaders, read once, in order, into arrays; the global generators stay where they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import data as torch_data

from steepest.core.errors import DataError
from steepest.core.sealed import sealed

ENDLESS = 1_000_000  # samples after which a source without a length is taken for endless


def is_torch_source(spec: Any) -> bool:
    return isinstance(spec, (torch_data.Dataset, torch_data.DataLoader))


def materialise(source: Any, where: str, limit: int | None) -> tuple[Any, Any]:
    """(x, y) of a Dataset or DataLoader; limit: how many samples to take of one without a length."""
    if isinstance(source, torch_data.DataLoader):
        return _of_loader(source, where, limit)
    tensors = getattr(source, "tensors", None)
    if type(source) is torch_data.TensorDataset and tensors is not None and len(tensors) == 2:
        return tensors
    with sealed("reading data"), _reading(where) as progress:
        pairs: list[tuple[Any, Any]] = []
        for sample in _samples(source):
            if _is_enough(source, len(pairs), limit, where):
                break
            pairs.append(_pair(sample, where, len(pairs), "sample"))
            progress[0] = len(pairs)
    return _stacked([x for x, _ in pairs], where), _targets([y for _, y in pairs])


def _of_loader(loader: Any, where: str, limit: int | None) -> tuple[Any, Any]:
    """Each sample of the loader once. A shuffled loader is read in the order of its data set."""
    sampler = loader.sampler
    if isinstance(sampler, torch_data.WeightedRandomSampler) or getattr(sampler, "replacement", False):
        raise DataError(
            where=where, seen=f"the loader draws with replacement ({type(sampler).__name__})",
            needed="every sample once was needed",
            consequence="Copies of one sample would stand in the training and in the test part.",
            repair="Pass the data set: loader.dataset.",
        )
    takes_all = isinstance(sampler, (torch_data.SequentialSampler, torch_data.RandomSampler))
    is_whole = takes_all and type(loader.batch_sampler) is torch_data.BatchSampler
    is_plain = type(loader.dataset) is torch_data.TensorDataset and loader.collate_fn is torch_data.default_collate
    if is_whole and is_plain:
        return materialise(loader.dataset, where, limit)
    batches = _in_order(loader) if is_whole else loader
    xs: list[Any] = []
    ys: list[Any] = []
    with sealed("reading data"), _reading(where) as progress:
        for batch in batches:
            if _is_enough(loader.dataset, len(ys), limit, where):
                break
            x, y = _pair(batch, where, progress[0], "batch")
            xs.extend(x)
            ys.extend(y)
            progress[0] += 1
    if limit is not None and not _has_length(loader.dataset):
        xs, ys = xs[:limit], ys[:limit]
    return _stacked(xs, where), _targets(ys)


def _in_order(loader: Any) -> Any:
    """The same batches without shuffling, workers or a dropped end."""
    return torch_data.DataLoader(
        loader.dataset, batch_size=loader.batch_size, shuffle=False, collate_fn=loader.collate_fn, num_workers=0,
    )


def _samples(dataset: Any) -> Iterator[Any]:
    if isinstance(dataset, torch_data.IterableDataset):
        yield from dataset
    elif not _has_length(dataset):
        raise DataError(
            where=type(dataset).__name__, seen="it has no length", needed="__len__ and __getitem__ were needed",
            repair="Define __len__, or make it an IterableDataset.",
        )
    else:
        for i in range(len(dataset)):
            yield dataset[i]


def _has_length(dataset: Any) -> bool:
    if isinstance(dataset, torch_data.IterableDataset):
        return False
    try:
        return len(dataset) >= 0
    except (TypeError, NotImplementedError):
        return False


def _is_enough(dataset: Any, n: int, limit: int | None, where: str) -> bool:
    if _has_length(dataset):
        return False
    if limit is not None:
        return n >= limit
    if n >= ENDLESS:
        raise DataError(
            where=where, seen=f"it has no length and still gives samples after {n:,}",
            needed="a source with an end was needed",
            repair="steepest.data.load(source, limit=50_000) takes the first 50,000.",
        )
    return False


def _pair(sample: Any, where: str, place: int, what: str) -> tuple[Any, Any]:
    if isinstance(sample, (tuple, list)) and len(sample) == 2:
        return sample[0], sample[1]
    kind = type(sample).__name__
    kind += f" of {len(sample)}" if isinstance(sample, (tuple, list, dict)) else ""
    keys = list(sample)[:2] if isinstance(sample, dict) else []
    raise DataError(
        where=where, seen=f"{what} {place} is a {kind}", needed="a pair (features, label) was needed",
        repair=f"Return sample[{keys[0]!r}], sample[{keys[1]!r}] from __getitem__." if len(keys) == 2
        else "Return two things from __getitem__: features and label.",
    )


def _stacked(xs: list[Any], where: str) -> Any:
    if not xs:
        raise DataError(
            where=where, seen="it gives no samples", needed="samples were needed",
            repair="Is the folder or filter behind it right?",
        )
    rows = [_row(x, where, i) for i, x in enumerate(xs)]
    for i, row in enumerate(rows):
        if row.shape != rows[0].shape:
            raise DataError(
                where=where, seen=f"sample 0 has shape {tuple(rows[0].shape)} and sample {i} {tuple(row.shape)}",
                needed="samples of one shape were needed",
                repair="Resize, crop or pad them in the data set.",
            )
    return torch.stack(rows)


def _row(x: Any, where: str, place: int) -> Tensor:
    if isinstance(x, Tensor):
        return x.detach().cpu()
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise DataError(
            where=where, seen=f"the features of sample {place} are a {type(x).__name__}",
            needed="a tensor, array or picture was needed",
            repair="Return numbers from __getitem__: encode text and categories first.",
        )
    if hasattr(x, "getbands") and array.ndim == 3:  # a picture of PIL: its channels come last
        array = np.moveaxis(array, -1, 0)
    return torch.as_tensor(
        np.ascontiguousarray(array)).reshape(-1) if array.ndim == 0 else torch.as_tensor(np.ascontiguousarray(array),
    )


def _targets(ys: list[Any]) -> Any:
    return torch.stack([y.detach().cpu() for y in ys]) if ys and all(isinstance(y, Tensor) for y in ys) else ys


@contextmanager
def _reading(where: str) -> Iterator[list[int]]:
    """What the user's data set raises is told with the number of the sample; the cause is chained."""
    progress = [0]
    try:
        yield progress
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            where=where,
            seen=f"reading number {progress[0]} raised {type(error).__name__}: {' '.join(str(error).split())}",
            needed="a source that can be read to its end was needed",
            repair="Try that one alone: dataset[i], or next(iter(loader)).",
        ) from error
