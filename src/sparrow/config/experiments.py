"""Settings of experiments: who is shown what, and what the report goes by."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sparrow.config.section import Positive, Section, Share

MetricName = Literal["click_rate", "watch_seconds", "ratings", "stars", "dislikes"]

Part = Annotated[float, Field(gt=0, le=1)]
Label = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]

INTERLEAVED = "interleaved"
"""What stands for the arm in the label of a drafted list."""

ROUNDING = 1e-6
"""How far shares may miss their sum: thirds are written with some decimals."""


class Arm(Section):
    """One way to make people's lists; what it leaves out stays as it is for everybody."""

    name: Label = Field(description="small letters, digits, - and _")
    share: Part = Field(description="of the experiment's people")
    ranker: str | None = Field(default=None, description="what `model=` would name")
    explore: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="share of lists whose order is drawn (Plackett-Luce), with known chances"
    )


class Experiment(Section):
    """Arms beside each other; the first one is the control."""

    arms: Annotated[tuple[Arm, ...], Field(min_length=2)] = Field(description="two or more, the control first")
    layer: Label = Field(default="lists", description="experiments of one layer share no person")
    traffic: Part = Field(default=1.0, description="share of the layer's people who take part")
    salt: str = Field(default="", max_length=100, description="another one deals people anew; empty: the name")
    interleave: bool = Field(
        default=False, description="both arms' movies in one list (team draft), for everybody who takes part"
    )
    active: bool = Field(default=True, description="false: nobody takes part any more, and the report stays")
    metric: MetricName = Field(default="click_rate", description="what decides")
    lift: Share = Field(default=0.05, description="smallest relative difference worth finding; set before looking")
    guardrails: tuple[MetricName, ...] = Field(
        default=("watch_seconds", "dislikes"), description="what must not suffer"
    )
    margin: Share = Field(default=0.05, description="relative loss that a guardrail puts up with")

    @model_validator(mode="after")
    def _check_arms(self) -> Self:
        names = [arm.name for arm in self.arms]
        if twice := [name for name, times in Counter(names).items() if times > 1]:
            raise ValueError(f"the arm {twice[0]!r} stands there twice; give each arm a name of its own")
        total = sum(arm.share for arm in self.arms)
        if abs(total - 1) > ROUNDING:
            raise ValueError(f"the shares of {', '.join(names)} sum to {total:g}; they must sum to 1")
        if self.interleave:
            self._check_interleaving(names)
        return self

    def _check_interleaving(self, names: list[str]) -> None:
        if len(names) != 2:
            raise ValueError(f"it interleaves {len(names)} arms; two can be drafted into one list")
        if any(arm.explore is not None for arm in self.arms):
            raise ValueError(
                "it interleaves, and an arm has explore; a drafted list has no known chances: leave it out"
            )
        if INTERLEAVED in names:
            raise ValueError(f"an arm is called {INTERLEAVED!r}, as drafted lists are; choose another name")

    @property
    def knobs(self) -> set[str]:
        """What its arms change."""
        set_ = {knob for knob in ("ranker", "explore") for arm in self.arms if getattr(arm, knob) is not None}
        return set_ | ({"ranker"} if self.interleave else set())


class Experiments(Section):
    """Which experiments run on people's lists, and how their reports judge."""

    running: dict[Label, Experiment] = Field(
        default_factory=dict, description="experiments by name, each a table `[experiments.running.NAME]`"
    )
    override: bool = Field(default=False, description="let `?arm=NAME:ARM` choose the arm, for testing; never counted")
    steepness: Annotated[float, Field(ge=0, le=10)] = Field(
        default=1.5, description="of `explore`: a rank is drawn in proportion to rank ** -steepness"
    )
    alpha: Share = Field(default=0.05, description="how often a report may see a difference where there is none")
    power: Share = Field(default=0.8, description="how often it is to find the `lift` of an experiment")
    min_people: Positive = Field(default=100, description="people an arm needs before it is judged")
    before_days: Annotated[int, Field(ge=0)] = Field(
        default=28, description="days before a person's first list whose habits take chance out (CUPED); 0: none"
    )

    @model_validator(mode="after")
    def _check_layers(self) -> Self:
        active = {name: one for name, one in self.running.items() if one.active}
        salts = Counter(one.salt or name for name, one in active.items())
        if twice := [salt for salt, times in salts.items() if times > 1]:
            raise ValueError(f"the salt {twice[0]!r} is used twice; people would be dealt alike: give each its own")
        for layer in sorted({one.layer for one in active.values()}):
            total = sum(one.traffic for one in active.values() if one.layer == layer)
            if total > 1 + ROUNDING:
                raise ValueError(
                    f"the layer {layer!r} hands out {total:g} of its people; its traffic must sum to 1 or less"
                )
        for knob in ("ranker", "explore"):
            layers = sorted({one.layer for one in active.values() if knob in one.knobs})
            if len(layers) > 1:
                raise ValueError(
                    f"{knob} is set in the layers {' and '.join(layers)}, so both could choose for one person; "
                    "put those experiments into one layer"
                )
        return self


def label_of(chosen: Iterable[tuple[str, str]]) -> str:
    """What a served list says of the (experiment, arm) pairs it is part of.

    Example:
        >>> label_of([("deep", "din"), ("draw", "on")])
        'deep:din,draw:on'
    """
    return ",".join(f"{experiment}:{arm}" for experiment, arm in chosen)


def arm_in(label: str, experiment: str) -> str | None:
    """The arm of one experiment within a label.

    Example:
        >>> arm_in("deep:din,draw:on", "draw"), arm_in("deep:din", "draw"), arm_in("", "draw")
        ('on', None, None)
    """
    named = dict(part.partition(":")[::2] for part in label.split(",") if part)
    return named.get(experiment)
