"""A small MovieLens folder, written exactly as a test wants it."""

from pathlib import Path

RATINGS = "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,3,3.5,964981247\n"
MOVIES = "movieId,title,genres\n1,Toy Story (1995),Animation|Comedy\n3,Heat (1995),Action\n"


def write(folder: Path, ratings: str | bytes = RATINGS, movies: str | bytes = MOVIES, **others: str | bytes) -> Path:
    """A folder of CSV files exactly as given; `links=` and `tags=` add the optional ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {"ratings": ratings, "movies": movies, **others}.items():
        (folder / f"{name}.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return folder
