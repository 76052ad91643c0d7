"""Which ranker answers whom: the asked-for one or the release's own, as far as it knows enough of the person."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sparrow.errors import NotFound
from sparrow.online.people import Person
from sparrow.online.pipeline import Pipeline
from sparrow.online.pipelines import FALLBACKS, FOR_YOU, Personal

ALIASES: Final = {"neuralcf": "neural_cf", "nerualcf": "neural_cf", "emb": "history"}
"""The original SparrowRecSys' model names, its misspelling included; its "emb" means nearness to the history."""


@dataclass(frozen=True)
class Rankers:
    """The rankers of one release by name.

    Attributes:
        pipelines: of the release.
        personal: what they are made from.
        wanted: the default that the settings name; "" leaves it to the release.
        listed: names of the pipelines that the settings list.
    """

    pipelines: Mapping[str, Pipeline]
    personal: Personal
    wanted: str
    listed: Collection[str] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names that `model=` takes, the default first."""
        every = [name.removeprefix(FOR_YOU) for name in self.pipelines if name.startswith(FOR_YOU)]
        default = self.wanted or self.personal.chosen.ranker
        return tuple(sorted(every, key=lambda name: name != default))

    def pipeline(self, name: str) -> Pipeline:
        """How one of `names` makes people's lists."""
        return self.pipelines[f"{FOR_YOU}{name}"]

    def pipeline_for(self, person: Person, model: str | None) -> Pipeline:
        """How the asked-for ranker, or the best one that can serve this person, makes their list; of a pipeline that the settings
        list, without those rankers that know too little of them.

        Raises:
            NotFound: there is no such model.
        """
        name = self.for_person(person, model)
        pipeline = self.pipeline(name)
        if name not in self.listed:
            return pipeline
        return replace(pipeline, rankers=[one for one in pipeline.rankers if self.serves(one.name, person)])

    def needs_known(self, name: str) -> bool:
        """Whether it serves only people it was trained on; others get the next best."""
        return self.pipeline(name).rankers[0].needs_known_user

    def for_person(self, person: Person, model: str | None) -> str:
        """The asked-for ranker or the best one, as far as it can serve this person.

        Raises:
            NotFound: there is no such model.
        """
        names = self.names
        name = ALIASES.get(model or "", model)
        if name is not None and name not in names:
            raise NotFound(f"This release has no model {model!r}; it has: {', '.join(names)}.")
        wanted = (name or names[0], *FALLBACKS)
        return next((one for one in wanted if one in names and self.serves(one, person)), "popularity")

    def serves(self, name: str, person: Person) -> bool:
        """Whether a ranker knows enough of this person to rank for them; else the next best one does."""
        personal = self.personal
        if name in self.listed:
            return True
        if self.needs_known(name) and not all(one.knows(person.user_id) for one in personal.deep.values()):
            return False
        if name == "ensemble":
            return all(self.serves(part, person) for part, weight in personal.chosen.weights.items() if weight)
        if name == "collaborative":
            return personal.collaborative is not None and personal.collaborative.knows(person)
        if name == "next_item":
            return personal.next_item is not None and personal.next_item.knows(person)
        if name in personal.deep:
            return bool(len(person.rated))
        return name != "history" or self._has_taste(person)

    def _has_taste(self, person: Person) -> bool:
        """Whether some movie they like has a vector, so that a likeness can be told."""
        similarity = self.personal.of_history
        return similarity is not None and bool(similarity.has_vector[person.liked].any())
