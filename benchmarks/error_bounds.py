"""How far off the portable functions of one number can be: bounds that hold for every argument.

Each formula of `nn.numerics` is worked through once more, not with numbers but with what is known
of them: the range of every intermediate result, and how far off it may be. An operation rounds its
exact result by at most half a unit in the last place of the largest number in its range, and not at
all where that unit is no finer than what both operands are multiples of. Each rounding is followed
with its sign to all that it reaches, so that what enters both sides of a quotient cancels, as it
does in the function. All this is done for thousands of short pieces of the arguments' range at
once.

This is running error analysis (Higham 2002, "Accuracy and stability of numerical algorithms",
section 3.3) with the errors of affine arithmetic (de Figueiredo and Stolfi 2004).
"""

import math
from itertools import count
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic import elementary
from cnn_from_scratch.arithmetic.arrays import Array

Interval = tuple[Any, Any]

SLACK = 1.0 + 1e-9  # for the analysis' own roundings
LN2_REST = 2.0**-86  # ln 2, less its two parts
MOST_K = 1075  # of e^x = 2^k e^r, in size
MOST_R = 0.34658  # |r|: half of ln 2, and what the rounding of x / ln 2 may leave beyond
new_number = count().__next__


class Rounded:
    """What is known of float64 numbers, an element for each piece of the arguments' range.

    lo, hi: they lie between.
    errors: by the number of each rounding, the interval of what it may add, if the rounding goes
        up as far as it can; if it goes down, the same with the other sign.
    before: how far off they were before the last operation rounded them.
    rounding: how far that may move them.
    """

    def __init__(
        self, lo: Any, hi: Any, errors: dict[int, Interval] | None = None, grid: Any = None
    ):
        """Make numbers that are rounded unless half their unit is at most `grid` (None: exact)."""
        self.errors = errors or {}
        self.before: Any = self.error()
        self.lo, self.hi = lo - self.before, hi + self.before
        self.rounding: Any = 0.0
        if grid is not None:
            half = half_unit(np.maximum(np.abs(self.lo), np.abs(self.hi)))
            self.rounding = np.where(half <= grid, 0.0, SLACK * half)
            self.errors[new_number()] = self.rounding, self.rounding

    def error(self) -> Any:
        """Return how far off they may be."""
        return sum((largest(interval) for interval in self.errors.values()), 0.0)

    def off_by(self, error: Any) -> "Rounded":
        """Return the numbers if they may besides be off by so much."""
        return Rounded(self.lo, self.hi, {**self.errors, new_number(): (error, error)})

    def times(self, power: float) -> "Rounded":
        """Return the product with a power of two, which is exact."""
        errors = {i: (power * lo, power * hi) for i, (lo, hi) in self.errors.items()}
        return Rounded(power * self.lo, power * self.hi, errors)

    def grid(self) -> Any:
        """Return half of the unit that all are multiples of; 0 if they may have both signs."""
        least = np.minimum(np.abs(self.lo), np.abs(self.hi))
        return np.where(self.lo * self.hi > 0, half_unit(least), 0.0)

    def __add__(self, other: Any) -> "Rounded":
        other = known(other)
        errors = {i: (a[0] + b[0], a[1] + b[1]) for i, a, b in pairs(self, other)}
        grid = np.minimum(self.grid(), other.grid())
        return Rounded(self.lo + other.lo, self.hi + other.hi, errors, grid)

    def __neg__(self) -> "Rounded":
        errors = {i: (-hi, -lo) for i, (lo, hi) in self.errors.items()}
        return Rounded(-self.hi, -self.lo, errors)

    def __sub__(self, other: Any) -> "Rounded":
        return self + -known(other)

    def __rsub__(self, other: Any) -> "Rounded":
        return known(other) + -self

    def __mul__(self, other: Any) -> "Rounded":
        other = known(other)
        errors = {}
        for i, a, b in pairs(self, other):
            first, second = product(a, (other.lo, other.hi)), product(b, (self.lo, self.hi))
            errors[i] = first[0] + second[0], first[1] + second[1]
        both = self.error() * other.error()
        errors[new_number()] = both, both
        return Rounded(*product((self.lo, self.hi), (other.lo, other.hi)), errors, grid=0.0)

    def __truediv__(self, other: "Rounded") -> "Rounded":
        """Return a / b for b > 0, off by (da - a/b db) / b and less than twice its square."""
        inverse = 1.0 / other.hi, 1.0 / other.lo
        quotient = product((self.lo, self.hi), inverse)
        errors = {}
        for i, a, b in pairs(self, other):
            less = product(quotient, b)
            errors[i] = product((a[0] - less[1], a[1] - less[0]), inverse)
        relative = other.error() / other.lo
        both = 2.0 * relative * (self.error() / other.lo + relative * largest(quotient))
        errors[new_number()] = both, both
        return Rounded(*quotient, errors, grid=0.0)

    __radd__, __rmul__ = __add__, __mul__


