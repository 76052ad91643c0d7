"""Settings of pipelines: lists of routes, rankers and rules by name, and how long each stage may take."""

from typing import Annotated, Literal

from pydantic import Field

from sparrow.config.experiments import Label
from sparrow.config.rules import People
from sparrow.config.section import Positive, Section

RuleName = Literal["fresh", "fatigue", "varied", "calibrated", "genre_caps"]
"""Rules of people's lists, as an explanation names them."""

Milliseconds = Annotated[int, Field(ge=0)]


class PeoplePipeline(Section):
    """One way to make people's lists, which `model=`, an arm or `[for_you] ranker` names; what it leaves out stays as it is."""

    recall: dict[str, Positive] = Field(
        default_factory=dict,
        description="candidates by route, in the order in which routes give reasons; empty: as learnt",
    )
    rankers: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="what `model=` would name, best first; the next one answers where one cannot, and popularity at last"
    )
    rules: tuple[RuleName, ...] | None = Field(
        default=None,
        description="which rules follow, in this order; none: all, as here: fresh, fatigue, varied, calibrated, genre_caps",
    )
    lists: People | None = Field(
        default=None, description="their weights, as in `[for_you]`; none: those of `[for_you]`"
    )

    def in_order(self) -> "PeoplePipeline":
        """The same without drawn lists."""
        return self.model_copy(update={"lists": self.lists and self.lists.model_copy(update={"explore": 0.0})})


class Pipelines(Section):
    """How lists are made."""

    recall_ms: Milliseconds = Field(
        default=2000,
        description="after it no further route is asked but those that are the same for everybody; 0: no end",
    )
    ranking_ms: Milliseconds = Field(
        default=2000,
        description="after it a ranker that still waits for another server is given up for the next one; 0: no end",
    )
    reranking_ms: Milliseconds = Field(
        default=2000, description="after it rules of taste (fresh, varied, calibrated) are left out; 0: no end"
    )
    people: dict[Label, PeoplePipeline] = Field(
        default_factory=dict, description="pipelines by name, each a table `[pipelines.people.NAME]`"
    )
