"""Pages from Jinja templates, everything escaped, in the visitor's language."""

from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from sparrow.online.answers import ListedMovie, MovieFacts, Reason
from sparrow.web.language import COOKIE, LANGUAGES, Texts, choose_language, texts_of
from sparrow.web.titles import display_title

HERE: Final = Path(__file__).parent
RETRY_SECONDS: Final = 10
"""After this long a browser asks again for a page that could not be made yet."""
_YEAR_OF_SECONDS: Final = 365 * 24 * 3600


class Site:
    """Renders pages; one per application."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(title_of=display_title, stars=format_stars, path_part=path_part)
        self._environment.globals.update(address=address, elsewhere=elsewhere, languages=LANGUAGES)

    def page(self, request: Request, template: str, status: int = 200, **context: Any) -> Response:
        """One page; `?lang=` is remembered in a cookie."""
        texts = _texts_for(request)
        recommender = request.scope.get("recommender")
        html = self._environment.get_template(template).render(
            t=texts,
            why=lambda item, seen=None: why(texts, item, seen),
            here=request.url,
            web=request.app.state.settings.web,
            has_pictures=request.app.state.posters is not None,
            release=recommender.release if recommender else "",
            **context,
        )
        headers = {"Content-Language": texts.tag, "Vary": "Accept-Language, Cookie", "Cache-Control": "no-cache"}
        response = HTMLResponse(html, status_code=status, headers=headers)
        if request.query_params.get(COOKIE) in LANGUAGES:
            response.set_cookie(COOKIE, texts.language, max_age=_YEAR_OF_SECONDS, httponly=True, samesite="lax")
        return response

    def error(self, request: Request, status: int, detail: str) -> Response:
        """The page of an error, with its true status."""
        kind = status if status in (404, 422, 503) else 422 if status < 500 else 500
        answer = self.page(
            request, "error.html", status, kind=kind, code=status, phrase=HTTPStatus(status).phrase, detail=detail
        )
        if kind == 503:
            answer.headers["Refresh"] = str(RETRY_SECONDS)
        return answer


class Assets(StaticFiles):
    """Static files that a browser keeps but asks about: the ETag decides, so a new version shows at once.

    It is a weak one: compressed or not, the file is the same.
    """

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """As the parent's, with the caching rule."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["ETag"] = f"W/{response.headers['etag'].removeprefix('W/')}"
        return response

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As the parent's; a path with a NUL byte names no file."""
        return await super().get_response(path.replace("\0", "_"), scope)


def address(path: str, **query: object) -> str:
    """A link within the site.

    Example:
        >>> address("/collection.html", type="genre", value="Sci-Fi & more", offset=None)
        '/collection.html?type=genre&value=Sci-Fi+%26+more'
        >>> address("/lab.html", movieId=[1, 589])
        '/lab.html?movieId=1&movieId=589'
    """
    given = {key: value for key, value in query.items() if value is not None}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def elsewhere(movie: MovieFacts) -> list[tuple[str, str]]:
    """Where else to read about a movie: (name of the site, address); ids that are no numbers lead nowhere."""
    imdb, tmdb = movie.imdb_id.removeprefix("tt"), movie.tmdb_id
    found = [
        ("IMDb", f"https://www.imdb.com/title/tt{imdb:0>7}/", imdb),
        ("TMDB", f"https://www.themoviedb.org/movie/{tmdb}", tmdb),
    ]
    return [(name, link) for name, link, number in found if number.isascii() and number.isdigit()]


def path_part(value: object) -> str:
    """An id as one part of a path.

    Example:
        >>> path_part(589), path_part("a/b é")
        ('589', 'a%2Fb%20%C3%A9')
    """
    return quote(str(value), safe="")


def format_stars(score: float) -> str:
    """A mean or a score with one decimal, as stars are read.

    Example:
        >>> format_stars(3.456), format_stars(5)
        ('3.5', '5.0')
    """
    return f"{score:.1f}"


def why(texts: Texts, item: ListedMovie, seen: int | None = None) -> str:
    """Why a movie stands in a list, in one line; on the page of the movie `seen`, rather not "close to" that one."""
    reasons = sorted(item.reasons, key=lambda reason: reason.kind.startswith("similar") and reason.movie_id == seen)
    return _reason_line(texts, reasons[0]) if reasons else ""


def _reason_line(texts: Texts, reason: Reason) -> str:
    genres = " · ".join(texts.name("genre", genre) for genre in reason.genres)
    return texts(f"reason.{reason.kind}", title=display_title(reason.title), genres=genres)


def _texts_for(request: Request) -> Texts:
    chosen = choose_language(
        request.query_params.get(COOKIE), request.cookies.get(COOKIE), request.headers.get("accept-language", "")
    )
    return texts_of(chosen)