def known(x: Any) -> Rounded:
    """Return a number that is exact as what is known of it."""
    return x if isinstance(x, Rounded) else Rounded(x, x)


def half_unit(size: Any) -> Any:
    """Return half a unit in the last place of numbers of this size."""
    return np.ldexp(1.0, np.maximum(np.frexp(size)[1], -1021) - 54)


def largest(interval: Interval) -> Any:
    """Return the largest size of a number in the interval."""
    return np.maximum(np.abs(interval[0]), np.abs(interval[1]))


def product(a: Interval, b: Interval) -> Interval:
    """Return the interval of all products."""
    corners = [a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1]]
    return np.minimum.reduce(corners), np.maximum.reduce(corners)


def pairs(a: Rounded, b: Rounded) -> list[tuple[int, Interval, Interval]]:
    """Return what each rounding adds to either."""
    none = (0.0, 0.0)
    return [(i, a.errors.get(i, none), b.errors.get(i, none)) for i in {**a.errors, **b.errors}]


def pieces(lo: float, hi: float, *cuts: float, least: float = 0.0) -> tuple[Array, Array]:
    """Cut a range into short pieces, and also at these numbers.

    least: if given, pieces get shorter towards 0, and what is nearer to it is left out.
    """
    edges = np.concatenate([np.linspace(lo, hi, 1001), cuts])
    if least:
        sizes = np.geomspace(least, max(-lo, hi), 1001)
        edges = np.concatenate([edges, sizes, -sizes])
        edges = edges[np.abs(edges) >= least]
    edges = np.unique(edges[(edges >= lo) & (edges <= hi)])
    start, end = edges[:-1], edges[1:]
    kept = np.maximum(np.abs(start), np.abs(end)) > least
    return start[kept], end[kept]


def constants(terms: list[Any]) -> list[Rounded]:
    """Return a polynomial's terms: all but powers of two are rounded."""
    return [
        Rounded(t, t, grid=None if abs(math.frexp(t)[0]) == 0.5 else 0.0) for t in map(float, terms)
    ]


def polynomial(x: Rounded, terms: list[Any]) -> Rounded:
    """Return what `numerics` computes."""
    result: Any = elementary._polynomial(x, constants(terms))  # type: ignore[arg-type]
    return result


def coth(r: Rounded) -> Rounded:
    """Return C. The first term that it leaves out is 2 B_14 / 14! r^14, with B_14 = 7/6."""
    left_out = 2.0 * 7.0 / 6.0 / math.factorial(14) * largest((r.lo, r.hi)) ** 14
    return polynomial(r * r, elementary.COTH_TERMS).off_by(left_out)


def in_units(y: Rounded, exact: Interval) -> float:
    """Return how many units in the last place of the exact result y may be off, at most.

    Where a power of two lies between the two, rounding moves y by at most its own, larger unit's
    half; and by no more than it was off, as it may stop at the power.
    """
    least = np.minimum(np.abs(exact[0]), np.abs(exact[1]))
    unit = 2.0 * half_unit(least * (1.0 - 2.0**-51))
    off = y.before / unit
    beyond = half_unit(largest(exact) * (1.0 + 2.0**-51) + y.before) >= unit
    rounding = np.where(beyond, np.clip(off, 0.5, 1.0), 0.5)
    return float(np.max(off + np.where(y.rounding == 0, 0.0, rounding)))


