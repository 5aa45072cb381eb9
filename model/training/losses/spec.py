"""Reads how a loss is written: `cross_entropy + 0.5 * tversky(alpha=0.3, beta=0.7)`, terms in their order."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass

_FORM = 'a sum of names, such as "cross_entropy + 0.5 * dice" or "tversky(alpha=0.3, beta=0.7)"'


@dataclass(frozen=True)
class Term:
    """One loss of a sum: its weight, its name, its parameters as written."""

    weight: float
    name: str
    parameters: dict[str, float]


def parse(spec: str) -> list[Term]:
    """Read a sum of losses; which names there are is not asked here.

    Args:
        spec: terms with + between them, each a name, perhaps with `parameter=number` in brackets after it, perhaps
            with `number *` before it. Spaces do not matter.

    Returns:
        The terms, at least one; weights of at least 0.

    Raises:
        ValueError: the text is empty, is not such a sum, has a bracket too few or too many, a negative weight or a
            parameter twice.
    """
    if not spec.strip():
        raise ValueError(f"The loss is empty. Expected {_FORM}.")
    if spec.count("(") != spec.count(")"):
        raise _refusal(spec, f'it has {spec.count("(")} "(" and {spec.count(")")} ")"')
    try:
        # Python's own grammar knows numbers, names, sums and calls; nothing of it is run.
        tree = ast.parse(spec.strip(), mode="eval")
    except SyntaxError as error:
        raise _refusal(spec, error.msg) from error
    return _terms(tree.body, spec)


def _terms(node: ast.expr, spec: str) -> list[Term]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_terms(node.left, spec), *_terms(node.right, spec)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        raise _refusal(spec, "it subtracts, and a weight must be at least 0")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        weight = _number(node.left, spec)
        if weight < 0:
            raise _refusal(spec, f"the weight {weight:g} is negative")
        return [Term(weight, *_loss(node.right, spec))]
    return [Term(1.0, *_loss(node, spec))]


def _loss(node: ast.expr, spec: str) -> tuple[str, dict[str, float]]:
    if isinstance(node, ast.Name):
        return node.id, {}
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        raise _refusal(spec, f'"{ast.unparse(node)}" is not the name of a loss')
    if node.args or any(keyword.arg is None for keyword in node.keywords):
        raise _refusal(spec, f'in "{ast.unparse(node)}" each parameter needs its name, as in alpha=0.3')
    names = [keyword.arg for keyword in node.keywords]
    if twice := {name for name in names if names.count(name) > 1}:
        raise _refusal(spec, f"{node.func.id} is given {twice.pop()} twice")
    return node.func.id, {keyword.arg: _number(keyword.value, spec) for keyword in node.keywords}


def _number(node: ast.expr, spec: str) -> float:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    try:
        # An integer may be too long for a float, which is as little a number here as infinity is.
        value = float(node.value) if isinstance(node, ast.Constant) and type(node.value) in (int, float) else math.inf
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise _refusal(spec, f'"{ast.unparse(node)}" is not a number')
    return sign * value


def _refusal(spec: str, why: str) -> ValueError:
    return ValueError(f'The loss is "{spec}": {why}. Expected {_FORM}.')
