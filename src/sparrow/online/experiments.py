"""Who takes part in which experiment, and in which arm: a hash of the person's id, the same on every worker and every day.

A layer deals its people to its experiments by one hash, salted with the layer's name, so that no one is in two of them; an
experiment deals its people to arms by another, salted with its own salt. Differently salted hashes know nothing of each other:
arms of one layer are spread evenly over the arms of another, and over those of last month's experiment (Tang, Agarwal, O'Brien &
Meyer, "Overlapping Experiment Infrastructure", KDD 2010).
"""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from sparrow.config import INTERLEAVED, Arm, Experiment, Experiments, label_of
from sparrow.errors import InvalidInput, NotFound, SettingsError

_HASHES: Final = 2.0**64


@dataclass(frozen=True, slots=True)
class Assignment:
    """What experiments make of one list.

    Attributes:
        label: `experiment:arm` of each, comma separated; "" outside of any.
        ranker: orders the list; None: the default one.
        explore: how likely its order is drawn; None: as the rules say.
        draft: the rankers of two arms that make the list together; None: one makes it.
    """

    label: str = ""
    ranker: str | None = None
    explore: float | None = None
    draft: tuple[str | None, str | None] | None = None


OUTSIDE: Final = Assignment()
AS_RANKED: Final = Assignment(explore=0.0)
"""Outside, and not drawn either: who asks for a certain ranker, or judges one, wants its order."""


def uniform(kind: str, salt: str, user_id: int) -> float:
    """A number in [0, 1) that belongs to the person under this salt.

    Example:
        >>> uniform("arm", "spring", 7) == uniform("arm", "spring", 7) != uniform("arm", "autumn", 7)
        True
    """
    words = f"{kind}\0{salt}\0{user_id}".encode()
    return int.from_bytes(blake2b(words, digest_size=8).digest(), "big") / _HASHES


class Assigner:
    """Deals people by the settings."""

    def __init__(self, settings: Experiments) -> None:
        self._settings = settings
        self._layers: dict[str, list[tuple[str, Experiment]]] = {}
        for name, experiment in settings.running.items():
            if experiment.active:
                self._layers.setdefault(experiment.layer, []).append((name, experiment))

    def check_rankers(self, models: Collection[str]) -> None:
        """Refuse a release that lacks what an arm names.

        Raises:
            SettingsError: names the experiment, the arm and what there is.
        """
        for layer in self._layers.values():
            for name, experiment in layer:
                for arm in experiment.arms:
                    if arm.ranker is not None and arm.ranker not in models:
                        raise SettingsError(
                            f"The arm {arm.name!r} of the experiment {name!r} names the ranker {arm.ranker!r}, "
                            f"which this release lacks; it has: {', '.join(models)}."
                        )

    def of(self, user_id: int) -> Assignment:
        """Where a person stands, once in each layer."""
        if not self._layers:
            return OUTSIDE
        dealt = [one for layer, experiments in self._layers.items() for one in _dealt(layer, experiments, user_id)]
        drafted = [one for one in dealt if one[1].interleave]
        alone = [(name, _arm_of(name, experiment, user_id)) for name, experiment in dealt if not experiment.interleave]
        return _combined(alone) if not drafted else _drafted(_combined(alone), *drafted[0])

    def override(self, text: str) -> Assignment:
        """The arm `experiment:arm` whoever asks. Its list stays outside of the experiment, so that no report counts it.

        Raises:
            InvalidInput: the settings do not allow it.
            NotFound: there is no such arm.
        """
        if not self._settings.override:
            raise InvalidInput(
                f"arm is {text!r}; arms may be chosen only where the setting [experiments] override is true."
            )
        arms = {
            f"{name}:{arm.name}": (name, arm)
            for name, experiment in self._settings.running.items()
            for arm in experiment.arms
        }
        if text not in arms:
            raise NotFound(f"There is no arm {text!r}; there are: {', '.join(arms) or 'none'}.")
        forced = _combined([arms[text]])
        return Assignment("", forced.ranker, forced.explore or 0.0)


def _dealt(layer: str, experiments: list[tuple[str, Experiment]], user_id: int) -> list[tuple[str, Experiment]]:
    """The one experiment of the layer that has this person, or none."""
    at, end = uniform("layer", layer, user_id), 0.0
    for name, experiment in experiments:
        end += experiment.traffic
        if at < end:
            return [(name, experiment)]
    return []


def _arm_of(name: str, experiment: Experiment, user_id: int) -> Arm:
    at, end = uniform("arm", experiment.salt or name, user_id), 0.0
    for arm in experiment.arms:
        end += arm.share
        if at < end:
            return arm
    return experiment.arms[-1]


def _drafted(others: Assignment, name: str, experiment: Experiment) -> Assignment:
    """A list of both arms; another layer's exploration leaves it alone, since the chances of a draft are not known."""
    first, second = experiment.arms
    label = ",".join(one for one in (others.label, label_of([(name, INTERLEAVED)])) if one)
    return Assignment(label, draft=(first.ranker, second.ranker))


def _combined(chosen: list[tuple[str, Arm]]) -> Assignment:
    """At most one of them sets each knob: the settings see to that."""
    return Assignment(
        label=label_of((name, arm.name) for name, arm in chosen),
        ranker=next((arm.ranker for _, arm in chosen if arm.ranker is not None), None),
        explore=next((arm.explore for _, arm in chosen if arm.explore is not None), None),
    )
