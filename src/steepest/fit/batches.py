"""Where the batches of a run come from.

Tensors in memory, cut by one gather for many steps, or any iterable as it gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data.distributed import DistributedSampler

from steepest.core.errors import DataError
from steepest.core.streams import generator

STRETCH_BYTES = 4 * 2**20
"""Rows gathered at once: enough that the gathering costs nothing per step, little enough to stay in the cache."""
TARGET_KEYS = ("labels", "label", "target", "targets", "y")
WEIGHT_KEYS = ("weight", "sample_weight")


class Batch(NamedTuple):
    """What one step sees. inputs: a tensor, or several as a tuple or a mapping.

    Weight (n,): None where all rows count 1. A tuple: a frozen dataclass takes a microsecond to make.
    """

    inputs: Any
    target: Any
    weight: Tensor | None
    n_rows: int


class Rows:
    """Tensors in memory: rows in an order that the epoch draws from its own stream, so that a resumed run repeats it.

    lends_copies: batches in the order of the rows are copies, not views, for a model that writes into its input.
    """

    gives_each_rank_its_own = False

    def __init__(
        self,
        inputs: Any,
        target: Any,
        weight: Tensor | None = None,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = True,
        lends_copies: bool = False,
    ) -> None:
        self.inputs, self.target, self.weight = (mapped(_as_given, part) for part in (inputs, target, weight))
        self.n_rows = len(leaves(self.inputs)[0])
        for leaf in leaves((self.inputs, self.target, *([] if weight is None else [self.weight]))):
            if len(leaf) != self.n_rows:
                raise DataError(
                    where="data",
                    seen=f"the inputs have {self.n_rows} rows and another tensor has {len(leaf)}",
                    needed="one row each per sample was needed",
                    repair="Were rows dropped from one of them only?",
                )
        if self.n_rows == 0:
            raise DataError(
                where="data", seen="there are no rows", needed="samples were needed", repair="Is the filter right?"
            )
        if weight is not None and not bool((self.weight != 0).any()):
            raise DataError(
                where="weight",
                seen=f"all {self.n_rows} rows have weight 0",
                needed="at least one row that counts was needed",
                consequence="No row would teach anything, and the mean loss of nothing is not a number.",
                repair="Leave the weights out to count every row once.",
            )
        self.batch_size, self.seed, self.shuffle = min(batch_size, self.n_rows), seed, shuffle
        self.lends_copies = lends_copies
        self._bytes_per_row = max(1, sum(leaf[0].numel() * leaf.element_size() for leaf in leaves(inputs)))

    @property
    def sizes(self) -> list[int]:
        """Rows of each batch of an epoch. The rest is a smaller batch.

        A single row joins the batch before (BatchNorm).
        """
        full, rest = divmod(self.n_rows, self.batch_size)
        sizes = [self.batch_size] * full
        if rest == 1 and full:
            sizes[-1] += 1
        elif rest:
            sizes.append(rest)
        return sizes

    @property
    def n_batches(self) -> int | None:
        return len(self.sizes)

    def order(self, epoch: int) -> Tensor | None:
        """Row numbers in the order in which an epoch reads them; None for the order in which they lie."""
        return torch.randperm(self.n_rows, generator=generator("batches", self.seed, epoch)) if self.shuffle else None

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, without the first `skip`."""
        sizes, order = self.sizes, self.order(epoch)
        first = sum(sizes[:skip])
        longest = max(1, STRETCH_BYTES // (self._bytes_per_row * self.batch_size))
        for start in range(skip, len(sizes), longest):
            stretch = sizes[start : start + longest]
            yield from self._cut(self._gather(order, first, sum(stretch)), stretch)
            first += sum(stretch)

    def _gather(self, order: Tensor | None, first: int, n: int) -> tuple[Any, Any, Any]:
        if order is None:
            own = Tensor.clone if self.lends_copies else Tensor.detach
            return tuple(
                mapped(lambda t: own(t[first : first + n]), part) for part in (self.inputs, self.target, self.weight)
            )
        rows = order[first : first + n]
        return tuple(
            mapped(lambda t: t.index_select(0, rows.to(t.device)), p) for p in (self.inputs, self.target, self.weight)
        )

    def _cut(self, gathered: tuple[Any, Any, Any], sizes: list[int]) -> Iterator[Batch]:
        inputs, target, weight = ([part] * len(sizes) if part is None else split(part, sizes) for part in gathered)
        for i, n in enumerate(sizes):
            yield Batch(inputs[i], target[i], weight[i], n)

    def first(self, n: int) -> tuple[Any, Any]:
        """Inputs and target of the first rows, copied: a model that writes into its input leaves the data alone."""
        inputs, target = (mapped(lambda t: t[:n].clone(), part) for part in (self.inputs, self.target))
        return inputs, target

    def to(self, device: torch.device) -> Rows:
        """On a device, where the rows stay."""
        self.inputs, self.target, self.weight = (
            mapped(lambda t: t.to(device), part) for part in (self.inputs, self.target, self.weight)
        )
        return self


class Given:
    """A DataLoader or another iterable that can be read once per epoch; its batches are taken as they come."""

    def __init__(
        self, source: Any, unpack: Callable[[Any], tuple[Any, ...]] | None = None, device: torch.device | None = None
    ) -> None:
        self.source, self.unpack, self.device = source, unpack or unpacked, device
        if hasattr(source, "__next__"):
            raise DataError(
                where="data",
                seen=f"a {type(source).__name__}, which can be read once only",
                needed="something that can be read anew in every epoch was needed",
                repair="Pass the DataLoader itself, or a list of its batches.",
            )

    @property
    def gives_each_rank_its_own(self) -> bool:
        """The loader cuts the rows for several processes itself."""
        return isinstance(getattr(self.source, "sampler", None), DistributedSampler)

    @property
    def n_batches(self) -> int | None:
        """None where the source has no length."""
        try:
            return len(self.source)
        except (TypeError, NotImplementedError):
            return None

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, without the first `skip`; those are read all the same, as the source cannot jump."""
        set_epoch = getattr(getattr(self.source, "sampler", None), "set_epoch", None)
        if callable(set_epoch):
            set_epoch(epoch)
        found = False
        for place, given in enumerate(self.source):
            found = True
            if place >= skip:
                yield self._batch(given)
        if not found:
            raise DataError(
                where="data",
                seen=f"the {type(self.source).__name__} gives no batch",
                needed="at least one was needed in every epoch",
                repair="Is it empty, does drop_last drop all, or can it be read once only?",
            )

    def _batch(self, given: Any) -> Batch:
        inputs, target, *rest = self.unpack(given)
        weight = rest[0] if rest else None
        if self.device is not None and self.device.type != "cpu":
            inputs, target, weight = (
                mapped(lambda t: t.to(self.device, non_blocking=True), part) for part in (inputs, target, weight)
            )
        return Batch(inputs, target, weight, len(leaves(inputs)[0]))


def unpacked(batch: Any) -> tuple[Any, ...]:
    """(inputs, target) or (inputs, target, weight) of a batch as loaders give it.

    A mapping is cut at the key of the target.
    """
    if isinstance(batch, (tuple, list)) and len(batch) in (2, 3):
        return tuple(batch)
    if isinstance(batch, Mapping):
        keys = [key for key in TARGET_KEYS if key in batch]
        if len(keys) == 1:
            weights = [key for key in WEIGHT_KEYS if key in batch]
            inputs = {key: value for key, value in batch.items() if key not in (*keys, *weights)}
            only = next(iter(inputs.values())) if len(inputs) == 1 else inputs
            return (only, batch[keys[0]], *(batch[key] for key in weights[:1]))
    of = f" of {len(batch)}" if isinstance(batch, (tuple, list)) else ""
    of = f" with {', '.join(map(str, batch))}" if isinstance(batch, Mapping) else of
    raise DataError(
        where="data",
        seen=f"a batch is a {type(batch).__name__}{of}",
        needed=f"(inputs, target[, weight]) or a mapping with one of {', '.join(TARGET_KEYS)} was needed",
        repair="Say how it is read: unpack=lambda batch: (inputs, target).",
    )


# -- a tensor, or several as a tuple or a mapping ----------------------------------------------------------------------


def leaves(tree: Any) -> list[Tensor]:
    """The tensors of an input or a target."""
    if isinstance(tree, Tensor):
        return [tree]
    parts = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, (tuple, list)) else ()
    found = [leaf for part in parts for leaf in leaves(part)]
    if not found:
        raise DataError(
            where="data",
            seen=f"a {type(tree).__name__} among inputs or targets",
            needed="tensors, or tuples or mappings of tensors, were needed",
            repair="torch.as_tensor(array) makes one.",
        )
    return found


def _as_given(leaf: Tensor) -> Tensor:
    """A dense tensor in memory with rows; gradients of the data are nobody's concern."""
    kind = _kind_that_cannot_be_cut(leaf)
    if kind:
        raise DataError(
            where="data",
            seen=kind,
            needed="dense tensors with one row per sample were needed",
            repair="tensor.to_dense(), torch.stack(rows) or tensor[None] makes one; else pass a DataLoader.",
        )
    return leaf.detach()


def _kind_that_cannot_be_cut(leaf: Tensor) -> str:
    if leaf.is_nested or leaf.layout != torch.strided:
        return f"a {'nested' if leaf.is_nested else 'sparse'} tensor"
    if leaf.is_meta:
        return "a tensor on the meta device, which holds no numbers"
    return "" if leaf.dim() else "a single number, a tensor without rows"


def mapped(change: Callable[[Tensor], Tensor], tree: Any) -> Any:
    """The same tree of changed tensors; what is no tensor stays."""
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, Mapping):
        return {key: mapped(change, value) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree)(mapped(change, value) for value in tree)
    return tree


def split(tree: Any, sizes: list[int]) -> list[Any]:
    """The tree cut along the first axis, as views."""
    if isinstance(tree, Tensor):
        return list(torch.split(tree, sizes))
    if isinstance(tree, Mapping):
        parts = {key: split(value, sizes) for key, value in tree.items()}
        return [{key: parts[key][i] for key in parts} for i in range(len(sizes))]
    columns = [split(value, sizes) for value in tree]
    return [type(tree)(column[i] for column in columns) for i in range(len(sizes))]
