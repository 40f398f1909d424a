"""torch's own test data of its losses, read from the installed wheel and driven through torch.nn and steepest.nn.

Each trial runs the same call on torch's class and on ours. It counts whether each agrees with torch's reference, and
whether the two are the same to the last bit: value, gradients of input and parameters, or the error's type and text.
"""

from __future__ import annotations

import copy
import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from nn_cases import CASES, Case
from torch import Tensor
from torch.testing._internal import common_methods_invocations, common_modules, common_nn

from steepest import nn

Outcome = tuple[str, Any]
CLASSES = sorted(
    name
    for name in {*torch.nn.modules.loss.__all__, "AdaptiveLogSoftmaxWithLoss"} - {"NLLLoss2d"}
    if hasattr(torch.nn, name)
)


@dataclass
class Score:
    """What one class did in one part of the suite."""

    part: str
    name: str
    trials: int = 0
    torch_right: int = 0
    ours_right: int = 0
    same_bits: int = 0
    differences: list[str] = field(default_factory=list)

    def add(self, torch_right: bool, ours_right: bool, same: bool, what: str) -> None:
        self.trials += 1
        self.torch_right += torch_right
        self.ours_right += ours_right
        self.same_bits += same
        if not same or (torch_right and not ours_right):
            self.differences.append(what)


# -- one call ----------------------------------------------------------------------------------------------------------


def outcome(make: Callable[[], torch.nn.Module], args: tuple, kwargs: dict, state: dict | None = None) -> Outcome:
    """The value and gradients of a call, or what it raised."""
    args = fresh(args)
    try:
        module = make()
        if state is not None:
            module.load_state_dict(state)
        leaves = [*module.parameters()]
        if isinstance(args[0], Tensor) and args[0].is_floating_point():
            leaves.append(args[0].requires_grad_())
        value = module(*args, **fresh(kwargs))
        flat = list(value) if isinstance(value, tuple) else [value]
        gradients = torch.autograd.grad(sum(v.real.sum() for v in flat), leaves, allow_unused=True) if leaves else ()
    except Exception as error:
        return "error", (type(error).__name__, re.sub(r"0x[0-9a-f]+", "", str(error)))
    return "value", (flat, list(gradients))


def fresh(value: Any) -> Any:
    """A copy without history, tensors in tuples and dictionaries included."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, (tuple, list)):
        return type(value)(fresh(v) for v in value)
    return {k: fresh(v) for k, v in value.items()} if isinstance(value, dict) else value


def same_bits(a: Outcome, b: Outcome) -> bool:
    if a[0] != b[0] or a[0] == "error":
        return a == b
    pairs = [*zip(a[1][0], b[1][0]), *zip(a[1][1], b[1][1])]
    return len(a[1][1]) == len(b[1][1]) and all(_same_tensor(x, y) for x, y in pairs)


def _same_tensor(x: Tensor | None, y: Tensor | None) -> bool:
    if x is None or y is None:
        return x is y
    alike = x.dtype == y.dtype and x.shape == y.shape and x.device == y.device
    return alike and torch.equal(torch.isnan(x), torch.isnan(y)) and torch.equal(x.nan_to_num(), y.nan_to_num())


def agrees(found: Outcome, expected: Any, dtype: torch.dtype) -> bool:
    if found[0] == "error":
        return False
    value = found[1][0][0] if len(found[1][0]) == 1 else tuple(found[1][0])
    loose = {"rtol": 2e-2, "atol": 2e-2} if dtype in (torch.float16, torch.bfloat16) else {}
    try:
        torch.testing.assert_close(value, expected, equal_nan=True, **loose)
    except AssertionError:
        return False
    return True


def pair(name: str, args: tuple, kwargs: dict) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Makers of torch's module and of ours from the same arguments, with the same initial parameters."""

    def make(namespace: Any) -> torch.nn.Module:
        torch.manual_seed(3)
        return getattr(namespace, name)(*copy.deepcopy(args), **copy.deepcopy(kwargs))

    return lambda: make(torch.nn), lambda: make(nn)


# -- the parts of the suite --------------------------------------------------------------------------------------------


