"""What a model ends with and what a loss is given, as far as the text tells it surely; "" where it does not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from .names import FunctionNode, called, pairs_of
from .program import Program

ACTS = {
    "softmax": "softmax", "log_softmax": "log_softmax", "sigmoid": "sigmoid", "relu": "relu", "tanh": "tanh", "linear": "linear",
    "softplus": "softplus", "exp": "exp", "logsigmoid": "logsigmoid", "leaky_relu": "leaky_relu", "gelu": "gelu", "relu_": "relu",
    "sigmoid_": "sigmoid",
}  # fmt: skip
MODULES = {
    "Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid", "ReLU": "relu", "Tanh": "tanh", "Linear": "linear",
    "Softplus": "softplus", "Conv2d": "linear", "Conv1d": "linear", "ConvTranspose2d": "linear", "Softmax2d": "softmax", "LeakyReLU": "leaky_relu",
    "LSTM": "rnn", "GRU": "rnn", "LazyLinear": "linear",
}  # fmt: skip
HANDED_ON = {
    "squeeze",
    "view",
    "reshape",
    "flatten",
    "float",
    "contiguous",
    "unsqueeze",
    "to",
    "cuda",
    "cpu",
    "double",
    "clone",
    "permute",
    "transpose",
    "detach",
    "half",
    "ravel",
}
LOSSES = {
    "CrossEntropyLoss": "cross_entropy", "NLLLoss": "nll", "BCELoss": "bce", "BCEWithLogitsLoss": "bce_logits", "MSELoss": "mse",
    "L1Loss": "l1", "SmoothL1Loss": "l1", "HuberLoss": "l1", "KLDivLoss": "kl", "cross_entropy": "cross_entropy", "nll_loss": "nll",
    "binary_cross_entropy": "bce", "binary_cross_entropy_with_logits": "bce_logits", "mse_loss": "mse", "l1_loss": "l1",
    "smooth_l1_loss": "l1", "kl_div": "kl", "GaussianNLLLoss": "gaussian", "PoissonNLLLoss": "poisson", "gaussian_nll_loss": "gaussian",
    "poisson_nll_loss": "poisson",
}  # fmt: skip


@dataclass(frozen=True)
class LossSite:
    """A call of a loss. made: the call that built the loss object, where there is one."""

    kind: str
    call: ast.Call
    made: ast.Call | None

    def argument(self, position: int, name: str) -> ast.expr | None:
        by_name = next((k.value for k in self.call.keywords if k.arg == name), None)
        return by_name or (self.call.args[position] if len(self.call.args) > position else None)

    def option(self, name: str) -> ast.expr | None:
        """A keyword of the loss, given to its object or to its function."""
        for call in (self.made, self.call):
            for k in call.keywords if call is not None else ():
                if k.arg == name:
                    return k.value
        return None


class Models:
    """Questions about models and losses of one program."""

    def __init__(self, source: Program) -> None:
        self.source, self.names = source, source.names
        self.functions = [n for n in source.nodes if isinstance(n, FunctionNode)]

    def losses(self) -> Iterator[LossSite]:
        for node in self.source.nodes:
            if not isinstance(node, ast.Call):
                continue
            dotted = self.names.dotted(node.func)
            if dotted.startswith("torch.nn.functional.") and dotted.rpartition(".")[2] in LOSSES:
                yield LossSite(LOSSES[dotted.rpartition(".")[2]], node, None)
                continue
            made = node.func if isinstance(node.func, ast.Call) else self.names.value_of(node.func)
            if (
                isinstance(made, ast.Call)
                and made is not node
                and called(made) in LOSSES
                and called(made)[0].isupper()
                and node.args
            ):
                yield LossSite(LOSSES[called(made)], node, made)

    def function_of(self, node: ast.AST) -> ast.AST | None:
        """The innermost function around a node."""
        line = getattr(node, "lineno", 0)
        around = [f for f in self.functions if f.lineno <= line <= (f.end_lineno or 0)]
        return max(around, key=lambda f: f.lineno, default=None)

    def last_value(self, name: str, node: ast.AST) -> ast.expr | None:
        """What a name was last bound to before the node in its function; None when it is bound there in several ways."""
        scope = self.function_of(node) or self.source.tree
        here = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
        found: list[tuple[ast.Assign, ast.expr]] = []
        for n in ast.walk(scope):
            if isinstance(n, ast.Assign) and (n.end_lineno or 0, n.end_col_offset or 0) < here:
                whole = [(k, v) for t in n.targets for k, v in pairs_of(t, n.value)]
                found += [
                    (n, v) for k, v in whole if k == name and (v is not n.value or isinstance(n.targets[0], ast.Name))
                ]
        own = None if scope is self.source.tree else scope
        inner = [(n, v) for n, v in found if self.function_of(n) is own]
        return max(inner, key=lambda f: (f[0].lineno, f[0].col_offset))[1] if inner else None

    def ending(self, node: ast.expr | None, depth: int = 0) -> str:
        """The operation whose result an expression is."""
        if node is None or depth > 12:
            return ""
        if isinstance(node, ast.Name):
            value = self.last_value(node.id, node)
            return self.ending(value, depth + 1) if value is not None else ""
        if isinstance(node, ast.Subscript):
            return self.ending(node.value, depth + 1) if isinstance(node.slice, (ast.Slice, ast.Tuple)) else ""
        if not isinstance(node, ast.Call):
            return ""
        dotted, word = self.names.dotted(node.func), called(node)
        if dotted.startswith("torch.") and word in ACTS:
            return ACTS[word]
        if isinstance(node.func, ast.Attribute) and word in HANDED_ON:
            return self.ending(node.func.value, depth + 1)
        if isinstance(node.func, ast.Attribute) and word in ACTS and not dotted.startswith("self."):
            return ACTS[word]
        if dotted.startswith("torch.") and word in HANDED_ON and node.args:
            return self.ending(node.args[0], depth + 1)
        function = self.names.functions.get(word) if isinstance(node.func, ast.Name) else None
        if function is not None:
            return self.function_ending(function, depth + 1)
        if isinstance(node.func, ast.Attribute) and word == "forward":
            return self.module_ending(node.func.value, node, depth + 1)
        return self.module_ending(node.func, node, depth + 1)

    def function_ending(self, function: ast.AST, depth: int = 0) -> str:
        """What a function of the program returns, where all its returns end alike."""
        returns = [n for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
        endings = {self.ending(r.value, depth + 1) for r in returns}
        return endings.pop() if len(endings) == 1 else ""

    def module_ending(self, module: ast.expr, at: ast.AST, depth: int = 0) -> str:
        """What a module ends with; `module` is what is called."""
        made = self.built(module, at)
        if made is None or depth > 12:
            return ""
        word, dotted = called(made), self.names.dotted(made.func)
        if word in self.names.classes and isinstance(made.func, ast.Name):
            return self.class_ending(self.names.classes[word], depth + 1)
        if dotted.startswith("torch.nn.") and word in MODULES:
            return MODULES[word]
        if dotted == "torch.nn.Sequential" and made.args and not isinstance(made.args[-1], ast.Starred):
            return self.module_ending(made.args[-1], at, depth + 1)
        return ""

    def built(self, module: ast.expr, at: ast.AST) -> ast.Call | None:
        """The call that built a module: of model = Net(...).to(device) it is Net(...)."""
        if isinstance(module, ast.Attribute) and isinstance(module.value, ast.Name) and module.value.id == "self":
            found = self._of_self(module.attr, at)
            module = found if found is not None else module
        else:
            module = self.names.value_of(module)
        for _ in range(4):
            if (
                isinstance(module, ast.Call)
                and isinstance(module.func, ast.Attribute)
                and module.func.attr in ("to", "cuda", "cpu", "double", "train", "eval", "float")
            ):
                module = module.func.value
            elif isinstance(module, ast.Call) and called(module) in ("DataParallel", "compile") and module.args:
                module = self.names.value_of(module.args[0])
        return module if isinstance(module, ast.Call) else None

    def _of_self(self, attribute: str, at: ast.AST) -> ast.expr | None:
        """What self.attribute was bound to, once, in the class around a node."""
        line = getattr(at, "lineno", 0)
        around = [c for c in self.names.classes.values() if c.lineno <= line <= (c.end_lineno or 0)]
        if not around:
            return None
        cls = max(around, key=lambda c: c.lineno)
        values = [
            v for n in ast.walk(cls) if isinstance(n, ast.Assign)
            for t in n.targets for k, v in pairs_of(t, n.value) if k == f"self.{attribute}"
        ]  # fmt: skip
        return values[0] if len(values) == 1 else None

    def class_ending(self, cls: ast.ClassDef, depth: int = 0) -> str:
        """What forward returns, where all its returns end alike."""
        forward = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "forward"), None)
        if forward is None or depth > 12:
            return ""
        inner = [n for f in ast.walk(forward) if isinstance(f, FunctionNode) and f is not forward for n in ast.walk(f)]
        returns = [n for n in ast.walk(forward) if isinstance(n, ast.Return) and n.value is not None and n not in inner]
        endings = {self.ending(r.value, depth + 1) for r in returns}
        return endings.pop() if len(endings) == 1 else ""

    def acts_by_mode(self) -> set[str]:
        """Layers of the program that behave differently in evaluation."""
        return {
            called(c)
            for c in self.source.calls(
                "Dropout", "Dropout2d", "Dropout1d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "AlphaDropout"
            )
        }
