"""/experiments.html: figures, intervals and verdicts in both languages; and the cases that have nothing to show."""

import re
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sparrow.config import Experiment, Experiments, Settings
from sparrow.errors import StoreUnavailable
from sparrow.feedback.draft_report import DraftReport
from sparrow.feedback.experiment_reports import KEPT_S, ExperimentReports
from sparrow.feedback.outcomes import gather
from sparrow.feedback.report import Report, report
from sparrow.feedback.simulation import SimulatedArm, draw_crowd, simulate
from sparrow.web.app import create_app
from sparrow.web.ports import Reports
from tests.web.conftest import Client
from tests.web.fake import FakeLive, FakeLog, FakeRecommender

PAIR = Experiment.model_validate({"arms": [{"name": "old", "share": 0.5}, {"name": "new", "share": 0.5}]})


def lived(people: int, lift: float = 0.0, shares: tuple[float, float] = (0.5, 0.5), days: int = 4) -> Report:
    chance = np.random.default_rng(1)
    arms = [SimulatedArm(shares[0]), SimulatedArm(shares[1], lift=lift)]
    happened = simulate(chance, draw_crowd(chance, people), arms, days)
    return report("deep-1", PAIR, gather(happened.lists, happened.events), Experiments())


class Kept:
    """Reports as they are given."""

    def __init__(self, *reports: Report | DraftReport) -> None:
        self._reports = list(reports)

    def all(self) -> list[Report | DraftReport]:
        return self._reports


class Broken:
    """A log that cannot be read."""

    def all(self) -> list[Report | DraftReport]:
        raise StoreUnavailable("The event log live.sqlite cannot be read.")


def page(reports: Reports | None, language: str = "en", status: int = 200) -> str:
    client = Client(create_app(FakeLive(FakeRecommender()), FakeLog(), Settings(), reports=reports))
    answer = client.get(f"/experiments.html?lang={language}")
    assert answer.status_code == status
    return str(answer.text)


def test_a_found_lift_is_told_and_drawn() -> None:
    found = lived(1500, lift=0.5)
    html = page(Kept(found))
    for words in (
        "deep-1",
        "new against old",
        "Better than the control.",
        "Click rate",
        "Watch time per person",
        "2026-01-03",
    ):
        assert words in html
    clicks = found.against_control[0].metrics["click_rate"]
    assert clicks is not None
    assert f"{100 * clicks.lift:+.1f} %" in html
    assert f"{found.arms[1].people:,}" in html
    [band] = re.findall(r'class="course-band" points="([^"]+)"', html)
    assert len(band.split()) == 2 * len(found.against_control[0].looks)
    assert html.count("lane-middle") == 5


def test_nothing_drawn_leaves_its_figure() -> None:
    html = page(Kept(lived(450)))
    for x, width in re.findall(r'class="lane-(?:all|once)" x="([^"]+)" width="([^"]+)"', html):
        assert 0 <= float(x) <= float(x) + float(width) <= 100.3
    for points in re.findall(r'points="([^"]+)"', html):
        assert all(0 <= float(number) <= 600 for point in points.split() for number in point.split(","))


@pytest.mark.parametrize(
    ("people", "shares", "english", "chinese"),
    [
        (0, (0.5, 0.5), "Nobody has been shown", "还没有人"),
        (300, (1.0, 0.0), "Only one arm has people", "只有一个组有人"),
        (60, (0.5, 0.5), "Too few people", "人数太少"),
        (2000, (0.7, 0.3), "the split of people is wrong", "人群分配有误"),
    ],
    ids=["nobody", "one arm", "few", "mismatch"],
)
def test_what_cannot_be_judged_is_said_in_both_languages(
    people: int, shares: tuple[float, float], english: str, chinese: str
) -> None:
    reports = Kept(lived(people, shares=shares, days=2))
    assert english in page(reports)
    assert chinese in page(reports, "zh")


def test_without_experiments_the_page_says_how_to_begin() -> None:
    for reports in (None, Kept()):
        assert "[experiments.running.NAME]" in page(reports)
        assert "还没有实验" in page(reports, "zh")
    assert 'href="/experiments.html"' in page(None)


def test_a_log_out_of_reach_is_a_503() -> None:
    assert "cannot be read" in page(Broken(), status=503)


def test_reports_are_made_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, made = [0.0], []
    monkeypatch.setattr(
        "sparrow.feedback.experiment_reports.experiment_report",
        lambda _home, name, _rules: made.append(name) or lived(0),
    )
    reports = ExperimentReports(tmp_path, Experiments(running={"deep-1": PAIR}), clock=lambda: now[0])
    assert reports.all() is reports.all()
    now[0] = KEPT_S - 1
    reports.all()
    assert made == ["deep-1"]
    now[0] = KEPT_S
    reports.all()
    assert made == ["deep-1"] * 2


def test_nobody_waits_while_old_reports_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, first, second = [0.0], lived(0), lived(0)
    asked, go_on = threading.Event(), threading.Event()

    def make(_home: Path, _name: str, _rules: Experiments) -> Report:
        if now[0] == 0:
            return first
        asked.set()
        assert go_on.wait(30)
        return second

    monkeypatch.setattr("sparrow.feedback.experiment_reports.experiment_report", make)
    reports = ExperimentReports(tmp_path, Experiments(running={"deep-1": PAIR}), clock=lambda: now[0])
    assert reports.all() == [first]
    now[0] = KEPT_S
    refreshing, told = threading.Thread(target=reports.all), []
    other = threading.Thread(target=lambda: told.extend(reports.all()))
    refreshing.start()
    assert asked.wait(30)
    other.start()
    other.join(10)
    go_on.set()
    for thread in (refreshing, other):
        thread.join()
    assert len(told) == 1
    assert told[0] is first
    assert reports.all()[0] is second


DRAFT = DraftReport(
    "both", ("old", "new"), "better", 900, 300, (120, 180), (80, 120), 30, 0.587, 0.51, 0.66, 0.02, 0.006
)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("900 lists for 300 people", "new has 58.7 % of the voices", "Ties")), ("zh", ("平局", "58.7 %"))],
)
def test_an_interleaving_tells_who_won(language: str, words: tuple[str, ...]) -> None:
    html = page(Kept(lived(450), DRAFT), language)
    for word in (*words, "deep-1", "trial-both", "0.006"):
        assert word in html


def test_an_interleaving_that_nobody_saw_says_so() -> None:
    html = page(Kept(replace(DRAFT, verdict="nobody")))
    assert "Nobody has been shown" in html
    assert "of the voices" not in html
