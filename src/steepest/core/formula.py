"""A declared formula as text -> LaTeX, a value of 50 digits, an exact gradient; sympy and mpmath are imported on first use.

Of a loss of elements, x and y are numbers. Of a loss of classes, x[j] are the scores, C their number and y the true class;
of a loss of distributions, y[j] are the true probabilities; of a loss of parameters, x[j] are they and y is a number.
All other names are hyperparameters.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .item import Item
from .mathml import mathml

if TYPE_CHECKING:
    from mpmath import mpf

DIGITS = 50
# Digits within a computation: enough for 1 + exp(-2e4) to differ from 1 (8,686 digits), with room for small powers of it.
MOST_DIGITS = 60_000

Numbers = float | Sequence[float]


@dataclass(frozen=True)
class Formula:
    """A formula and the names of its hyperparameters.

    >>> huber = Formula("Piecewise(((x - y)**2/2, Abs(x - y) <= delta), (delta*(Abs(x - y) - delta/2), True))", ("delta",))
    >>> float(huber.value(3.0, 0.0, delta=1.0)), [float(g) for g in huber.gradient(3.0, 0.0, delta=1.0)]
    (2.5, [1.0])
    >>> Formula("log(Sum(exp(x[j]), (j, 0, C - 1))) - x[y]").latex()
    '\\\\log{\\\\left(\\\\sum_{j=0}^{C - 1} e^{{x}_{j}} \\\\right)} - {x}_{y}'
    """

    text: str
    hyper: tuple[str, ...] = ()
    is_measured: bool = False
    """y is one number, also where x[j] are several: the parameters of a distribution."""

    @staticmethod
    def of(item: Item) -> Formula | None:
        """The item's declared formula, or None where it has none."""
        text = getattr(item, "formula", None)
        kind = getattr(getattr(item, "target", None), "name", "")
        return Formula(text, tuple(item.hyper), kind == "parameters") if text else None

    @property
    def has_classes(self) -> bool:
        """One item is a row of scores x[j], not a single number."""
        return "x[" in self.text

    def latex(self) -> str:
        """For a page. A text that sympy cannot read stands as it is."""
        import sympy

        expression = _parsed(self.text, self.hyper, as_written=True)
        return self.text if expression is None else str(sympy.latex(expression, order="none"))

    def pretty(self) -> str:
        """For a terminal: several lines of Unicode."""
        import sympy

        expression = _parsed(self.text, self.hyper, as_written=True)
        return self.text if expression is None else str(sympy.pretty(expression, order="none", use_unicode=True))

    def mathml(self) -> str:
        """For a page without scripts. A text that sympy cannot read stands as it is."""
        expression = _parsed(self.text, self.hyper, as_written=True)
        return f"<code>{html.escape(self.text)}</code>" if expression is None else mathml(expression)

    def value(self, x: Numbers, y: Numbers, **hyper: float) -> mpf:
        """The value of one item, right to 50 digits. x: a number, or C scores; y: a number, a class, or C probabilities."""
        return _settled(self._function(x, y, None), *_arguments(x, y, hyper, self.hyper))

    def gradient(self, x: Numbers, y: Numbers, **hyper: float) -> list[mpf]:
        """The derivative by x, or by each score, right to 50 digits."""
        places = range(len(x)) if isinstance(x, Sequence) else (0,)
        return [_settled(self._function(x, y, place), *_arguments(x, y, hyper, self.hyper)) for place in places]

    def _function(self, x: Numbers, y: Numbers, place: int | None) -> Callable[..., Any]:
        n_classes = len(x) if isinstance(x, Sequence) else 0
        true_class = y if n_classes and not self.is_measured and not isinstance(y, Sequence) else None
        if not n_classes and y in (0, 1):
            true_class = int(y)  # type: ignore[arg-type]  # by name: what they multiply with 0 is gone
        text = re.sub(r"\by\b", "y[0]", self.text) if self.is_measured and n_classes else self.text
        return _compiled(text, self.hyper, n_classes, true_class, place)


def of_hyper(text: float | str, **hyper: float) -> float:
    """A number that is given as a formula in the hyperparameters ("1 + gamma")."""
    import sympy

    if not isinstance(text, str):
        return float(text)
    hyper = {name: value for name, value in hyper.items() if isinstance(value, (int, float))}
    names = {name: sympy.Symbol(name, real=True) for name in hyper}
    return float(sympy.sympify(text, locals=names, rational=True).subs({names[k]: v for k, v in hyper.items()}))


def _names(hyper: tuple[str, ...], text: str) -> dict[str, Any]:
    """What the letters of a formula mean: without this, sympy would take gamma, beta, N or S for its own functions."""
    import sympy

    found: dict[str, Any] = {name: _symbol(name) for name in (*hyper, "x", "y")}
    found.update({name: sympy.Symbol(name, integer=True) for name in ("i", "j", "C") if name not in hyper})
    found.update({name: sympy.IndexedBase(name, real=True) for name in hyper if f"{name}[" in text})
    if "x[" in text:
        found["x"] = sympy.IndexedBase("x", real=True)
        found["y"] = sympy.IndexedBase("y", real=True) if "y[" in text else sympy.Symbol("y", integer=True)
    return found


@lru_cache(maxsize=None)
def _symbol(name: str) -> Any:
    """A real number called by its name; a word is set upright, where sympy would read pos_weight as pos with an index."""
    import sympy
    from sympy.printing.pretty.stringpict import prettyForm

    class Word(sympy.Symbol):
        def _latex(self, printer: Any) -> str:
            return r"\mathrm{" + self.name.replace("_", r"\_") + "}"

        def _pretty(self, printer: Any) -> prettyForm:
            return prettyForm(self.name)

    is_letter = len(name) == 1 or str(sympy.latex(sympy.Symbol(name))).startswith("\\")
    return sympy.Symbol(name, real=True) if is_letter else Word(name, real=True)