def reduced(lo: Array, hi: Array, k: float) -> Rounded:
    """Return r = x - k ln 2: x - k LN2_HIGH is exact, k LN2_LOW and its difference are not."""
    low = half_unit(k * float(elementary.LN2_LOW)) + k * LN2_REST
    return Rounded(lo, hi).off_by(low + half_unit(largest((lo, hi)) + low))


def exp_bound() -> float:
    """Return the bound of exp in ulp.

    2^k is exact, so that r decides. Nearer to 0 than 2^-40, C is 2, and C + r and C - r stay on
    their sides of 2 when they are rounded, so e^r on its side of 1: for r < 0 it is off by half an
    ulp for each of C + r and the division, and by one for C - r; for r > 0 by less. A subnormal
    result has at least one digit less: half of the bound and another rounding.
    """
    lo, hi = pieces(-MOST_R, MOST_R, -0.25, 0.25, least=2.0**-40)
    r = reduced(lo, hi, MOST_K)
    c = coth(r)
    return in_units((c + r) / (c - r), (np.exp(lo), np.exp(hi)))


def log_bound() -> float:
    """Return the bound of log in ulp; for larger e, only the last rounding still counts."""
    return max(log_bound_of(e) for e in range(-9, 10))


def log_bound_of(e: int) -> float:
    """Return the bound for x = 2^e (1 + f). Nearer to 1 than 2^-60 there is no float64 but 1."""
    lo, hi = pieces(math.sqrt(0.5) - 1.0, math.sqrt(2.0) - 1.0, least=0.0 if e else 2.0**-60)
    f = Rounded(lo, hi)
    s = f / (2.0 + f)
    z = s * s
    left_out = 2.1 / 23.0 * largest((s.lo, s.hi)) ** 22
    rest = (z * polynomial(z, elementary.LOG_TERMS)).off_by(left_out)
    half_square = (f * f).times(0.5)
    inner = s * (half_square + rest)
    if e:
        low = e * float(elementary.LN2_LOW)
        inner += Rounded(low, low).off_by(half_unit(abs(low)) + abs(e) * LN2_REST)
    y = (half_square - inner) - f
    if e:
        y = e * float(elementary.LN2_HIGH) - y
    exact = e * math.log(2.0) + np.log1p(lo), e * math.log(2.0) + np.log1p(hi)
    return in_units(y, exact)


def tanh_bound() -> float:
    """Return the bound of tanh in ulp. Below r = 2^-40, C is 2 and tanh x is x to the last bit."""
    powers = [2.0 * math.atanh(2.0**-i) for i in range(1, 42)]  # r where the result is one
    lo, hi = pieces(2.0**-40, 0.35, *powers, least=2.0**-40)
    r = Rounded(lo, hi)
    near = in_units(r / coth(r), (np.tanh(lo / 2.0), np.tanh(hi / 2.0)))
    return max(near, *(tanh_bound_of(k, powers) for k in range(1, 59)))


def tanh_bound_of(k: int, powers: list[float]) -> float:
    """Return the bound for 2|x| = r + k ln 2, from 0.35 to 40."""
    shift = k * math.log(2.0)
    lo, hi = pieces(max(0.35 - shift, -MOST_R), MOST_R, 0.0, *(r - shift for r in powers))
    r = reduced(lo, hi, k)
    c = coth(r)
    numerator, denominator = (c + r).times(2.0**k), c - r
    y = (numerator - denominator) / (numerator + denominator)
    return in_units(y, (np.tanh((lo + shift) / 2.0), np.tanh((hi + shift) / 2.0)))


def sin_bound() -> float:
    """Return the bound of sin's error; the first term left out is pi^29 / 29! at most."""
    x = Rounded(*pieces(0.0, math.pi))
    left_out = math.pi**29 / math.factorial(29)
    return float(np.max((x * polynomial(x * x, elementary.SIN_TERMS)).off_by(left_out).error()))


def cos_bound() -> float:
    """Return the bound of cos's error; the first term left out is pi^30 / 30! at most."""
    x = Rounded(*pieces(0.0, math.pi))
    left_out = math.pi**30 / math.factorial(30)
    return float(np.max(polynomial(x * x, elementary.COS_TERMS).off_by(left_out).error()))


BOUNDS = {
    "exp": exp_bound,
    "log": log_bound,
    "tanh": tanh_bound,
    "sin": sin_bound,
    "cos": cos_bound,
}
