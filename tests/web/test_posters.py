"""Posters: well-formed SVG whatever the title, the same each time, different for each film."""

import subprocess
import sys
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparrow.web.poster_art import STYLES
from sparrow.web.posters import render_poster, typeset
from tests.web.conftest import Client
from tests.web.fake import TITLES

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "g", "rect", "circle", "ellipse", "path", "polygon", "text", "linearGradient", "stop", "clipPath"}


def words(svg: bytes) -> str:
    return " ".join(element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text"))


@pytest.mark.parametrize("row", TITLES, ids=[str(row[0]) for row in TITLES])
def test_every_title_gives_a_well_formed_picture(client: Client, row: tuple[int, str, int, tuple[str, ...]]) -> None:
    answer = client.get(f"/posters/{row[0]}.jpg")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    root = ElementTree.fromstring(answer.content)
    assert root.get("viewBox") == "0 0 400 600"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= ALLOWED
    if row[2]:
        assert str(row[2]) in words(answer.content)


@given(title=st.text(max_size=300), movie_id=st.integers(0, 2**63 - 1), year=st.integers(0, 3000))
@settings(max_examples=60, deadline=None)
def test_any_text_is_a_title(title: str, movie_id: int, year: int) -> None:
    svg, _ = render_poster(movie_id, title, year, ("Drama", title))
    assert {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()} <= ALLOWED


def test_the_title_is_on_it_as_people_read_it() -> None:
    assert "The Usual Suspects" in words(render_poster(50, "Usual Suspects, The", 1995, ("Crime",))[0])


@pytest.mark.parametrize("genre", [*STYLES, "Opera"])
def test_each_genre_has_many_faces(genre: str) -> None:
    pictures = {render_poster(movie_id, "Same", 2000, (genre,))[0] for movie_id in range(12)}
    assert len(pictures) == 12


def test_genres_do_not_look_alike() -> None:
    motifs = {style.motif for style in STYLES.values()}
    palettes = {palette for style in STYLES.values() for palette in style.palettes}
    assert len(motifs) == len(STYLES)
    assert len(palettes) == sum(len(style.palettes) for style in STYLES.values())


def test_another_process_draws_the_same() -> None:
    code = "from sparrow.web.posters import render_poster; print(render_poster(589, 'T2', 1991, ('Sci-Fi',))[1])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == render_poster(589, "T2", 1991, ("Sci-Fi",))[1]


def test_browsers_keep_posters_and_ask_by_tag(client: Client) -> None:
    first = client.get("/posters/589.jpg")
    assert "max-age" in first.headers["Cache-Control"]
    again = client.get("/posters/589.jpg", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/posters/589.jpg", headers={"If-None-Match": '"other"'}).status_code == 200


def test_long_words_are_broken_and_endless_titles_cut() -> None:
    lines, _ = typeset("Supercalifragilisticexpialidocious" * 2)
    assert "".join(lines) == "Supercalifragilisticexpialidocious" * 2
    assert typeset("A" * 1000)[0][-1].endswith("…")
    assert len(typeset("千と千尋の神隠し")[0]) >= 2
