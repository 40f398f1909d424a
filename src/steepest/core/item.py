"""What every declared thing has in common: a name, a purpose, hyperparameters with domains, a source, one pure function."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .domains import Domain, Search, check_value, domain_of
from .errors import DeclarationError, UsageError, did_you_mean

REQUIRED: Any = inspect.Parameter.empty


@dataclass(frozen=True)
class Hyper:
    """One hyperparameter: its default, the values it may take, and the range in which a good one is searched."""

    name: str
    default: Any
    domain: Domain | None
    search: Search | None = None

    def explain(self) -> str:
        allowed = self.domain.explain() if self.domain else "any value"
        return allowed + (f"; searched {self.search.explain()}" if self.search else "")


class Item:
    """One declared thing of the catalogue. Calling it calls its function (losses and metrics add their contract)."""

    kind = "item"

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        source: str = "",
        use: str = "",
        search: Mapping[str, Search] | None = None,
        class_name: str | None = None,
    ) -> None:
        self.fn = fn
        self.name = fn.__name__
        self.source = source
        self.use = use
        self.class_name = class_name or "".join(word.capitalize() for word in self.name.split("_"))
        self.hyper = _hyperparameters(fn, search or {})
        self.__name__ = self.name
        self.__doc__ = fn.__doc__
        self.__module__ = fn.__module__
        self.__wrapped__ = fn

    @property
    def purpose(self) -> str:
        """The first paragraph of the item's file when that is the item's own or its function tells but shapes, else of its function."""
        module = sys.modules.get(self.__module__)
        told, family = (_first_paragraph(doc) for doc in (self.fn.__doc__, module.__doc__ if module else ""))
        is_own = self.__module__.rpartition(".")[2] == self.name
        return family or told if is_own or "->" in told else told

    @property
    def file(self) -> str:
        return inspect.getsourcefile(self.fn) or ""

    def check_hyper(self, values: Mapping[str, Any]) -> None:
        """Refuse an unknown hyperparameter or a value outside its domain."""
        for name, value in values.items():
            if name not in self.hyper:
                raise UsageError(
                    where=self.name,
                    seen=f"there is no argument {name!r}",
                    needed="a declared argument was needed",
                    repair=did_you_mean(name, self.hyper),
                )
            check_value(self.name, name, value, self.hyper[name].domain)

    def check_complete(self, values: Mapping[str, Any]) -> None:
        """Refuse a call without a hyperparameter that has no default."""
        for name, hyper in self.hyper.items():
            if hyper.default is REQUIRED and name not in values:
                example = hyper.domain.allowed()[0] if hyper.domain else "..."
                raise UsageError(
                    where=self.name,
                    seen=f"{name} was not given",
                    needed=f"{hyper.explain()} was needed",
                    repair=f"For example {name}={example!r}.",
                )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{h.name}={h.default!r}" if h.default is not REQUIRED else h.name for h in self.hyper.values()
        )
        return f"<{self.kind} {self.name}({shown})>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Item:
        """A declaration is one thing: a copied module refers to it still."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _find_item, (self.__module__, self.fn.__qualname__)


def _first_paragraph(doc: str | None) -> str:
    return " ".join(inspect.cleandoc(doc or "").split("\n\n")[0].split())


def _find_item(module: str, name: str) -> Any:
    return getattr(__import__(module, fromlist=[name]), name)


def _hyperparameters(fn: Callable[..., Any], search: Mapping[str, Search]) -> dict[str, Hyper]:
    """The keyword-only arguments of fn, with the domains of their annotations."""
    hints = typing.get_type_hints(fn, include_extras=True)
    found = {}
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            name, default = parameter.name, parameter.default
            domain = domain_of(hints.get(name))
            found[name] = Hyper(name, default, domain, search.get(name))
            if default is not REQUIRED and default is not None:
                check_value(f"{fn.__module__}.{fn.__name__}", f"the default of {name}", default, domain)
    strange = set(search) - set(found)
    if strange:
        raise DeclarationError(
            where=fn.__name__,
            seen=f"search names {sorted(strange)}",
            needed="each must be a keyword-only argument",
            repair=f"Keyword-only arguments are {sorted(found)}.",
        )
    return found
