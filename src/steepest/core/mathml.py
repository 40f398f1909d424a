"""An expression of sympy as MathML, which browsers typeset without any script."""

from __future__ import annotations

from typing import Any

TIMES = "<mo>&InvisibleTimes;</mo>"  # which leaves no room between two words


def mathml(expression: Any) -> str:
    """A <math> element in display style; cases stand in a brace, indices side by side."""
    found = _printer().doprint(expression).replace(TIMES, '<mspace width="0.17em"/>')
    return f'<math display="block">{found}</math>'


def _printer() -> Any:
    import sympy
    from sympy.printing.mathml import MathMLPresentationPrinter

    class Printer(MathMLPresentationPrinter):
        def _of(self, tag: str, *children: Any) -> Any:
            found = self.dom.createElement(tag)
            for child in children:
                found.appendChild(self.dom.createTextNode(child) if isinstance(child, str) else child)
            return found

        def _print_Piecewise(self, expression: Any) -> Any:
            rows = []
            for value, condition in expression.args:
                when = [self._of("mtext", "else")]
                if condition is not sympy.true:
                    when = [self._of("mtext", "if\u00a0"), self._print(condition)]
                rows.append(self._of("mtr", self._of("mtd", self._print(value)), self._of("mtd", *when)))
            return self._of("mrow", self._of("mo", "{"), self._of("mtable", *rows))

        def _print_Indexed(self, expression: Any) -> Any:
            indices = self._of("mrow")
            for i, index in enumerate(expression.indices):
                if i:
                    indices.appendChild(self._of("mo", ","))
                indices.appendChild(self._print(index))
            return self._of("msub", self._print(expression.base), indices)

        def _print_KroneckerDelta(self, expression: Any) -> Any:
            indices = self._of("mrow", *(self._print(index) for index in expression.args))
            return self._of("msub", self._of("mi", "δ"), indices)

        def _print_loggamma(self, expression: Any) -> Any:
            inside = self._of("mrow", self._of("mo", "("), self._print(expression.args[0]), self._of("mo", ")"))
            return self._of("mrow", self._of("mi", "log"), self._of("mi", "Γ"), inside)

        def _print_Symbol(self, symbol: Any, style: str = "plain") -> Any:
            name = symbol.name
            if name.endswith("hat") and len(name) > 3:
                return self._of("mover", self._of("mi", name[:-3]), self._of("mo", "^"))
            is_word = type(symbol).__name__ == "Word"  # core.formula: a name that is no letter
            return self._of("mi", name) if is_word else super()._print_Symbol(symbol, style)

        def _print_Exp1(self, expression: Any) -> Any:
            return self._of("mi", "e")

        def _print_ExpBase(self, expression: Any) -> Any:
            return self._of("msup", self._of("mi", "e"), self._of("mrow", self._print(expression.args[0])))

    return Printer({"order": "none"})
