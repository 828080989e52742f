"""How accurate the portable functions of one number are: what is claimed, proved and found."""

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import error_bounds
import worst_points
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn import numerics
from tests.workflow.project import ROOT

INF, PI = math.inf, math.pi
FUNCTIONS = ["exp", "log", "tanh", "sin", "cos"]
all_functions = pytest.mark.parametrize("name", FUNCTIONS)


def claim(name: str) -> float:
    """Return what the docstring says: at most so many ulp, or so much."""
    text = getattr(numerics, name).__doc__
    [bound] = re.findall(r"Portable: (?:within|error at most) ([\d.e-]*\d)(?: ulp)?\.$", text)
    return float(bound)


@cache
def proved(name: str) -> float:
    """Return the bound that holds for every argument."""
    return error_bounds.BOUNDS[name]()


def test_all_functions_are_claimed_proved_and_searched() -> None:
    assert {*FUNCTIONS} == POINTS.keys()
    assert {*FUNCTIONS} == error_bounds.BOUNDS.keys() == worst_points.FUNCTIONS.keys()


@all_functions
def test_the_claim_is_proved(name: str) -> None:
    """For every argument; and says hardly more."""
    assert proved(name) <= claim(name) <= 1.5 * proved(name)


@all_functions
def test_the_worst_points_known(name: str) -> None:
    """Their errors come near what is proved: it is about the functions that are there."""
    found = worst_points.errors(name, np.array(worst_points.FUNCTIONS[name].known))
    assert 0.55 * proved(name) <= found.max() <= proved(name)


KNOWN = [
    ("tanh", 0.17525774492848012, 4.016),
    ("exp", 214.5993523117397, 1.667),
    ("cos", 3.132269708114333, 1.017e-15),
]


@pytest.mark.parametrize(("name", "x", "error"), KNOWN)
def test_errors_are_measured(name: str, x: float, error: float) -> None:
    """As others have measured them, in another way."""
    assert worst_points.errors(name, np.array([x]))[0] == pytest.approx(error, rel=1e-3)


