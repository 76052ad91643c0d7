"""Settings of `sparrow retrain`: what a new release must show before it goes live, and what sends it back."""

from typing import Annotated

from pydantic import Field

from sparrow.config.section import Positive, Section, Share


class Retrain(Section):
    """When a rebuilt release goes live by itself, and when it goes back (`sparrow retrain`)."""

    hold_back: Share = Field(
        default=0.2,
        description="newest share of the ratings since the live release: the new one is judged on them, not built from them",
    )
    min_people: Positive = Field(
        default=100, description="people with such ratings; with fewer, the releases' own figures are compared"
    )
    margin: Share = Field(default=0.1, description="relative loss of nDCG@10 that a new release may have at most")
    least_coverage: Share = Field(
        default=0.5, description="how much of the movies that the live release shows a new one must show at least"
    )
    watch_hours: Annotated[float, Field(ge=0)] = Field(
        default=6.0, description="how long the click rate is watched after publishing; 0: not at all"
    )
    look_minutes: Annotated[float, Field(gt=0)] = Field(default=5.0, description="time between two looks at it")
    before_days: Positive = Field(default=7, description="days of the release before that it is compared with")
    watch_people: Positive = Field(
        default=100, description="people who saw lists, of each release, before it is judged"
    )
    fall: Share = Field(default=0.1, description="relative fall of the click rate that, once proven, is rolled back")
    alpha: Share = Field(default=0.01, description="how often a release may be rolled back that has not fallen so far")
