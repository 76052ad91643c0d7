"""Variance reduction by the time before the experiment: CUPED.

Deng, Xu, Kohavi & Walker, "Improving the Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment Data", WSDM
2013. What a person did before cannot depend on the arm, so a linear guess from it may be taken out of both arms alike:

    R'_k = R_k - theta (mean_k(c) - mean(c)),    error(R'_k) = sd(z - theta c) / sqrt(n_k)

with z a person's influence on R (see `ratios`), c what they did before, and theta the least-squares weights of z on c within
arms. Nothing is biased however bad the guess; a good one makes the error smaller.
"""

from collections.abc import Sequence

import numpy as np

from sparrow.feedback.statistics.ratios import Values


def take_out(influences: Sequence[Values], covariates: Sequence[Values]) -> tuple[list[float], list[Values]]:
    """Remove from each arm what the covariates explain.

    Args:
        influences: per arm (n_k,) z.
        covariates: per arm (n_k, c) what each person did before; columns in any unit.

    Returns:
        Per arm the shift of R_k, and (n_k,) what is left of z.

    Example:
        >>> before = np.array([[0.0], [1.0], [2.0]])
        >>> shifts, left = take_out([np.array([-1.0, 0.0, 1.0])] * 2, [before, before + 1])
        >>> np.round(shifts, 6).tolist(), np.round(left[0], 6).tolist()
        ([0.5, -0.5], [-0.0, 0.0, 0.0])
    """
    means = [arm.mean(axis=0) for arm in covariates]
    overall = np.concatenate(covariates).mean(axis=0)
    centred = [arm - mean for arm, mean in zip(covariates, means, strict=True)]
    within = np.concatenate(centred)
    # Columns in one unit: least squares drops directions that hardly vary beside the largest one.
    scale = within.std(axis=0)
    scale[scale == 0] = 1.0
    theta = np.linalg.lstsq(within / scale, np.concatenate(influences), rcond=None)[0] / scale
    shifts = [float((overall - mean) @ theta) for mean in means]
    return shifts, [z - c @ theta for z, c in zip(influences, centred, strict=True)]
