"""What a model ends with and what a loss is given, as far as the text tells it surely; "" where it does not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .bindings import Bindings
from .names import called
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

    def __init__(self, source: Program, bindings: Bindings) -> None:
        self.source, self.names, self.bindings = source, source.names, bindings

    def losses(self) -> Iterator[LossSite]:
        yield from self._losses

    @cached_property
    def _losses(self) -> list[LossSite]:
        return [
            site for node in self.source.nodes if isinstance(node, ast.Call) and (site := self._site(node)) is not None
        ]

    def _site(self, node: ast.Call) -> LossSite | None:
        dotted = self.names.dotted(node.func)
        word = dotted.rpartition(".")[2]
        if dotted.startswith("torch.nn.functional.") and word in LOSSES:
            return LossSite(LOSSES[word], node, None)
        if not node.args or dotted.startswith(("torch.", "numpy.")):
            return None
        made = node.func if isinstance(node.func, ast.Call) else self.bindings.made(node.func)
        if not isinstance(made, ast.Call) or made is node:
            return None
        word = self.names.dotted(made.func).rpartition(".")[2]
        return LossSite(LOSSES[word], node, made) if word in LOSSES and word[0].isupper() else None

    def last_value(self, name: str, node: ast.AST) -> ast.expr | None:
        """What a name was last bound to before a node, there or where the function around it is called."""
        return self.bindings.of_name(name, node)

    def ending(self, node: ast.expr | None, depth: int = 0) -> str:
        """The operation whose result an expression is."""
        if node is None or depth > 16:
            return ""
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self.ending(self.bindings.value(node), depth + 1)
        if isinstance(node, ast.Subscript):
            if isinstance(node.slice, (ast.Slice, ast.Tuple)):
                return self.ending(node.value, depth + 1)
            before = self.bindings.value(node)
            return self.ending(before, depth + 1) if before is not None else self._ending_of_part(node, depth)
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
        returned = self.bindings.returned(node)
        if returned is not None:
            return self.ending(returned, depth + 1)
        if isinstance(node.func, ast.Attribute) and word == "forward":
            return self.module_ending(node.func.value, depth + 1)
        return self.module_ending(node.func, depth + 1)

    def _ending_of_part(self, node: ast.Subscript, depth: int) -> str:
        """out of `out, hidden = model(x)`: the element of what forward returns."""
        call, which = self.bindings.made(node.value), node.slice
        made = self.bindings.built(call.func) if isinstance(call, ast.Call) else None
        k = which.value if isinstance(which, ast.Constant) else None
        if made is None or not isinstance(k, (int, str)):
            return ""
        word = called(made)
        if isinstance(k, str):
            named = {self.ending(named_in(r, k), depth + 1) for r in self.returns_of(word)}
            return named.pop() if len(named) == 1 else ""
        if self.names.dotted(made.func).startswith("torch.nn.") and MODULES.get(word) == "rnn" and k == 0:
            return "rnn"
        found = {
            self.ending(r.elts[k], depth + 1) if isinstance(r, ast.Tuple) and k < len(r.elts) else ""
            for r in self.returns_of(word)
        }
        return found.pop() if len(found) == 1 else ""

    def returns_of(self, cls: str) -> list[ast.expr]:
        """What forward of a class of the program returns."""
        found = self.names.classes.get(cls)
        forward = (
            next((f for f in found.body if isinstance(f, ast.FunctionDef) and f.name == "forward"), None)
            if found
            else None
        )
        if forward is None:
            return []
        scope = self.bindings.scope
        return [
            n.value
            for n in ast.walk(forward)
            if isinstance(n, ast.Return) and n.value is not None and scope.get(id(n)) is forward
        ]

    def function_ending(self, function: ast.AST, depth: int = 0) -> str:
        """What a function of the program returns, where all its returns end alike."""
        returns = [n for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
        endings = {self.ending(r.value, depth + 1) for r in returns}
        return endings.pop() if len(endings) == 1 else ""

    def module_ending(self, module: ast.expr, depth: int = 0) -> str:
        """What a module ends with; `module` is what is called."""
        made = self.built(module)
        if made is None or depth > 16:
            return ""
        word, dotted = called(made), self.names.dotted(made.func)
        if word in self.names.classes and isinstance(made.func, ast.Name):
            endings = {self.ending(r, depth + 1) for r in self.returns_of(word)}
            return endings.pop() if len(endings) == 1 else ""
        word = dotted.rpartition(".")[2]
        if dotted.startswith("torch.nn.") and word in MODULES:
            return MODULES[word]
        last = last_of(made) if dotted == "torch.nn.Sequential" else None
        return self.module_ending(last, depth + 1) if last is not None else ""

    def built(self, module: ast.expr) -> ast.Call | None:
        """The call that built a module: of model = Net(...).to(device) it is Net(...)."""
        return self.bindings.built(module)

    def acts_by_mode(self) -> set[str]:
        """Layers of the program that behave differently in evaluation."""
        return {
            called(c)
            for c in self.source.calls(
                "Dropout", "Dropout2d", "Dropout1d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "AlphaDropout"
            )
        }


def named_in(node: ast.expr, name: str) -> ast.expr | None:
    """The value that a dictionary holds under a name."""
    pairs = zip(node.keys, node.values) if isinstance(node, ast.Dict) else ()
    return next((v for k, v in pairs if isinstance(k, ast.Constant) and k.value == name), None)


def last_of(sequential: ast.Call) -> ast.expr | None:
    """The last layer of nn.Sequential(...), given one by one, as a dictionary of names or as a list."""
    if not sequential.args:
        return None
    last = sequential.args[-1]
    if isinstance(last, ast.Starred):
        last = last.value
    if isinstance(last, ast.Call) and called(last) == "OrderedDict" and last.args:
        last = last.args[0]
    if isinstance(last, ast.List) and last.elts:
        last = last.elts[-1]
        return last.elts[1] if isinstance(last, ast.Tuple) and len(last.elts) == 2 else last
    if isinstance(last, ast.Dict) and last.values:
        return last.values[-1]
    return None if isinstance(sequential.args[-1], ast.Starred) else last
