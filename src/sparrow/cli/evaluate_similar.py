"""`sparrow evaluate-similar`: a release's similarities against what people say of pairs of movies."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sparrow.cli.options import echo_json, home_options, json_option, open_home
from sparrow.errors import InvalidInput, NotFound, ReleaseError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sparrow.evaluation.ground_truth import Truth
    from sparrow.stores.feature_store import FeatureStore, MovieRecord

RANK_SUM: Final = "genres + co-ratings"


@click.command("evaluate-similar")
@click.argument("release", required=False)
@click.option(
    "--truth",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="CSV with movieId_1,movieId_2,label; a larger label is more alike.",
)
@click.option("--embeddings", metavar="A,B", help="Which; by default all that the release holds.")
@home_options
@json_option
def evaluate_similar(
    release: str | None, truth: Path, embeddings: str | None, home: Path | None, config: Path | None, as_json: bool
) -> None:
    """Judge the similarities of RELEASE (the live one by default) by people's own judgements.

    Every pair is scored by each embedding's vectors, in one list. AUC and average precision call a pair alike when its
    label is above the middle of the file's scale; nDCG takes the grades. Beside them stands what anybody could do without
    learning: genre overlap (Jaccard), the cosine of who rated what, and the sum of their ranks.

    \b
    Examples:
      sparrow evaluate-similar --truth pairs.csv
      sparrow evaluate-similar --truth pairs.csv --embeddings fusion,item2vec --json
    """
    from sparrow.evaluation.ground_truth import read_truth
    from sparrow.stores.feature_store import FeatureStore
    from sparrow.stores.lmdb_store import LmdbStore
    from sparrow.stores.publishing import read_pointer
    from sparrow.stores.releases import check_release, releases_folder

    folder, settings = open_home(home, config)
    pointer = read_pointer(folder)
    name = release or (pointer.release if pointer else None)
    if name is None:
        raise ReleaseError(f"No release is live in {folder}; make one with: sparrow up")
    check_release(folder, name, checksums=False)
    store = FeatureStore(LmdbStore(releases_folder(folder) / name / "features.lmdb"))
    try:
        movies = sorted(store.movies(), key=lambda movie: movie.movieId)
        outside = dict(store.outside_ids("movies"))
        judged = read_truth(truth, {outside.get(m.movieId, str(m.movieId)): row for row, m in enumerate(movies)})
        told = _judge(store, movies, judged, embeddings, settings.online.embedding)
    finally:
        store.close()
    if as_json:
        echo_json(told)
    else:
        _print(told)


def _judge(
    store: "FeatureStore", movies: "list[MovieRecord]", truth: "Truth", wanted: str | None, default: str
) -> dict[str, Any]:
    import numpy as np

    from sparrow.embeddings.similarity_lists import pair_scores, stored_table
    from sparrow.evaluation.similar_truth import judge_similarities, paired_lead, rank_sum

    names = _names(tuple(store.meta().similarities), wanted, default)
    ids = np.array([movie.movieId for movie in movies], dtype=np.int64)
    scores = {name: pair_scores(stored_table(store, name), ids[truth.one], ids[truth.other]) for name in names}
    plain = {"genres": _genre_overlap(movies, truth), "co-ratings": _co_rating_cosine(store, ids, truth)}
    plain[RANK_SUM] = rank_sum(*plain.values())
    told = judge_similarities(truth, scores, names[0])
    references = judge_similarities(truth, plain, names[0])["rows"]
    return told | {
        "references": references,
        "against": {"reference": RANK_SUM, **paired_lead(truth, scores[names[0]], plain[RANK_SUM])},
    }


def _names(held: tuple[str, ...], wanted: str | None, default: str) -> list[str]:
    """The embeddings to judge, the site's own first."""
    if not held:
        raise NotFound("This release holds no embedding; build it again: sparrow build")
    own = default if default in held else sorted(held)[0]
    asked = [name.strip() for name in wanted.split(",")] if wanted else sorted(held)
    for name in asked:
        if name not in held:
            raise InvalidInput(f"This release has no embedding {name!r}; it has: {', '.join(sorted(held))}.")
    return list(dict.fromkeys([own, *asked]))


def _genre_overlap(movies: "list[MovieRecord]", truth: "Truth") -> "NDArray[np.float64]":
    import numpy as np

    kinds = [frozenset(movie.genres) for movie in movies]
    pairs = ((kinds[one], kinds[other]) for one, other in zip(truth.one, truth.other, strict=True))
    return np.array([len(one & other) / max(len(one | other), 1) for one, other in pairs])


def _co_rating_cosine(store: "FeatureStore", ids: "NDArray[np.int64]", truth: "Truth") -> "NDArray[np.float64]":
    import numpy as np

    met: dict[int, set[int]] = {row: set() for row in {*truth.one.tolist(), *truth.other.tolist()}}
    asked = ids[sorted(met)]
    for person in store.user_ids():
        record = store.user(person)
        if record is not None:
            rated = record.ratings()[0]
            for row in np.searchsorted(ids, rated[np.isin(rated, asked)]).tolist():
                met[row].add(person)
    pairs = ((met[one], met[other]) for one, other in zip(truth.one.tolist(), truth.other.tolist(), strict=True))
    return np.array([len(one & other) / max(len(one) * len(other), 1) ** 0.5 for one, other in pairs])


def _print(told: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    click.echo(f"{told['pairs']} pairs, {told['known']} of known movies, {told['alike']} of them alike")
    for kind in ("unknown", "repeated", "contradictory", "self_pairs"):
        fault = told["faults"][kind]
        if fault["count"]:
            more = " …" if fault["count"] > len(fault["first"]) else ""
            click.echo(f"{kind.replace('_', ' ')}: {fault['count']} ({', '.join(fault['first'])}{more})")
    table = Table("similarity", "AUC", "95 % interval", "average precision", "nDCG", "pairs scored", box=None)
    for row in [*told["rows"], *told["references"]]:
        low, high = row["interval"]["auc"]
        name = row["embedding"] + (" (default)" if row["embedding"] == told["default"] else "")
        auc, *others = (f"{row['metrics'][metric]:.4f}" for metric in ("auc", "average_precision", "ndcg"))
        table.add_row(name, auc, f"{low:.4f}-{high:.4f}", *others, f"{row['coverage']:.0%}")
    Console().print(table)
    against = told["against"]
    low, high = against["interval"]
    click.echo(f"{told['default']} - {against['reference']}: AUC {against['auc']:+.4f} ({low:+.4f} to {high:+.4f})")
