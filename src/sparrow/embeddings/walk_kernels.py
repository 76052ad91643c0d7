"""The compiled loops of `walks`. Letters as in the papers: a walk came from t to v and goes on to x.

Inside, nodes go by labels, 0 the best connected; `labels` and `nodes` translate where walks begin and are written.

A kernel advances `GROUP` walks in turn, one trial each, so that the processor waits for the memory of many at once. It holds no
lock: threads run it side by side on parts of one output array.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.embeddings.compiled import compiled, inlined

GROUP: Final = 16

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_LOW: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)
_ONE: Final = np.uint64(1)
_GROUP: Final = np.uint64(GROUP)
_WORD: Final = np.uint64(6)
_IN_WORD: Final = np.uint64(63)
_ALL: Final = 2.0**32


@inlined
def _mixed(state: Any) -> Any:
    """SplitMix64's output function (Steele, Lea & Flood, 2014)."""
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))


@compiled
def first_states(starts: NDArray[np.int64], numbers: NDArray[np.int64], seed: np.uint64) -> NDArray[np.uint64]:
    """(walks,) the state from which each walk's chance comes: a hash of (seed, start, number)."""
    states = np.empty(len(starts), dtype=np.uint64)
    for walk in range(len(starts)):
        state = _mixed(seed + _GOLDEN)
        state = _mixed((state ^ np.uint64(starts[walk])) + _GOLDEN)
        states[walk] = _mixed((state ^ np.uint64(numbers[walk])) + _GOLDEN)
    return states


@compiled
def alias_table(starts: NDArray[np.uint64], neighbours: NDArray[np.int32], weights: NDArray[np.float32]) -> Any:
    """Walker's alias table of each node's edges, by Vose's method (1991), all that a step needs in one place of memory.

    Returns:
        (m, 4) uint32: in units of 2**-32 the share with which an entry keeps its place; its neighbour; else the neighbour and the
        place, counted within the node, that stand in.
    """
    table = np.empty((len(weights), 4), dtype=np.uint32)
    most = np.max(starts[1:] - starts[:-1])
    scaled, stack = np.empty(most), np.empty(most, dtype=np.int64)
    for v in range(len(starts) - 1):
        first, degree = np.int64(starts[v]), np.int64(starts[v + 1] - starts[v])
        total = 0.0
        for e in range(degree):
            total += weights[first + e]
            table[first + e, 0], table[first + e, 3] = _LOW, e
            table[first + e, 1] = table[first + e, 2] = neighbours[first + e]
        small, large = 0, degree  # poor entries grow from the bottom of the stack, rich ones from its top
        for e in range(degree):
            scaled[e] = weights[first + e] * degree / total
            if scaled[e] < 1:
                stack[small] = e
                small += 1
            else:
                large -= 1
                stack[large] = e
        while small > 0 and large < degree:
            small -= 1
            poor, rich = stack[small], stack[large]
            table[first + poor, 0] = min(scaled[poor] * 2.0**32, 2.0**32 - 1)
            table[first + poor, 2], table[first + poor, 3] = neighbours[first + rich], rich
            scaled[rich] -= 1 - scaled[poor]
            if scaled[rich] < 1:
                large += 1
                stack[small] = rich
                small += 1
    return table


