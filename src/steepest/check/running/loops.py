"""The program with its loops made countable: compiled in memory, the file stays as it is, line numbers too.

A loop then tells which turn it is in and how many were planned, and a loop that has trained enough can be ended early.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

from .place import Turn, loops

FOR, ENTER, AGAIN, LEAVE = "__steepest_for__", "__steepest_enter__", "__steepest_again__", "__steepest_leave__"


def countable(text: str, filename: str) -> Any:
    """Code of a program whose loops report to `Loops`. Raises SyntaxError as compile does."""
    tree = ast.parse(text, filename)
    return compile(ast.fix_missing_locations(_Instrument().visit(tree)), filename, "exec", dont_inherit=True)


class _Instrument(ast.NodeTransformer):
    def __init__(self) -> None:
        self.number = count()

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        call = _call(FOR, [node.iter, ast.Constant(node.lineno), *_sized(node.iter)])
        node.iter = ast.copy_location(call, node.iter)
        return node

    def visit_While(self, node: ast.While) -> Any:
        self.generic_visit(node)
        name = f"__steepest_loop_{next(self.number)}__"
        test = ast.BoolOp(ast.And(), [_call(AGAIN, [ast.Name(name, ast.Load())]), node.test])
        node.test = ast.copy_location(test, node.test)
        enter = ast.Assign([ast.Name(name, ast.Store())], _call(ENTER, [ast.Constant(node.lineno)]))
        leave = ast.Expr(_call(LEAVE, [ast.Name(name, ast.Load())]))
        guarded = ast.Try([node], [], [], [leave])
        return [ast.copy_location(enter, node), ast.copy_location(guarded, node)]


def _call(name: str, args: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), args, [])


def _sized(over: ast.expr) -> list[ast.expr]:
    """What tells the length of enumerate(loader) or tqdm(loader): its argument, when that is a plain name."""
    while isinstance(over, ast.Call) and over.args:
        over = over.args[0]
        if isinstance(over, (ast.Name, ast.Attribute)):
            return [ast.Lambda(ast.arguments([], [], None, [], [], None, []), over)]
    return []


class Loops:
    """What an instrumented program calls. goes_on(turn, line): whether a further turn is worth its time."""

    def __init__(self, goes_on: Callable[[Turn], bool]) -> None:
        self.goes_on = goes_on
        self.entries = count()

    def names(self) -> dict[str, Any]:
        return {FOR: self.each, ENTER: self.enter, AGAIN: self.again, LEAVE: self.leave}

    def each(self, over: Iterable[Any], line: int, sized: Callable[[], Any] | None = None) -> Iterator[Any]:
        """The same items; the stack of loops holds this one while its body runs."""
        planned = _length(over) or (_length(sized()) if sized else 0)
        stack, depth, entry = loops(), len(loops()), next(self.entries)
        try:
            items = iter(over)
            for turn in count():
                del stack[depth:]
                at = Turn(line, entry, turn, planned)
                if not self.goes_on(at):
                    return
                try:
                    item = next(items)
                except StopIteration:
                    return
                stack.append(at)
                yield item
        finally:
            del stack[depth:]

    def enter(self, line: int) -> list[int]:
        return [line, next(self.entries), -1, len(loops())]

    def again(self, loop: list[int]) -> bool:
        loop[2] += 1
        at = Turn(loop[0], loop[1], loop[2], 0)
        del loops()[loop[3] :]
        if not self.goes_on(at):
            return False
        loops().append(at)
        return True

    def leave(self, loop: list[int]) -> None:
        del loops()[loop[3] :]


def _length(value: Any) -> int:
    try:
        return len(value)
    except Exception:  # generators, iterable data sets, lengths that fail
        return 0