def of_modules(seed: int, dtypes: tuple[torch.dtype, ...], name: str, every: int = 1) -> Score:
    """module_db: constructor and forward inputs with reference functions, and the inputs that must fail."""
    score = Score("module_db", name)
    for info in (i for i in common_modules.module_db if i.module_cls.__name__ == name):
        for dtype in (d for d in dtypes if d in info.dtypes):
            torch.manual_seed(seed)
            options = {"device": "cpu", "dtype": dtype, "requires_grad": False, "training": True}
            for given in info.module_inputs_func(info, **options)[seed % every :: every]:
                build, call = given.constructor_input, given.forward_input
                theirs, ours = pair(name, build.args, build.kwargs)
                state = theirs().to(dtype).state_dict()
                results = [outcome(_cast(m, dtype), call.args, call.kwargs, state) for m in (theirs, ours)]
                module = _cast(theirs, dtype)()
                expected = given.reference_fn(module, *call.args, **call.kwargs)
                right = [agrees(r, expected, dtype) for r in results]
                score.add(*right, same_bits(*results), f"{dtype} {given.desc} {build.kwargs}")
            if info.module_error_inputs_func is not None:
                for given in info.module_error_inputs_func(info, **options):
                    build, call = given.module_error_input.constructor_input, given.module_error_input.forward_input
                    makers = pair(name, build.args, build.kwargs)
                    results = [outcome(m, call.args if call else (0,), call.kwargs if call else {}) for m in makers]
                    right = [_fails_as_wanted(r, given.error_type, given.error_regex) for r in results]
                    score.add(*right, same_bits(*results), f"error {given.error_regex}")
    return score


def _cast(make: Callable[[], torch.nn.Module], dtype: torch.dtype) -> Callable[[], torch.nn.Module]:
    return lambda: make().to(dtype)


def _fails_as_wanted(found: Outcome, kind: Any, regex: str) -> bool:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return found[0] == "error" and found[1][0] in {k.__name__ for k in kinds} and bool(re.search(regex, found[1][1]))


def of_criteria(seed: int, name: str) -> Score:
    """criterion_tests, run by torch's own CriterionTest (reference, gradcheck, gradgradcheck).

    Their constructors all use the last reduction of a loop; here each runs with the one that its name says.
    """
    score = Score("criterion_tests", name)
    for entry in common_nn.criterion_tests:
        named, _, reduction = entry["fullname"].partition("_no_batch_dim_")
        if named == name:
            right = [_criterion_passes(entry, getattr(space, name), reduction, seed) for space in (torch.nn, nn)]
            score.add(*right, right[0] == right[1], entry["fullname"])
    return score


def _criterion_passes(entry: dict, cls: type[torch.nn.Module], reduction: str, seed: int) -> bool:
    def call(module: Any, input: Any, target: Any, extra_args: tuple = ()) -> Any:
        return module(*(input if isinstance(input, tuple) else (input,)), target, *extra_args)

    runner = SimpleNamespace(
        _forward_criterion=call, assertEqual=lambda a, b: torch.testing.assert_close(a, b, equal_nan=True)
    )
    doubles = {**entry, "constructor": lambda *args: cls(reduction=reduction), "default_dtype": torch.float64}
    torch.manual_seed(seed)
    try:
        common_nn.CriterionTest(**doubles)(runner)
    except Exception:
        return False
    return True


def of_references(seed: int, name: str) -> Score:
    """loss_reference_fns: torch's plain formulas of its losses, on our own batches, with each reduction."""
    score = Score("loss_reference_fns", name)
    for case in CASES:
        reference = _reference_of(case)
        if case.name != name or reference is None:
            continue
        for reduction in case.reductions:
            arguments, options = case.batch(seed), {**case.options, "reduction": reduction}
            makers = [_cast(m, torch.float64) for m in pair(name, (), options)]
            results = [outcome(make, arguments, {}) for make in makers]
            expected = reference(makers[0](), *arguments, reduction=reduction)
            right = [agrees(r, expected, torch.float64) for r in results]
            score.add(*right, same_bits(*results), f"{case} {reduction}")
    return score


def _reference_of(case: Case) -> Callable[..., Tensor] | None:
    """The formula as a function of a module of the class, its arguments and the reduction."""
    key = case.name + ("_log_target" if case.options.get("log_target") else "")
    key += "Nd" if case.name == "NLLLoss" and case.note == "images" else ""
    formula = common_nn.loss_reference_fns.get(key)
    if formula is None:
        return None
    if case.name == "LinearCrossEntropyLoss":
        return _linear_reference(formula)
    return lambda module, *arguments, reduction: formula(*arguments, **case.options, reduction=reduction)