@all_functions
def test_a_search_finds_bad_points_by_itself(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Knowing none, it comes near what longer searches have found, and no further than is proved.

    Its numbers are the same on every machine.
    """
    function = worst_points.FUNCTIONS[name]
    known = worst_points.errors(name, np.array(function.known)).max()
    monkeypatch.setitem(worst_points.FUNCTIONS, name, function._replace(known=()))
    _, found = worst_points.worst_point(name, rounds=10, count=3000)
    assert 0.85 * known <= found <= proved(name)


@all_functions
def test_the_table_is_of_these_functions(name: str) -> None:
    """Its bound is the proved one, and its worst argument has the error that it says."""
    table = (ROOT / "benchmarks/worst_points.md").read_text(encoding="utf-8")
    [row] = [line for line in table.splitlines() if line.startswith(f"| `{name}` |")]
    bound, found, x = (float(cell.removesuffix(" ulp")) for cell in row[2:-2].split(" | ")[1:])
    assert bound == pytest.approx(worst_points.rounded_up(proved(name)))
    assert found == pytest.approx(worst_points.errors(name, np.array([x]))[0], rel=6e-3)


# A wide look, at all sizes of arguments.


def _around(points: Any) -> Array:
    """Return the points with the numbers just below and above."""
    points = np.asarray(points, np.float64)
    below, above = np.nextafter(points, -INF), np.nextafter(points, INF)
    return np.concatenate([below, points, above, np.nextafter(above, INF)])


def _both_signs(x: Any) -> Array:
    return np.concatenate([x, -x])


UNIT: Array = np.random.RandomState(0).uniform(-1, 1, 1500)
SIZES: Array = 2.0 ** np.arange(-1074.0, 0.0)  # down to the smallest number


def _exp_points() -> Array:
    """Return numbers from the least result to the largest, and near all that switches k."""
    return np.concatenate([
        _around((np.arange(-1075, 1024) + 0.5) * math.log(2)),
        np.linspace(-745.13, 709.78, 2000),
        np.linspace(-745.13, -708.3, 500),  # whose results are subnormal
        [709.782712893384, -745.1332191019411],
        UNIT,
        _both_signs(SIZES[-70:]),
    ])  # fmt: skip


def _log_points() -> Array:
    """Return numbers of all sizes, and near 1 and all that switches e."""
    return np.concatenate([
        _around(2.0 ** np.arange(-1074.0, 1024.0))[1:],  # not 0
        _around(math.sqrt(0.5) * 2.0 ** np.arange(-1020.0, 1024.0)),
        [float(np.finfo(np.float64).max)],
        1.0 + np.concatenate([_both_signs(SIZES[-53:-1]), UNIT / 2, UNIT / 1000]),
        2.0 ** (1000 * UNIT) * (2.0 + UNIT[::-1]),
        np.arange(1.0, 300.0) * 5e-324,
    ])  # fmt: skip


def _tanh_points() -> Array:
    """Return numbers of all sizes, and near the switch of e^x - 1 at 2|x| = 0.35."""
    return _both_signs(np.concatenate([
        _around([0.175, 1.0, 19.06]),
        np.linspace(0.17, 0.18, 500),
        _around((np.arange(60) + 0.5) * math.log(2) / 2),
        np.linspace(0.0, 23.0, 1500),
        UNIT,
        SIZES,
    ]))  # fmt: skip


def _angles() -> Array:
    """Return numbers from -pi to pi, and near all multiples of pi / 4."""
    near = np.concatenate([k * PI / 4 + SIZES[-52::4] for k in range(-4, 4)])
    return np.concatenate([
        [-PI, PI],
        np.clip(_both_signs(_around(np.arange(5) * PI / 4)), -PI, PI),
        near,
        -near,
        PI * UNIT,
        np.linspace(-PI, PI, 1500),
        _both_signs(SIZES[::4]),
    ])  # fmt: skip


POINTS: dict[str, Callable[[], Array]] = {
    "exp": _exp_points,
    "log": _log_points,
    "tanh": _tanh_points,
    "sin": _angles,
    "cos": _angles,
}


@all_functions
def test_thousands_of_arguments_of_every_size(name: str) -> None:
    x = POINTS[name]()
    assert len(x) > 3000
    found = worst_points.errors(name, x)
    worst = int(found.argmax())
    assert found[worst] <= claim(name), f"{name}({x[worst]!r})"


# The proof itself.


@pytest.mark.parametrize("least", [0.0, 1e-9])
def test_pieces_leave_nothing_out(least: float) -> None:
    """But what is nearer to 0 than is asked for."""
    start, end = error_bounds.pieces(-1.0, 2.0, 0.1, least=least)
    assert (start[0], end[-1]) == (-1.0, 2.0)
    assert 0.1 in start
    assert 0.1 in end
    gaps = [(a, b) for a, b in zip(end[:-1], start[1:], strict=True) if a != b]
    assert gaps == ([(-least, least)] if least else [])


def test_bounds_of_something_known() -> None:
    """(x + 1) - x and x / (x + 1) for x in 1..2, with what rounding can do to them, by hand."""
    x = error_bounds.Rounded(*error_bounds.pieces(1.0, 2.0))
    half = 2.0**-52  # of the unit of x + 1, from 2 to 4
    difference = (x + 1.0) - x  # itself exact
    assert float(np.max(difference.error())) == pytest.approx(half, rel=1e-6)
    quotient = x / (x + 1.0)
    by_hand = half / 4 + 2.0**-54  # x / (x + 1)^2, at most 1/4, and the quotient's own rounding
    assert float(np.max(quotient.error())) == pytest.approx(by_hand, rel=2e-3)


def test_what_enters_both_sides_of_a_quotient_cancels() -> None:
    """An error of 1 % in c leaves (c + x) / (c - x) nearly as it is, for small x."""
    x = error_bounds.Rounded(np.array([1e-3]), np.array([2e-3]))
    c = error_bounds.known(2.0).off_by(0.02)
    assert float(np.max(((c + x) / (c - x)).error())) <= 1e-3
    assert float(np.max(((c + x) / (2.0 - x)).error())) >= 1e-2


@pytest.mark.parametrize("name", ["exp", "tanh"])
def test_a_coarser_logarithm_of_2_has_a_larger_bound(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = proved(name)
    monkeypatch.setattr(error_bounds, "LN2_REST", 2.0**-56)
    assert error_bounds.BOUNDS[name]() > 1.01 * before
