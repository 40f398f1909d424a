"""Mistakes of the training loop that its text shows: each function yields (line, evidence), and nothing where it is not sure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .flow import Step
from .names import called

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]


def _is_plain(source: Source) -> bool:
    """A loop written by hand: an engine of DeepSpeed clears and steps by itself."""
    return not any(name.split(".")[0] in ("deepspeed", "colossalai") for name in source.names.imports.values())


def no_clearing(source: Source) -> Found:
    """backward and step in a loop, and nothing clears the gradients there."""
    if not _is_plain(source) or source.flow.of("step with closure"):
        return
    for loop, steps in source.flow.training_loops():
        kinds = [s.kind for s in steps]
        if "backward" in kinds and "step" in kinds and "zero" not in kinds and "other step" not in kinds:
            line = next(s.line for s in steps if s.kind == "backward")
            where = "in the whole program" if not source.flow.of("zero") else "in this loop, only outside of it"
            yield (
                line,
                f"backward() and step() are called in the loop of line {getattr(loop, 'lineno', 0)}, and zero_grad() nowhere {where}",
            )


def cleared_too_early(source: Source) -> Found:
    """zero_grad between backward and step of one pass, or of one pass and the next."""
    for _, steps in source.flow.training_loops():
        order = [s for s in steps if s.kind in ("zero", "backward", "step") and s.sure]
        kinds = [s.kind for s in order]
        if (
            kinds.count("backward") == 1
            and kinds.count("step") == 1
            and kinds.count("zero") == 1
            and len({s.loops for s in order}) == 1
        ):
            if kinds == ["backward", "zero", "step"]:
                yield order[1].line, "zero_grad() stands between backward() and step()"
            elif kinds == ["zero", "step", "backward"]:
                yield order[1].line, "step() stands before backward(), and zero_grad() clears what backward() left"


def no_step(source: Source) -> Found:
    """backward in a loop and no step of any optimizer, or a step without parentheses, or one outside the loop over batches."""
    for s in source.flow.of("no call of step"):
        if not re.search(r"sched", s.name):
            yield s.line, f"{s.name}.step stands there without parentheses and is not called"
    if not _is_plain(source) or source.flow.of("step with closure", "no call of step"):
        return
    optimizers = [
        n
        for n, values in source.names.bound.items()
        for v in values
        if "optim." in (source.names.dotted(v.func) if isinstance(v, ast.Call) else "")
    ]
    for _, steps in source.flow.training_loops():
        first = next(s for s in steps if s.kind == "backward")
        if (
            optimizers
            and not source.flow.of("step", "other step")
            and not source.mentions(r"\.data\s*[-+]=|\.grad\b|\.step\(")
        ):
            yield first.line, "backward() is called in a loop, and no optimizer is ever stepped"
        inside = {s.kind for s in steps}
        outside = [s for s in source.flow.of("step") if s.loops and s.loops == first.loops[:-1]]
        if "step" not in inside and "zero" in inside and outside and len(first.loops) > 1:
            yield (
                outside[0].line,
                f"step() stands outside the loop of line {getattr(first.loops[-1], 'lineno', 0)}, where gradients are computed and cleared",
            )


def never_backward(source: Source) -> Found:
    """A loop in which an optimizer of torch is stepped, and backward stands nowhere in the program."""
    if source.mentions(
        r"backward|autograd|closure|\.grad(\.data)?\s*[-+*/]?=[^=]|lightning|fastai|\bTrainer\b|functional_call"
    ) or source.names.classes.keys() & {"Optimizer"}:
        return
    built = any(source.names.dotted(c.func).startswith("torch.optim.") for c in source.nodes if isinstance(c, ast.Call))
    for s in source.flow.of("step"):
        if built and s.loops and isinstance(s.node, ast.Call) and not s.node.args:
            yield s.line, f"{s.name}.step() is called in a loop, and backward() nowhere: no parameter has a gradient"
            return


def clipping_misplaced(source: Source) -> Found:
    for _, steps in source.flow.training_loops():
        order = [s for s in steps if s.kind in ("clip", "backward", "step") and s.sure]
        kinds = [s.kind for s in order]
        if kinds.count("clip") == kinds.count("backward") == kinds.count("step") == 1 and kinds != [
            "backward",
            "clip",
            "step",
        ]:
            clip = next(s for s in order if s.kind == "clip")
            if kinds.index("backward") < kinds.index("step"):
                yield clip.line, f"the order is {', '.join(kinds)}"


def never_evaluates(source: Source) -> Found:
    """Dropout or batch norm, an evaluation under no_grad, and eval() nowhere."""
    layers = source.models.acts_by_mode()
    if (
        not layers
        or not source.flow.of("backward")
        or source.flow.of("eval")
        or source.mentions(r"\.eval\(|train\(False|lightning|\.training\s*=")
    ):
        return
    for node in source.nodes:
        if isinstance(node, ast.With) and any(
            "no_grad" in ast.unparse(i) or "inference_mode" in ast.unparse(i) for i in node.items
        ):
            text = ast.unparse(node)
            if re.search(r"==|argmax|\bloss|criterion|accuracy|max\(", text) and not re.search(
                r"\.backward|randn|fake|target_net|teacher|\.data", text
            ):
                yield (
                    node.lineno,
                    f"a model with {', '.join(sorted(layers))} is evaluated, and eval() is called nowhere",
                )
                return


def stays_in_evaluation(source: Source) -> Found:
    """eval() in the loop over epochs, and train() never in it."""
    layers = source.models.acts_by_mode()
    if not layers or source.mentions(r"lightning|\.train\(mode|\.train\(not"):
        return
    for s in source.flow.of("eval"):
        trained = [b for b in source.flow.of("backward") if b.loops and s.loops and b.loops[0] is s.loops[0]]
        inner = [b for b in trained if s.loops[-1] is b.loops[-1]]
        if (
            inner
            and not any(t for t in source.flow.of("train") if inner[0].loops[-1] in t.loops)
            and _after(source, s, inner[0])
        ):
            yield s.line, "eval() is called in the loop over batches, train() only outside of it"
            return
        if not trained or not s.sure:
            continue
        back = [t for t in source.flow.of("train") if t.loops and t.loops[0] is s.loops[0]]
        if not back and s.line != trained[0].line and _after(source, s, trained[0]):
            yield (
                s.line,
                f"eval() is called in the loop over epochs (line {getattr(s.loops[0], 'lineno', 0)}), train() only outside of it",
            )
            return


def _after(source: Source, s: Step, backward: Step) -> bool:
    """The evaluation comes after the training of the same turn."""
    return source.flow.steps.index(s) > source.flow.steps.index(backward)


def built_again(source: Source) -> Found:
    """An optimizer built in the loop in which it is stepped, for a model built outside of it."""
    for _, steps in source.flow.training_loops():
        loops = next(s for s in steps if s.kind == "backward").loops
        for s in source.flow.of("optimizer"):
            if not s.loops or s.loops[-1] not in loops:
                continue
            if s.name == "SGD" and "momentum" not in ast.unparse(s.node):
                continue  # it keeps nothing from step to step
            text = " ".join(ast.unparse(loop) for loop in s.loops)
            fresh = any(
                isinstance(n, ast.Assign) and source.names.is_module(n.value)
                for loop in s.loops
                for n in ast.walk(loop)
            )
            if not fresh and not re.search(
                r"reset|reinit|load_state|init_weights|fold|seed|requires_grad|deepcopy|build_|make_|create_|get_model",
                text,
            ):
                yield (
                    s.line,
                    f"{s.name} is built in the loop of line {getattr(s.loops[-1], 'lineno', 0)}, where it is stepped",
                )
                return


def first_batch_again(source: Source) -> Found:
    """next(iter(loader)) in the loop that trains."""
    for _, steps in source.flow.training_loops():
        backward = next(s for s in steps if s.kind == "backward")
        for node in ast.walk(backward.loops[-1]):
            if (
                isinstance(node, ast.Call)
                and called(node) == "next"
                and node.args
                and isinstance(node.args[0], ast.Call)
                and called(node.args[0]) == "iter"
            ):
                over = node.args[0].args[0] if node.args[0].args else None
                made = source.names.value_of(over) if over is not None else None
                if isinstance(made, ast.Call) and called(made) == "DataLoader":
                    shuffled = any(k.arg == "shuffle" and ast.unparse(k.value) == "True" for k in made.keywords)
                    if not shuffled and not any(k.arg in ("sampler", "batch_sampler") for k in made.keywords):
                        yield (
                            node.lineno,
                            f"{ast.unparse(node)} begins a new pass in each turn of the loop and draws its first batch",
                        )


def not_divided(source: Source) -> Found:
    """step() only in every k-th turn, and the loss is not divided."""
    yield from micro_steps_not_divided(source)
    for _, steps in source.flow.training_loops():
        backwards = [s for s in steps if s.kind == "backward"]
        late = [s for s in steps if s.kind == "step" and not s.sure]
        if len(backwards) != 1 or not late or any(s.kind == "step" and s.sure for s in steps):
            continue
        loop = backwards[0].loops[-1]
        modulo = [n for n in ast.walk(loop) if isinstance(n, ast.If) and isinstance(n.test, (ast.Compare, ast.BoolOp)) and "%" in ast.unparse(n.test)
                  and any(isinstance(c, ast.Call) and called(c) == "step" for c in ast.walk(n))]  # fmt: skip
        text = ast.unparse(loop)
        divided = any(isinstance(n, (ast.BinOp, ast.AugAssign)) and isinstance(n.op, ast.Div) for n in ast.walk(loop))
        if (
            modulo
            and not divided
            and not re.search(r"loss[^=\n]*/|/ ?[\w.]+\)\.backward|/=|reduction=.sum|loss\s*\*=|\*\s*\(?1", text)
            and not source.mentions(r"reduction\s*=\s*['\"]sum")
        ):
            yield (
                backwards[0].line,
                f"step() is taken where {ast.unparse(modulo[0].test)[:50]}, and the loss is not divided",
            )


def micro_steps_not_divided(source: Source) -> Found:
    """An inner loop over micro-batches with backward, the step after it, and a loss that is averaged and not divided."""
    for loop, steps in source.flow.training_loops():
        backwards = [s for s in steps if s.kind == "backward"]
        over = ast.unparse(loop.iter) if isinstance(loop, ast.For) else ""
        if (
            not re.search(r"accum|micro|grad_acc", over)
            or len(backwards) != 1
            or any(s.kind in ("step", "zero") for s in steps)
        ):
            continue
        outside = [s for s in source.flow.of("step") if s.loops == backwards[0].loops[:-1]]
        text = ast.unparse(loop)
        if (
            outside
            and not re.search(r"/|no_sync|\* ?\(?1|reduction=.sum", text)
            and not source.mentions(r"reduction\s*=\s*['\"]sum|\.sum\(\)\s*/")
        ):
            yield (
                backwards[0].line,
                f"backward() is called for each of {over[:40]}, step() once after them, and the loss is not divided",
            )


def other_tensors(source: Source) -> Found:
    """The model is replaced after its optimizer was built."""
    for body in [source.tree.body, *(f.body for f in source.names.functions.values())]:
        made: dict[str, int] = {}
        for s in body:
            if not isinstance(s, ast.Assign):
                continue
            text = ast.unparse(s.value)
            owner = re.match(r"(?:\w+\.)*optim\.\w+\((\w+)\.parameters\(\)", text) or re.match(
                r"(?:Adam|SGD|AdamW|RMSprop)\((\w+)\.parameters\(\)", text
            )
            if owner:
                made[owner[1]] = s.lineno
                continue
            for target in (ast.unparse(t) for t in s.targets):
                base = target.split(".")[0]
                if base not in made:
                    continue
                fresh = isinstance(s.value, ast.Call) and (
                    source.names.is_module(s.value) or source.names.dotted(s.value.func).startswith("torch.nn.")
                )
                again = target == base and text in {
                    ast.unparse(v) for v in source.names.bound.get(base, []) if v is not s.value
                }
                anew = re.search(
                    rf"optim\.\w+\({re.escape(base)}\.",
                    "\n".join(ast.unparse(later) for later in body if later.lineno > s.lineno),
                )
                if (
                    not anew
                    and (fresh or (again and re.fullmatch(r"\w+\(.*\)", text)))
                    and not re.search(r"DataParallel|compile|\.to\(", text)
                    and "eval" not in target
                ):
                    yield (
                        s.lineno,
                        f"{target} is made anew on line {s.lineno}, the optimizer holds the tensors of before (line {made[base]})",
                    )