def _linear_reference(formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reference(module: Any, input: Tensor, target: Tensor, reduction: str) -> Tensor:
        shape, linear = (module.num_classes, *module.out_features), module.linear
        bias = None if linear.bias is None else linear.bias.reshape(shape)
        matrix = linear.weight.reshape(*shape, linear.in_features)
        return formula(input, matrix, target, linear_bias=bias, weight=module.weight, reduction=reduction).detach()

    return reference


OPS = {
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "kl_div": "KLDivLoss",
    "ctc_loss": "CTCLoss",
    "gaussian_nll_loss": "GaussianNLLLoss",
    "l1_loss": "L1Loss",
    "mse_loss": "MSELoss",
    "multilabel_margin_loss": "MultiLabelMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "nll_loss": "NLLLoss",
    "poisson_nll_loss": "PoissonNLLLoss",
    "smooth_l1_loss": "SmoothL1Loss",
}


def class_of(op: Any) -> str | None:
    """The module class of a loss among the operators, or None."""
    short = op.name.removeprefix("nn.functional.")
    if short == op.name:
        return None
    name = OPS.get(short) or "".join(word.capitalize() for word in short.split("_"))
    return next((c for c in CLASSES if c in (name, name + "Loss")), None)


def of_operators(seed: int, dtypes: tuple[torch.dtype, ...], name: str, every: int = 1) -> Score:
    """op_db: sample inputs of the functions and those that must fail, for the class; the function is the reference."""
    score = Score("op_db", name)
    for op in (o for o in common_methods_invocations.op_db if class_of(o) == name):
        for dtype in (d for d in dtypes if d in op.dtypes):
            torch.manual_seed(seed)
            for sample in list(op.sample_inputs("cpu", dtype, requires_grad=False))[seed % every :: every]:
                _try_sample(score, name, op, dtype, sample)
        if op.error_inputs_func is not None:
            torch.manual_seed(seed)
            for given in op.error_inputs("cpu"):
                _try_error(score, name, op, given)
    return score


def _try_sample(score: Score, name: str, op: Any, dtype: torch.dtype, sample: Any) -> None:
    calls = _as_module_calls(name, op.op, sample)
    if calls is None:  # an argument that the class does not have
        return
    (theirs, ours), args = calls
    results = [outcome(make, args, {}) for make in (theirs, ours)]
    expected = op.op(*fresh((sample.input, *sample.args)), **fresh(sample.kwargs))
    right = [agrees(r, expected, dtype) for r in results]
    score.add(*right, same_bits(*results), f"{dtype} {sample.summary()}")


def _try_error(score: Score, name: str, op: Any, given: Any) -> None:
    try:
        calls = _as_module_calls(name, op.op, given.sample_input)
    except Exception:  # the class cannot even be built
        return
    if calls is not None:
        (theirs, ours), args = calls
        results = [outcome(make, args, {}) for make in (theirs, ours)]
        right = [_fails_as_wanted(r, given.error_type, given.error_regex) for r in results]
        score.add(*right, same_bits(*results), f"error {given.error_regex}")


def _as_module_calls(name: str, function: Any, sample: Any) -> tuple[tuple[Any, Any], tuple] | None:
    """A call of the function as construction and call of its class."""
    theirs = getattr(torch.nn, name)
    given = dict(_signature_of(name).bind(sample.input, *sample.args, **sample.kwargs).arguments)
    if name == "LinearCrossEntropyLoss":
        return _linear_call(given)
    known = set(inspect.signature(theirs.__init__).parameters)
    options = {k: v for k, v in given.items() if k in known}
    rest = [v for k, v in given.items() if k not in known]
    n_taken = len(inspect.signature(theirs.forward).parameters) - 1
    return (pair(name, (), options), tuple(rest)) if len(rest) == n_taken else None


def _signature_of(name: str) -> inspect.Signature:
    functions = {
        class_of(op): op.name.removeprefix("nn.functional.")
        for op in common_methods_invocations.op_db
        if class_of(op) == name
    }
    return inspect.signature(getattr(torch.nn.functional, functions[name]))


def _linear_call(given: dict[str, Any]) -> tuple[tuple[Any, Any], tuple]:
    input, matrix, target = (given.pop(k) for k in ("input", "linear_weight", "target"))
    bias = given.pop("linear_bias", None)
    shape = {"out_features": tuple(matrix.shape[1:-1]), "bias": bias is not None, "dtype": matrix.dtype}

    def make(namespace: Any) -> torch.nn.Module:
        module = namespace.LinearCrossEntropyLoss(matrix.shape[-1], matrix.shape[0], **shape, **fresh(given))
        with torch.no_grad():
            module.linear.weight.copy_(matrix.reshape(module.linear.weight.shape))
            if bias is not None:
                module.linear.bias.copy_(bias.reshape(-1))
        return module

    return (lambda: make(torch.nn), lambda: make(nn)), (input, target)


HEADS: list[dict[str, Any]] = [
    {"in_features": 8, "n_classes": 20, "cutoffs": [5, 10, 15], "div_value": 2.0},
    {"in_features": 8, "n_classes": 20, "cutoffs": [5, 10, 15], "div_value": 2.0, "head_bias": True},
    {"in_features": 16, "n_classes": 20, "cutoffs": [4], "div_value": 4.0},
    {"in_features": 16, "n_classes": 40, "cutoffs": [10, 20, 39], "div_value": 1.0},
]
WRONG_HEADS: list[dict[str, Any]] = [
    {"in_features": 16, "n_classes": 20, "cutoffs": cutoffs}
    for cutoffs in ([], [5, 15, 15], [15, 5, 10], [5, 10, 25], [0, 10], [5.5])
]
"""The adaptive softmax is in none of torch's data bases; these are the kinds of call that torch's own script of tests makes."""


def of_adaptive(seed: int, dtypes: tuple[torch.dtype, ...], name: str) -> Score:
    """The adaptive softmax by hand: rows, single ones, classes of one cluster only, and what must fail; log_prob is the reference."""
    score = Score("by hand", name)
    if name != "AdaptiveLogSoftmaxWithLoss":
        return score
    draw = torch.Generator().manual_seed(seed)
    for options, dtype in ((o, d) for o in HEADS for d in dtypes):
        theirs, ours = pair(name, (), options)
        module = _cast(theirs, dtype)()
        n = options["n_classes"]
        for size, low in (((12,), 0), ((1,), 0), ((), 0), ((6,), options["cutoffs"][0])):
            x = torch.randn(*size, options["in_features"], generator=draw, dtype=torch.float64).to(dtype)
            y = torch.randint(low, n, size, generator=draw)
            rows = module.log_prob(x if size else x.unsqueeze(0))
            output = rows.gather(1, y.reshape(-1, 1))[:, 0].reshape(size).detach()
            results = [outcome(_cast(make, dtype), (x, y), {}) for make in (theirs, ours)]
            right = [agrees(result, (output, -output.mean()), dtype) for result in results]
            score.add(*right, same_bits(*results), f"{dtype} {options} {size}")
        x, y = torch.zeros(4, options["in_features"], dtype=dtype), torch.zeros(4, dtype=torch.long)
        for wrong in ((x, y[:3]), (x, y + n), (x, y - 1), (x[0], y[:1]), (x.unsqueeze(0), y.unsqueeze(0)), (x, y[0])):
            _must_fail(score, [_cast(make, dtype) for make in (theirs, ours)], wrong, f"{dtype} {options}")
    for options in WRONG_HEADS:
        _must_fail(score, list(pair(name, (), options)), (0, 0), str(options))
    return score


def _must_fail(score: Score, makers: Sequence[Callable[[], torch.nn.Module]], args: tuple, what: str) -> None:
    results = [outcome(make, args, {}) for make in makers]
    score.add(*[result[0] == "error" for result in results], same_bits(*results), f"error {what}")


FLOATS = (torch.float32, torch.float64)


def parts(seed: int, dtypes: tuple[torch.dtype, ...], name: str) -> list[Score]:
    """Every part of the suite for one class."""
    return [
        of_modules(seed, dtypes, name),
        of_criteria(seed, name),
        of_references(seed, name),
        of_operators(seed, dtypes, name),
        of_adaptive(seed, dtypes, name),
    ]


def suite(seed: int, dtypes: tuple[torch.dtype, ...] = FLOATS) -> Iterator[Score]:
    """All parts for all classes; a part that has nothing for a class is left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in CLASSES:
            yield from (score for score in parts(seed, dtypes, name) if score.trials)
