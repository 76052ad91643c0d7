"""`sparrow simulate-users`: people of known taste, who put the A/B report, interleaving and off-policy estimates to the test."""

from pathlib import Path
from typing import Any, Final

import click

from sparrow.cli.options import echo_json, home_options, json_option, open_home
from sparrow.config import Settings, arm_in
from sparrow.errors import InvalidInput, NotFound

MOVIES: Final = 40
"""Simulated movies; in a log they have the ids 1, 2, …"""


@click.command("simulate-users")
@click.option(
    "--question",
    type=click.Choice(["ab", "interleaving", "off-policy"]),
    default="ab",
    show_default=True,
    help="What is put to the test.",
)
@click.option("--people", type=click.IntRange(10, 1_000_000), default=3000, show_default=True, help="In all arms.")
@click.option("--days", type=click.IntRange(1, 365), default=14, show_default=True, help="How long it runs.")
@click.option(
    "--days-before", type=click.IntRange(0, 365), default=14, show_default=True, help="Days watched before it (ab)."
)
@click.option(
    "--lift",
    type=click.FloatRange(-0.9, 1.0),
    default=0.05,
    show_default=True,
    help="How much more often the other arms are clicked (ab); 0 is A/A.",
)
@click.option(
    "--noises",
    type=(click.FloatRange(0), click.FloatRange(0)),
    default=(1.5, 1.2),
    show_default=True,
    help="What the live and the new pipeline see wrong of people's taste (interleaving, off-policy).",
)
@click.option(
    "--lists", type=click.IntRange(10, 10_000_000), default=20_000, show_default=True, help="Logged (off-policy)."
)
@click.option(
    "--runs", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How often it is lived through."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all chance.")
@click.option(
    "--into", metavar="EXPERIMENT", help="Instead, live through it once and write the logs of this home, for ab-report."
)
@home_options
@json_option
def simulate_users(
    question: str,
    people: int,
    days: int,
    days_before: int,
    lift: float,
    noises: tuple[float, float],
    lists: int,
    runs: int,
    seed: int,
    into: str | None,
    home: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Ask how often the report finds a difference, and how often it sees one that is not there.

    \b
    Examples:
      sparrow simulate-users --lift 0.05 --people 4000
      sparrow simulate-users --lift 0 --runs 400
      sparrow simulate-users --question interleaving --people 1000 --noises 1.5 1.2
      sparrow simulate-users --question off-policy --lists 40000
      sparrow simulate-users --into deep --home ./trial
    """
    from sparrow.feedback.trials import ab_trials, interleaving_trials
    from sparrow.feedback.trials_off_policy import off_policy_trials

    folder, settings = open_home(home, config)
    rules = settings.experiments
    found: dict[str, Any]
    if into:
        found = _write(folder, settings, into, people, days, days_before, lift, seed)
    elif question == "ab":
        found = ab_trials(runs, people, days, lift, rules, days_before, seed).as_json()
    elif question == "interleaving":
        found = interleaving_trials(runs, people, days, noises, rules, seed).as_json()
    else:
        found = off_policy_trials(runs, lists, noises, rules.steepness, seed).as_json()
    if as_json:
        echo_json(found)
    else:
        _print(found)


def _write(
    home: Path, settings: Settings, name: str, people: int, days: int, days_before: int, lift: float, seed: int
) -> dict[str, Any]:
    """One run in the home's own logs, people dealt to arms as the server would."""
    import numpy as np

    from sparrow.feedback.simulated_log import write_simulated
    from sparrow.feedback.simulation import SimulatedArm, draw_crowd, simulate
    from sparrow.online.experiments import Assigner

    if name not in settings.experiments.running:
        raise NotFound(f"There is no experiment {name!r} in the settings; write one as [experiments.running.{name}].")
    arms = [arm.name for arm in settings.experiments.running[name].arms]
    assigner = Assigner(settings.experiments)
    dealt = {user: arm_in(assigner.of(user).label, name) for user in range(1, people + 1)}
    members = {user: arms.index(arm) for user, arm in dealt.items() if arm is not None}
    if not members:
        raise InvalidInput(f"None of {people} people is dealt to {name!r}; is it active, and has it traffic?")
    chance = np.random.default_rng(seed)
    planted = [SimulatedArm(1.0, lift=lift if place else 0.0) for place in range(len(arms))]
    arm_of = np.array(list(members.values()))
    happened = simulate(chance, draw_crowd(chance, len(members), MOVIES), planted, days, days_before, arm_of)
    served, events = write_simulated(home, name, arms, happened, np.array(list(members)), np.arange(1, MOVIES + 1))
    return {"experiment": name, "people": len(members), "lists": served, "events": events}


def _print(found: dict[str, Any]) -> None:
    for name, value in found.items():
        if isinstance(value, dict):
            for inner, figures in value.items():
                click.echo(f"{inner:>20}  " + "  ".join(f"{key} {figure:+.2%}" for key, figure in figures.items()))
        else:
            click.echo(f"{name:>20}  {_figure(value)}")


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "never" if value is None else str(value)
