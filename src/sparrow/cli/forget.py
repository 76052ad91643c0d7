"""`sparrow forget`: a person leaves, from here and from every release that is built from now on."""

import time
from pathlib import Path

import click

from sparrow.cli.options import echo_json, home_options, json_option, open_published, store_option
from sparrow.errors import NotFound


@click.command()
@click.argument("user", metavar="USER")
@store_option
@home_options
@json_option
def forget(user: str, store: str | None, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Forget a person: events, live state, lists they were shown, and their part in every build from now on.

    USER is what the data call the person, or the number that stands for them. Until the next build is published, the live
    release still holds their ratings of the data set, and so do earlier releases until they are pruned ([releases] keep).
    Somebody of whom nothing is known ends in an error, and is forgotten all the same.

    \b
    Examples:
      sparrow forget 42
      sparrow forget ann@example.org && sparrow build --with-events
    """
    folder, settings = open_published(store, home, config)
    from sparrow.cli.names import open_names
    from sparrow.stores.clearing import forget_person
    from sparrow.stores.event_archive import forget_in_redis
    from sparrow.stores.releases import list_releases

    with open_names(folder, settings) as names:
        raw = names.person(user)
        is_held = names.store is not None and names.store.user(raw) is not None
        known = names.store is None or is_held or raw in names.live.forgotten()
        # Before anybody is called unknown: a list they were sent may still be on its way to the log.
        now = int(time.time())
        shared = forget_in_redis(folder, settings.feedback.events, raw, now)
        gone = forget_person(folder, raw, now)
        if not (known or shared or gone.events or gone.served_lists):
            raise NotFound(
                f"Nobody called {user!r} is in the live release or the logs of {folder}: nothing to remove; check the id."
            )
    releases = [one.release for one in list_releases(folder)]
    if as_json:
        echo_json({"userId": user, "events": gone.events, "servedLists": gone.served_lists, "inLiveRelease": is_held})
        return
    click.echo(f"Forgotten: {user}, with {gone.events} events and {gone.served_lists} served lists.")
    if is_held:
        click.echo(
            "The live release still holds what they rated. Build and publish the next one: sparrow build (with --with-events, if "
            "the live one was), then sparrow publish. "
            f"Releases on this disk until pruned: {', '.join(releases)}."
        )