@compiled
def neighbour_bits(starts: NDArray[np.uint64], neighbours: NDArray[np.int32]) -> NDArray[np.uint64]:
    """(n, ceil(n / 64)): bit x of row t, x < t, says that t and x are neighbours."""
    nodes = len(starts) - 1
    bits = np.zeros((nodes, (nodes + 63) // 64), dtype=np.uint64)
    for t in range(nodes):
        for e in range(starts[t], starts[t + 1]):
            x = neighbours[e]
            if x >= t:
                break
            bits[t, x >> 6] |= _ONE << np.uint64(x & 63)
    return bits


@inlined
def _are_neighbours(t: Any, x: Any, starts: Any, neighbours: Any, bits: Any) -> Any:
    """Labels fall with the degree: asking the higher one for the lower keeps to few bits, or to the shorter list."""
    lower, higher = min(t, x), max(t, x)
    if bits is not None:
        return (bits[higher, lower >> _WORD] >> (lower & _IN_WORD)) & _ONE != 0
    low, last = starts[higher], starts[higher + _ONE]
    high = last
    while low < high:
        middle = (low + high) >> _ONE
        if np.uint64(neighbours[middle]) < lower:
            low = middle + _ONE
        else:
            high = middle
    return low < last and np.uint64(neighbours[low]) == lower


@inlined
def _proposed(v: Any, chance: Any, starts: Any, neighbours: Any, table: Any) -> Any:
    """A neighbour of v drawn by weight, and its entry, from the upper 32 bits of `chance`.

    Their product with the degree has the place in its upper half; its lower half decides between the place and its alias.
    """
    first = starts[v]
    product = (chance >> _HALF) * (starts[v + _ONE] - first)
    entry = first + (product >> _HALF)
    if table is None:
        return np.uint64(neighbours[entry]), entry
    keeps = (product & _LOW) < np.uint64(table[entry, 0])
    node = np.uint64(table[entry, 1]) if keeps else np.uint64(table[entry, 2])
    return node, entry if keeps else first + np.uint64(table[entry, 3])


@compiled
def first_order(starts: Any, neighbours: Any, table: Any, labels: Any, nodes: Any, states: Any, out: Any) -> None:
    """Fill (walks, length) `out`, whose first column is given; `table` is None where all weights are alike."""
    walks, length = out.shape
    v = np.empty(GROUP, dtype=np.uint64)
    state = np.empty(GROUP, dtype=np.uint64)
    for low in range(0, walks, GROUP):
        width = min(GROUP, walks - low)
        for k in range(width):
            v[k], state[k] = labels[out[low + k, 0]], states[low + k]
        for step in range(1, length):
            for k in range(width):
                state[k] += _GOLDEN
                v[k] = _proposed(v[k], _mixed(state[k]), starts, neighbours, table)[0]
                out[low + k, step] = nodes[v[k]]


@compiled
def second_order(
    starts: Any, neighbours: Any, table: Any, weights: Any, strengths: Any, bits: Any,
    p: float, q: float, labels: Any, nodes: Any, states: Any, out: Any,
) -> None:  # fmt: skip
    """Fill (walks, length) `out`, whose first column is given; length >= 3.

    With bound = max(1, 1/q) the proposals from v have the mass bound * strength(v), of which bias(x) / bound is kept; what 1/p is
    above the bound comes on top, all of it a return. A trial chooses values, not branches: whether it is kept cannot be foreseen,
    and a wrong guess would cost more than the trial.

    Args:
        table: None where all weights are alike.
        weights: None where all are 1; not read without `strengths`.
        strengths: (n,) sums of each node's weights; None where 1/p is within the bound, and that part is not compiled.
        bits: of `neighbour_bits`, or None.
    """
    walks, length = np.uint64(out.shape[0]), np.uint64(out.shape[1])
    bound = max(1.0, 1 / q)
    above = max(1 / p - bound, 0.0)
    back, near, far = min(1 / p / bound, 1.0) * _ALL, _ALL / bound, _ALL / q / bound
    v, t, state = np.empty(GROUP, dtype=np.uint64), np.empty(GROUP, dtype=np.uint64), np.empty(GROUP, dtype=np.uint64)
    walk, step = np.empty(GROUP, dtype=np.uint64), np.empty(GROUP, dtype=np.uint64)
    came = np.ones(GROUP)  # the weight of the edge between t and v
    begun, going = np.uint64(0), np.uint64(0)
    while True:
        while going < _GROUP and begun < walks:
            t[going], state[going] = labels[out[begun, 0]], states[begun] + _GOLDEN
            v[going], entry = _proposed(t[going], _mixed(state[going]), starts, neighbours, table)
            if weights is not None:
                came[going] = weights[entry]
            out[begun, 1] = nodes[v[going]]
            walk[going], step[going] = begun, 2
            begun += _ONE
            going += _ONE
        if going == 0:
            return
        k = np.uint64(0)
        while k < going:
            state[k] += _GOLDEN
            chance, here, before, at = _mixed(state[k]), v[k], t[k], step[k]
            x, entry = _proposed(here, chance, starts, neighbours, table)
            limit = near if _are_neighbours(before, x, starts, neighbours, bits) else far
            limit = back if x == before else limit
            kept = np.float64(chance & _LOW) < limit
            if strengths is not None:
                state[k] += _GOLDEN
                extra = above * came[k]
                returns = np.float64(_mixed(state[k]) >> _HALF) * (bound * strengths[here] + extra) < extra * _ALL
                x = before if returns else x
                if weights is not None:
                    came[k] = weights[entry] if kept and not returns else came[k]
                kept |= returns
            out[walk[k], at] = nodes[x]
            t[k] = here if kept else before
            v[k] = x if kept else here
            at += np.uint64(kept)
            step[k] = at
            if at == length:
                going -= _ONE
                t[k], v[k], came[k] = t[going], v[going], came[going]
                state[k], walk[k], step[k] = state[going], walk[going], step[going]
            k += _ONE
