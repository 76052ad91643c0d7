"""`/experiments.html`: the A/B reports, drawn. The arithmetic of the figures is here, their shapes in the template."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from sparrow.feedback.draft_report import DraftReport
from sparrow.feedback.report import ArmVerdict, LookReport, Report
from sparrow.web.ports import Reports

WIDTH: Final = 600
HEIGHT: Final = 180
"""Of the figure of days, in its own units."""

LEAST_REACH: Final = 0.02
"""The figures reach at least 2 % to both sides, so that nothing looks large that is not."""

MOST_REACH: Final = 1.0

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class Lane:
    """One metric of the figure of differences: ends of both intervals and the middle, in per cent of the width."""

    name: str
    low: float
    high: float
    once_low: float
    once_high: float
    middle: float


@dataclass(frozen=True, slots=True)
class Course:
    """The deciding metric day by day: the band of the interval and the line, as points; `zero` is the height of no difference."""

    band: str
    line: str
    zero: float
    reach: float
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """An arm against the control, with its figures; `reach` is the difference at the edge of the lanes."""

    judged: ArmVerdict
    lanes: list[Lane]
    reach: float
    course: Course | None


@router.get("/experiments.html")
async def show_experiments(request: Request) -> Response:
    """Every experiment of the settings: figures per arm and day, differences with intervals, guardrails."""
    reports: Reports | None = request.app.state.reports
    found = await run_in_threadpool(reports.all) if reports else []
    response: Response = request.app.state.site.page(
        request,
        "experiments.html",
        trials=[(one, _draw_arms(one)) for one in found if isinstance(one, Report)],
        drafts=[one for one in found if isinstance(one, DraftReport)],
        width=WIDTH,
        height=HEIGHT,
    )
    return response


def _draw_arms(report: Report) -> list[Drawn]:
    return [_draw_arm(judged) for judged in report.against_control]


def _draw_arm(judged: ArmVerdict) -> Drawn:
    known = {name: found for name, found in judged.metrics.items() if found is not None}
    reach = _reach([edge for found in known.values() for edge in (found.once_low, found.once_high)])
    lanes = [
        Lane(name, *(_across(value, reach) for value in (one.low, one.high, one.once_low, one.once_high, one.lift)))
        for name, one in known.items()
    ]
    return Drawn(judged, lanes, reach, _course(judged.looks))


def _reach(edges: list[float]) -> float:
    """How far a figure goes to both sides of no difference."""
    return min(MOST_REACH, max([LEAST_REACH, *(abs(edge) for edge in edges)]) * 1.25)


def _across(value: float, reach: float) -> float:
    """A difference as a place between 0 and 100, 50 being none; what lies beyond stands at the edge.

    Example:
        >>> _across(0.05, 0.1), _across(-3.0, 0.1)
        (75.0, 0.0)
    """
    return round(50 + 50 * max(-1.0, min(1.0, value / reach)), 2)


def _course(looks: list[LookReport]) -> Course | None:
    if len(looks) < 2:
        return None
    reach = _reach([edge for look in looks[len(looks) // 2 :] for edge in (look.low, look.high)])
    step = WIDTH / (len(looks) - 1)

    def point(place: int, value: float) -> str:
        return f"{place * step:.1f},{HEIGHT * (1 - _across(value, reach) / 100):.1f}"

    upper = [point(place, look.high) for place, look in enumerate(looks)]
    lower = [point(place, look.low) for place, look in enumerate(looks)]
    return Course(
        band=" ".join([*upper, *reversed(lower)]),
        line=" ".join(point(place, look.lift) for place, look in enumerate(looks)),
        zero=HEIGHT / 2,
        reach=reach,
        first=looks[0].day,
        last=looks[-1].day,
    )