@lru_cache(maxsize=None)
def _parsed(text: str, hyper: tuple[str, ...], as_written: bool = False) -> Any:
    """The expression, in the order of the text when it is to be shown; None where sympy cannot read it."""
    import sympy

    try:
        found = sympy.sympify(text, locals=_names(hyper, text), rational=True, evaluate=not as_written)
    except (sympy.SympifyError, SyntaxError, TypeError, AttributeError):
        return None
    return _without_ones(found) if as_written else found


def _without_ones(expression: Any) -> Any:
    """1/(1 + x) as written is 1 times a power: the 1 would be shown."""
    import sympy

    args = [_without_ones(arg) for arg in getattr(expression, "args", ())]
    if isinstance(expression, sympy.Mul) and sympy.S.One in args and len(args) > 1:
        args = [arg for arg in args if arg is not sympy.S.One]
        return args[0] if len(args) == 1 else sympy.Mul(*args, evaluate=False)
    if args == list(getattr(expression, "args", ())):
        return expression
    keeps_order = isinstance(expression, (sympy.Add, sympy.Mul, sympy.Pow, sympy.Piecewise))
    return expression.func(*args, evaluate=False) if keeps_order else expression.func(*args)


@lru_cache(maxsize=None)
def _compiled(
    text: str, hyper: tuple[str, ...], n_classes: int, true_class: int | None, place: int | None
) -> Callable[..., Any]:
    """The value (place None) or its derivative by one score, as a function of x, y and the hyperparameters in mpmath."""
    import sympy

    expression = _parsed(text, hyper)
    if expression is None:
        raise UsageError(
            where="formula", seen=repr(text), needed="a text that sympy can read was needed", repair="Check its brackets."
        )
    names = _names(hyper, text)
    letters = {h: _entries(h, text, n_classes) for h in hyper if f"{h}[" in text}
    known = {names["C"]: n_classes, **({names["y"]: true_class} if true_class is not None else {})}
    expression = expression.subs(known).doit() if n_classes or true_class is not None else expression
    scores = sympy.symbols(f"x:{n_classes}", real=True) if n_classes else (names["x"],)
    shares = sympy.symbols(f"y:{n_classes}", real=True) if n_classes else (names["y"],)
    if n_classes:
        plain = {names["x"][i]: scores[i] for i in range(n_classes)}
        if "y[" in text:
            plain.update({names["y"][i]: shares[i] for i in range(n_classes)})
        for h, entries in letters.items():
            plain.update({names[h][place]: letter for place, letter in entries.items()})
        expression = expression.xreplace(plain)
    if place is not None:
        expression = expression.diff(scores[place])
    numbers = [letter for h in hyper for letter in (letters[h].values() if h in letters else [names[h]])]
    return sympy.lambdify((*scores, *shares, *numbers), expression, modules="mpmath")


def _entries(name: str, text: str, n_classes: int) -> dict[Any, Any]:
    """A letter for each entry of a hyperparameter with one number per class, or per pair of classes."""
    import sympy

    is_table = "," in text.split(f"{name}[")[1].split("]")[0]
    rows = range(n_classes)
    places = [(a, b) for a in rows for b in rows] if is_table else [(a,) for a in rows]
    return {place if is_table else place[0]: sympy.Symbol(f"{name}_{'_'.join(map(str, place))}") for place in places}


def _arguments(
    x: Numbers, y: Numbers, values: dict[str, float], hyper: tuple[str, ...]
) -> tuple[list[float], list[float]]:
    """All arguments in the order of _compiled: scores and targets, then hyperparameters."""
    if set(values) != set(hyper):
        raise UsageError(
            where="formula",
            seen=f"hyperparameters {sorted(values)} were given",
            needed=f"those of the formula are {sorted(hyper)}",
            repair="Give each of them a value.",
        )
    scores = list(x) if isinstance(x, Sequence) else [x]
    targets = list(y) if isinstance(y, Sequence) else [y] * len(scores)
    return scores + targets, [number for name in hyper for number in _flat(values[name])]


def _flat(value: Any) -> list[float]:
    return [number for part in value for number in _flat(part)] if isinstance(value, Sequence) else [value]


def _settled(function: Callable[..., Any], points: list[float], hyper: list[float]) -> mpf:
    """The value at twice the digits, and twice again, until 50 of them stay. 0 is believed only with very many digits."""
    import mpmath

    digits, last, now = 2 * DIGITS, None, mpmath.nan
    while digits <= MOST_DIGITS:
        with mpmath.workdps(digits):
            now = _at(function, points, hyper)
            if isinstance(now, int):
                break
            if last is not None and now != 0 and abs(now - last) <= abs(now) * mpmath.mpf(10) ** -DIGITS:
                break
        digits, last = (2 if now else 8) * digits, now
    with mpmath.workdps(DIGITS + 5):
        return mpmath.mpf(now)


def _at(function: Callable[..., Any], points: list[float], hyper: list[float]) -> Any:
    """A Python int where a branch of the formula is a plain number; 0 also where 1 - p divides and the digits cannot tell it from 0."""
    import mpmath

    try:
        found = function(*map(mpmath.mpf, points), *map(mpmath.mpf, hyper))
        return found if isinstance(found, int) else mpmath.mpf(found)
    except ZeroDivisionError:
        return mpmath.mpf(0)
