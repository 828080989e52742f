"""Search for the arguments at which the portable functions of one number are farthest off.

Usage: python benchmarks/worst_points.py; writes benchmarks/worst_points.md, which tools/refresh.py
copies into docs/portability.md. It takes a few minutes, and finds the same on every machine.

Random arguments, most of them near those where a formula changes its course or loses digits; then
hill-climbing from the worst of them, by steps of all sizes down to one unit in the last place.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import mpmath
import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn import numerics
from error_bounds import BOUNDS

LN2, PI = math.log(2.0), math.pi
ROUNDS, STARTS = 300, 20_000
KEPT, STEPS = 100, 20  # arguments that are climbed from, and steps tried from each, in a round


class Function(NamedTuple):
    """A function of one number, and where to look at it.

    places: where its formula changes its course or loses digits.
    known: the worst arguments that longer searches have found.
    in_ulp: whether errors are in units in the last place of the exact result, or as such.
    """

    exact: Callable[[Any], Any]
    lo: float
    hi: float
    places: Array
    known: tuple[float, ...]
    in_ulp: bool


EIGHTHS = np.arange(-4, 5) * PI / 4
POWERS = np.ldexp(1.0, np.arange(-4, 5))


def halves(most: int) -> Array:
    """Return where the k of e^x = 2^k e^r changes, up to this size of k."""
    return (np.arange(-most, most) + 0.5) * LN2


FUNCTIONS = {
    "exp": Function(
        *(mpmath.exp, -745.13, 709.78),
        places=np.array([0.0, *halves(1023)]),
        known=(-472.2892951236832, 214.5993523117397),
        in_ulp=True,
    ),
    "log": Function(
        *(mpmath.log, 5e-324, 1.79e308),
        places=np.concatenate([POWERS, math.sqrt(0.5) * POWERS]),
        known=(0.7038716356312621,),
        in_ulp=True,
    ),
    "tanh": Function(
        *(mpmath.tanh, 0.0, 20.0),
        places=np.array([0.0, 0.175, *halves(4) / 2.0]),
        known=(0.17513646492779922, 0.17525774492848012),
        in_ulp=True,
    ),
    "sin": Function(mpmath.sin, -PI, PI, EIGHTHS, known=(3.0399020284682843,), in_ulp=False),
    "cos": Function(
        *(mpmath.cos, -PI, PI, EIGHTHS),
        known=(3.141592617558117, 3.1400801926611916, 3.132269708114333),
        in_ulp=False,
    ),
}


def errors(name: str, x: Array) -> Array:
    """Return how far off the portable function is."""
    function = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        y = getattr(numerics.PORTABLE, name)(x)
    with mpmath.workprec(120):
        pairs = zip(map(mpmath.mpf, x.tolist()), map(mpmath.mpf, y.tolist()), strict=True)
        return np.array([float(error(function, *pair)) for pair in pairs])


def error(function: Function, x: Any, y: Any) -> Any:
    """Return how far y is from the function of x; all of these are mpmath's numbers."""
    exact = function.exact(x)
    off = abs(y - exact)
    if not function.in_ulp or exact == 0:
        return off
    return off / mpmath.ldexp(1, max(mpmath.mag(exact) - 53, -1074))


def starts(function: Function, count: int, rng: np.random.RandomState) -> Array:
    """Return the places, random arguments near each, at all distances, and some from anywhere."""
    lo, hi = max(function.lo, -1000.0), min(function.hi, 1000.0)
    near = rng.choice(function.places, count) + steps(-40, 0, (count,), rng)
    x = [function.places, near, rng.uniform(lo, hi, count), np.array(function.known)]
    return np.clip(np.concatenate(x), function.lo, function.hi)


def climb(function: Function, x: Array, rng: np.random.RandomState) -> Array:
    """Return the arguments, and some steps of 1 to 2^45 units in the last place from each."""
    of_units = np.rint(steps(0, 45, (len(x), STEPS), rng))
    stepped = x[:, np.newaxis] + of_units * np.spacing(np.abs(x))[:, np.newaxis]
    x = np.concatenate([x, stepped.ravel()])
    return np.clip(x, function.lo, function.hi)


def steps(lo: int, hi: int, shape: tuple[int, ...], rng: np.random.RandomState) -> Array:
    """Return random numbers of all sizes from 2^lo to 2^hi and of both signs."""
    sizes = np.ldexp(rng.uniform(1.0, 2.0, shape), rng.randint(lo, hi, shape))
    return sizes * rng.choice([-1.0, 1.0], shape)


def worst_point(name: str, rounds: int = ROUNDS, count: int = STARTS) -> tuple[float, float]:
    """Return the argument with the largest error found, and this."""
    function, rng = FUNCTIONS[name], np.random.RandomState(0)
    x = np.unique(starts(function, count, rng))
    found = errors(name, x)
    for _ in range(rounds):
        best = np.argsort(-found, kind="stable")[:KEPT]
        x = np.unique(climb(function, x[best], rng))
        found = errors(name, x)
    worst = int(found.argmax())
    return float(x[worst]), float(found[worst])


def rounded_up(x: float) -> float:
    """Return x to three digits, but never less."""
    unit = 10.0 ** (math.floor(math.log10(x)) - 2)
    return math.ceil(x / unit) * unit


def row(name: str) -> str:
    """Return a function's row of the table."""
    x, found = worst_point(name)
    unit, form = (" ulp", ".2f") if FUNCTIONS[name].in_ulp else ("", ".2e")
    bound = rounded_up(BOUNDS[name]())
    return f"| `{name}` | {bound:{form}}{unit} | {found:{form}}{unit} | {x!r} |"


def main() -> None:
    """Search, and write the table."""
    lines = ["| function | error at most | largest found | at |", "| --- | --- | --- | --- |"]
    lines += [row(name) for name in FUNCTIONS]
    table = "\n".join(lines) + "\n"
    Path(__file__).with_suffix(".md").write_text(table, encoding="utf-8", newline="\n")
    print(table, end="")


if __name__ == "__main__":
    main()
