"""Texts and series as the text of the program shows them: targets that are not moved, masks that are missing or turned round."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .names import called

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]
RESHAPED = frozenset("view reshape flatten contiguous long to ravel transpose permute clone".split())
MASKS = {"attn_mask", "is_causal", "key_padding_mask"}
OTHER_TASKS = r"autoencod|\bmlm\b|mask_token|\[MASK\]|denois|corrupt|\bvae\b|reconstruct|bert|seq2seq|copy_task|repeat"
SHIFTED = r"\[:, ?:-1\]|\[:, ?1:\]|\[\w+ ?\+ ?1 ?:|\[\.\.\., ?1:\]|\[:-1\]|\[1:\]|roll\("


def unmoved_target(source: Source) -> Found:
    """Tokens go into an embedding and are themselves the target of a cross-entropy."""
    if source.mentions(OTHER_TASKS) or not any(source.calls("Embedding")):
        return
    for site in source.models.losses():
        target, output = site.argument(1, "target"), site.argument(0, "input")
        if site.kind != "cross_entropy" or target is None or output is None:
            continue
        wanted = _identity(source, _without_shape(target))
        given = {_identity(source, g) for g in _tokens_into(source, output)}
        if wanted and wanted in given:
            yield site.call.lineno, f"the target {ast.unparse(target)[:40]} is what the model was given: {wanted[:60]}"


def _without_shape(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Call) and called(node) in RESHAPED and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return node


def _identity(source: Source, node: ast.expr) -> str:
    """What a value was made of, spelled; equal spellings within one line or function are one value."""
    made = source.bindings.made(node) or node
    while isinstance(made, ast.Call) and called(made) in RESHAPED and isinstance(made.func, ast.Attribute):
        made = source.bindings.made(made.func.value) or made.func.value
    return ast.unparse(made) if not isinstance(made, ast.Constant) else ""


def _tokens_into(source: Source, output: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
    """The arguments of the models on the way to an output."""
    made = source.bindings.made(output) or output
    if depth > 12:
        return
    if isinstance(made, ast.Call):
        if source.bindings.built(made.func) is not None:
            yield from made.args[:1]
            for a in made.args[:1]:
                yield from _tokens_into(source, a, depth + 1)
        else:
            inside = made.func.value if isinstance(made.func, ast.Attribute) else made.args[0] if made.args else None
            if inside is not None:
                yield from _tokens_into(source, inside, depth + 1)
    elif isinstance(made, ast.Subscript):
        yield from _tokens_into(source, made.value, depth + 1)


def shown_the_future(source: Source) -> Found:
    """Tokens moved by one, and a bidirectional RNN or an encoder without a mask."""
    if not source.mentions(SHIFTED) or source.mentions(
        r"decoder|seq2seq|nn\.Transformer\(|\[MASK\]|\bmlm\b|teacher|tagg|classif"
    ):
        return
    for name, cls in source.names.classes.items():
        if (
            not source.names.is_module_class(name)
            or "Embedding" not in ast.unparse(cls)
            or not _predicts_next(source, name)
        ):
            continue
        for call in (n for n in ast.walk(cls) if isinstance(n, ast.Call)):
            if called(call) in ("LSTM", "GRU", "RNN") and re.search(r"bidirectional\s*=\s*True", ast.unparse(call)):
                yield (
                    call.lineno,
                    f"{ast.unparse(call)[:60]} reads from both ends, and the target is the input moved by one",
                )
            elif called(call) == _outermost(cls) and not _is_masked(source, cls, name):
                yield (
                    call.lineno,
                    f"{ast.unparse(call)[:50]} is called without a mask, and the target is the input moved by one",
                )


def _predicts_next(source: Source, name: str) -> bool:
    """The model's loss compares it with a target of which each token stands one place later."""
    for site in source.models.losses():
        target = site.argument(1, "target")
        if site.kind in ("cross_entropy", "nll") and target is not None:
            wanted = _identity(source, _without_shape(target))
            if re.search(r"\[:, 1:\]|\+ 1:|\[\.\.\., 1:\]|\[1:\]|roll\(", wanted):
                return True
    return source.mentions(r"\[:, ?:-1\]") and source.mentions(r"\[:, ?1:\]")


