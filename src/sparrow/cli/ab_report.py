"""`sparrow ab-report`: what experiments on people's lists have shown so far."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.table import Table

from sparrow.cli.options import echo_json, home_options, json_option, open_home
from sparrow.errors import NotFound

if TYPE_CHECKING:
    from sparrow.feedback.draft_report import DraftReport
    from sparrow.feedback.report import ArmVerdict, Report

VERDICTS: Final = {
    "nobody": "Nobody has been shown a list of this experiment yet: no impression names one.",
    "one_arm": "Only one arm has people, so there is nothing to compare.",
    "few": "Too few people, or too little to count, in an arm: nothing is judged yet.",
    "mismatch": "STOP: the arms did not get the people they were to get. Find out why before reading anything else.",
    "better": "better than the control; this holds however often one looks.",
    "worse": "worse than the control; this holds however often one looks.",
    "open": "open: no difference is proven yet.",
}


@click.command("ab-report")
@click.argument("experiment", required=False)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Count only what happened on this day (UTC) or later.",
)
@home_options
@json_option
def ab_report(
    experiment: str | None, since: datetime | None, home: Path | None, config: Path | None, as_json: bool
) -> None:
    """Compare the arms of an experiment, or of all that the settings name, by what people did.

    Intervals and p-values hold at every look, so the report may be read every day. The page /experiments.html shows the same.

    \b
    Examples:
      sparrow ab-report
      sparrow ab-report deep --since 2026-11-01
      sparrow ab-report deep --json
    """
    from sparrow.feedback.draft_report import DraftReport
    from sparrow.feedback.experiment_log import experiment_report
    from sparrow.stores.event_archive import bring_home

    folder, settings = open_home(home, config)
    names = [experiment] if experiment else list(settings.experiments.running)
    if not names:
        raise NotFound(
            "The settings name no experiment; write one as [experiments.running.NAME], see docs/experiments.md."
        )
    bring_home(folder, settings.feedback.events)
    second = int(since.replace(tzinfo=UTC).timestamp()) if since else 0
    reports = [experiment_report(folder, name, settings.experiments, second) for name in names]
    if as_json:
        echo_json([one.as_json() for one in reports])
        return
    for one in reports:
        if isinstance(one, DraftReport):
            _print_draft(one)
        else:
            _print(one)


def _print(report: "Report") -> None:
    console = Console()
    console.print(
        f"\n[bold]{report.experiment}[/bold]  decides: {report.metric}, looked for: {report.lift:.1%} or more"
    )
    if report.verdict in ("nobody", "one_arm"):
        click.echo(VERDICTS[report.verdict])
    if report.verdict == "nobody":
        return
    ratio = report.sample_ratio
    console.print(
        f"Sample ratio: p = {ratio.p:.3g}{'' if ratio.mismatch else ', as it should be'}. Saw two arms: {report.crossed}."
    )
    console.print(_arms(report))
    for judged in report.against_control:
        console.print(f"[bold]{judged.arm}[/bold]: {VERDICTS[judged.verdict]}  p at every look = {judged.p:.3g}")
        if any(judged.metrics.values()):
            console.print(_metrics(judged))
        decisive = judged.metrics[report.metric]
        if decisive is not None:
            click.echo(
                f"To find {report.lift:.1%} over as many days: about {decisive.people_once:,} people at one look, "
                f"{decisive.people_always:,} when looking at will."
            )


def _print_draft(report: "DraftReport") -> None:
    control, other = report.arms
    console = Console()
    console.print(f"\n[bold]{report.experiment}[/bold]  interleaves {other} with {control} (team draft)")
    click.echo(VERDICTS[report.verdict])
    if report.verdict == "nobody":
        return
    table = Table("arm", "clicks", "people won", box=None)
    for name, clicks, wins in zip(report.arms, report.clicks, report.wins, strict=True):
        table.add_row(name, f"{clicks:,}", f"{wins:,}")
    console.print(table)
    click.echo(f"{report.lists:,} lists for {report.people:,} people; ties: {report.ties:,}")
    between = f"{report.low:.1%} to {report.high:.1%} at every look, p = {report.p:.3g}"
    click.echo(
        f"{other} has {report.share:.1%} of the voices ({between}); exact sign test, one look: p = {report.once_p:.3g}"
    )


def _arms(report: "Report") -> Table:
    table = Table("arm", "share", "people", *report.arms[0].values, box=None)
    for arm in report.arms:
        values = ("-" if value is None else f"{value:.4g}" for value in arm.values.values())
        table.add_row(arm.name, f"{arm.share:.0%}", f"{arm.people:,}", *values)
    return table


def _metrics(judged: "ArmVerdict") -> Table:
    table = Table(
        "metric", "lift", "at every look", "at one look", "visible at one look", "variance saved", "guardrail", box=None
    )
    for name, found in judged.metrics.items():
        guardrail = judged.guardrails.get(name, "")
        if found is None:
            table.add_row(name, "-", "", "", "", "", guardrail)
            continue
        table.add_row(
            name,
            f"{found.lift:+.2%}",
            f"{found.low:+.2%} to {found.high:+.2%}",
            f"{found.once_low:+.2%} to {found.once_high:+.2%}",
            f"{found.visible:.2%}",
            f"{found.saved:.0%}",
            guardrail,
        )
    return table
