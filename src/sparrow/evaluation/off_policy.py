"""A new pipeline judged from lists that another one showed, where the chance of each place is known.

A list is drawn place by place (Plackett-Luce); p_k is the logged chance of the movie at place k given those before it, and pi_k
the one that the new pipeline would have given it. Weights are products over the places so far, w_k = prod_{j <= k} pi_j / p_j: a
place's reward may then depend on the movies above it, not on those below (the cascade assumption; McInerney, Brost, Chandar,
Mehrotra & Carterette, "Counterfactual Evaluation of Slate Recommendations with Sequential Reward Interactions", KDD 2020). With
one place it is the ordinary estimator of contextual bandits.

    IPS    sum_k mean(w_k r_k)                                   unbiased; wild where p is small (Horvitz & Thompson, 1952)
    SNIPS  sum_k sum(w_k r_k) / sum(w_k)                         a little biased, much calmer (Swaminathan & Joachims, 2015)
    DR     sum_k mean(w_k (r_k - q_k) + w_{k-1} v_k),  w_0 = 1   unbiased if p or the guess q is right (Dudik, Langford & Li,
                                                                 2011; in a cascade Kiyohara et al., WSDM 2022)

with q_k a guess of the reward of what was shown, and v_k the guess of what the new pipeline would show there.
"""

from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import InvalidInput

Values = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OffPolicyEstimate:
    """The reward of a list to be expected, its standard error, and the lists that the weights leave of those logged.

    `values` are (l,) numbers whose mean is the estimate: two estimates from the same lists are compared by their difference.
    """

    value: float
    error: float
    effective_lists: float
    values: Values = field(repr=False, compare=False)


def cascade_weights(logged: Values, target: Values) -> Values:
    """w_k of (l, k) chances.

    Raises:
        InvalidInput: a logged chance is not above 0: what was shown cannot have been impossible.
    """
    if not (logged > 0).all():
        raise InvalidInput(f"A logged propensity is {logged.min()}; each must lie above 0, up to 1.")
    return np.asarray(np.cumprod(target / logged, axis=1))


def ips(rewards: Values, weights: Values, people: Ids | None = None) -> OffPolicyEstimate:
    """Inverse propensity scores.

    Args:
        rewards: (l, k), e.g. 1 for a click.
        weights: (l, k) of `cascade_weights`.
        people: (l,) whose list each is: those of one person hang together; None: each is somebody else's.

    Example:
        >>> rewards = np.array([[1.0], [0.0], [0.0], [1.0]])
        >>> ips(rewards, np.array([[2.0], [2.0], [0.0], [0.0]])).value
        0.5
    """
    return _estimate((weights * rewards).sum(axis=1), weights, people)


def snips(rewards: Values, weights: Values, people: Ids | None = None) -> OffPolicyEstimate:
    """Self-normalised inverse propensity scores; arguments as for `ips`."""
    scale = weights.mean(axis=0)
    scale = np.where(scale > 0, scale, np.inf)
    value = (weights * rewards).mean(axis=0) / scale
    return _estimate(value.sum() + (weights * (rewards - value) / scale).sum(axis=1), weights, people)


def doubly_robust(
    rewards: Values, weights: Values, guessed: Values, guessed_target: Values, people: Ids | None = None
) -> OffPolicyEstimate:
    """A guess, corrected by what was seen.

    Args:
        rewards: (l, k).
        weights: (l, k) of `cascade_weights`.
        guessed: (l, k) q, the reward expected of the movie shown.
        guessed_target: (l, k) v, the reward expected of what the new pipeline would place there after the same movies.
        people: (l,) as for `ips`.
    """
    earlier = np.concatenate([np.ones((len(weights), 1)), weights[:, :-1]], axis=1)
    return _estimate((weights * (rewards - guessed) + earlier * guessed_target).sum(axis=1), weights, people)


def _estimate(values: Values, weights: Values, people: Ids | None) -> OffPolicyEstimate:
    """From (l,) values whose mean is the estimate; those of different people are independent."""
    last = weights[:, -1]
    squares = float((last**2).sum())
    effective = float(last.sum()) ** 2 / squares if squares else 0.0
    return OffPolicyEstimate(float(values.mean()), mean_error(values, people), effective, values)


def mean_error(values: Values, people: Ids | None = None) -> float:
    """Standard error of the mean of (l,) values, those of one of (l,) people taken together; not-a-number for one person.

    Example:
        >>> round(mean_error(np.array([1.0, 1.0, 3.0, 3.0]), np.array([7, 7, 8, 8])), 4)
        1.0
    """
    off = values - values.mean()
    together = off if people is None else np.bincount(np.unique(people, return_inverse=True)[1], off)
    number = len(together)
    return sqrt(float((together**2).sum()) * number / (number - 1)) / len(values) if number > 1 else float("nan")


def plackett_luce_chances(weights: Values, order: Ids) -> Values:
    """(l, k) chance of each place given those before it, were the list drawn from these weights.

    Args:
        weights: (l, n) of each candidate; 0: it would never be drawn.
        order: (l, k) the candidates shown, by their place among the n.

    Example:
        >>> plackett_luce_chances(np.array([[3.0, 1.0, 1.0]]), np.array([[0, 2]])).tolist()
        [[0.6, 0.5]]
    """
    taken = np.take_along_axis(weights, order, axis=1)
    left = weights.sum(axis=1, keepdims=True) - (np.cumsum(taken, axis=1) - taken)
    # Where nothing is left to draw, nothing is drawn.
    return np.asarray(np.divide(taken, left, out=np.zeros(taken.shape), where=taken > 0))