def _outermost(cls: ast.ClassDef) -> str:
    """The encoder, or its one layer where it stands alone."""
    calls = {called(n) for n in ast.walk(cls) if isinstance(n, ast.Call)}
    return next(
        (word for word in ("TransformerEncoder", "TransformerEncoderLayer") if word in calls), "MultiheadAttention"
    )


def _is_called_without_mask(cls: ast.ClassDef) -> bool:
    """self.encoder(x), with nothing but the sequence, in every place where the class calls it."""
    word = _outermost(cls)
    names = {
        ast.unparse(n.targets[0])
        for n in ast.walk(cls)
        if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call) and called(n.value) == word
    }
    calls = [n for n in ast.walk(cls) if isinstance(n, ast.Call) and ast.unparse(n.func) in names]
    if word == "MultiheadAttention":
        return bool(calls) and not any(len(c.args) > 3 or {k.arg for k in c.keywords} & MASKS for c in calls)
    return bool(calls) and all(len(c.args) == 1 and not c.keywords for c in calls)


def _is_masked(source: Source, cls: ast.ClassDef, name: str) -> bool:
    """A mask reaches the encoder: one made in the class, or given by those who call the model."""
    text = ast.unparse(cls)
    if not re.search(r"mask|causal|tri[lu]\(", text):
        return False
    if _is_called_without_mask(cls):
        return False
    forward = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "forward"), None)
    optional = (
        [a.arg for a in forward.args.args[len(forward.args.args) - len(forward.args.defaults) :] if "mask" in a.arg]
        if forward
        else []
    )
    if forward is None or not optional or re.search(r"generate_square|tri[lu]\(|causal", text):
        return True
    assigned = any(
        isinstance(n, ast.Name) and n.id in optional and isinstance(n.ctx, ast.Store) for n in ast.walk(forward)
    )
    position = [a.arg for a in forward.args.args].index(optional[0])
    for calls in source.bindings.calls.values():
        for call in calls:
            made = source.bindings.built(call.func) if call.args else None
            if (
                made is not None
                and called(made) == name
                and (len(call.args) >= position or any(k.arg in optional for k in call.keywords))
            ):
                return True
    return assigned


def padding_counted(source: Source) -> Found:
    """Sequences are padded, each token is to be predicted from those before, and nothing leaves the padding out of the loss."""
    if not source.mentions(r"padding_idx\s*=|pad_sequence\(") or source.mentions(
        r"ignore_index|mask|pad_packed|pack_padded|lengths|weight\s*="
    ):
        return
    for site in source.models.losses():
        target = site.argument(1, "target")
        wanted = _identity(source, _without_shape(target)) if target is not None else ""
        if site.kind in ("cross_entropy", "nll") and re.search(r"\[:, 1:\]", wanted):
            yield site.call.lineno, f"the padding of {wanted[:40]} is counted: no ignore_index and no mask"


def padding_turned_round(source: Source) -> Found:
    """key_padding_mask = ids != 0: true where the token is, though True stands for what is left out."""
    for node in source.nodes:
        if not isinstance(node, ast.Call):
            continue
        for k in node.keywords:
            if k.arg not in (
                "src_key_padding_mask",
                "key_padding_mask",
                "tgt_key_padding_mask",
                "memory_key_padding_mask",
            ):
                continue
            made = source.bindings.made(k.value)
            if isinstance(made, ast.Compare) and len(made.ops) == 1 and isinstance(made.ops[0], ast.NotEq):
                right = ast.unparse(made.comparators[0])
                if right == "0" or re.search(r"pad", right, re.IGNORECASE):
                    yield node.lineno, f"{k.arg}={ast.unparse(made)[:40]} is True for the tokens themselves"
