"""Settings of a ranking model by search: `--tune N` tries N of them on the judging fit, by the figure that stops training.

Tree-structured Parzen estimator (Bergstra et al., 2011) as Optuna has it; the settings at hand are the first trial, so the
search never ends worse than it began. Held-out `last` rows and everything after the cut take no part.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import optuna
import orjson

from sparrow.config import Trained

Trial = Callable[[Trained], float]
"""Settings → the best figure of merit of a training with them."""

FACTORS: Final = {"learning_rate": 5.0, "weight_decay": 10.0}
"""How far a rate is moved from where it stands, each way, on a logarithmic scale."""

LARGEST_DROPOUT: Final = 0.6
DIMS: Final = (8, 16, 32, 64)


def tune(section: Trained, trials: int, merit: Trial, log: Path) -> Trained:
    """The best settings found.

    Args:
        section: where to start from; its seed is the search's.
        trials: how many settings are tried, the present ones first.
        merit: trains and judges.
        log: gets every trial, as JSON.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=section.seed))
    study.enqueue_trial({name: getattr(section, name) for name in searched(section)})
    told: list[dict[str, Any]] = []

    def objective(trial: optuna.Trial) -> float:
        began = time.perf_counter()
        found = merit(section.model_copy(update=_suggest(trial, section)))
        told.append({"settings": trial.params, "merit": found, "seconds": round(time.perf_counter() - began, 1)})
        log.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return found

    study.optimize(objective, n_trials=trials)
    return section.model_copy(update=study.best_params)


def searched(section: Trained) -> tuple[str, ...]:
    """Names of a section's settings that are searched; a rate of 0 is switched off and stays so."""
    names = (*(name for name in FACTORS if getattr(section, name)), "dropout", "embedding_dropout", "dim")
    return tuple(name for name in names if name in type(section).model_fields)


def _suggest(trial: optuna.Trial, section: Trained) -> dict[str, Any]:
    return {name: _suggest_one(trial, name, getattr(section, name)) for name in searched(section)}


def _suggest_one(trial: optuna.Trial, name: str, value: Any) -> Any:
    if name == "dim":
        return trial.suggest_categorical(name, sorted({*DIMS, value}))
    if name in FACTORS:
        return trial.suggest_float(name, value / FACTORS[name], value * FACTORS[name], log=True)
    return trial.suggest_float(name, 0.0, max(LARGEST_DROPOUT, value))
