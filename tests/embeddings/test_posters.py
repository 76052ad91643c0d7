"""Posters: what looks alike is near, at any size; files that are no pictures are told and skipped."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sparrow.embeddings import posters
from sparrow.embeddings.content import poster_block
from sparrow.embeddings.content_files import Films
from sparrow.embeddings.fusion import content_blocks, train_content
from sparrow.embeddings.posters import COLOURS, DIM, colours, describe_picture, describe_pictures, layout, oklab
from sparrow.errors import DataError
from tests.embeddings.drawn import drawn, save, write_bomb


def described(*pictures: Image.Image, folder: Path, suffix: str = ".png") -> np.ndarray:
    paths = [save(picture, folder / f"{row}{suffix}") for row, picture in enumerate(pictures)]
    vectors, unreadable = describe_pictures(paths)
    assert not unreadable
    return vectors


def test_red_is_near_red_and_far_from_blue(tmp_path: Path) -> None:
    red, darker, blue = (Image.new("RGB", (60, 90), colour) for colour in ("#ff0000", "#c81414", "#0000ff"))
    block = described(red, darker, blue, folder=tmp_path)
    assert block[0] @ block[1] > 0.5
    assert abs(block[0] @ block[2]) < 0.05
    np.testing.assert_allclose(np.linalg.norm(block, axis=1), 1, rtol=1e-6)


def test_with_the_same_colours_the_layout_decides(tmp_path: Path) -> None:
    one, same, moved = (
        drawn("navy", "gold"), drawn("navy", "gold", size=(200, 300)), drawn("navy", "gold", "bottom right")
    )  # fmt: skip
    block = described(one, same, moved, folder=tmp_path)
    assert block[0] @ block[1] > 0.99
    assert 0.4 < block[0] @ block[2] < 0.85, "as many pixels of each colour, elsewhere"


def test_with_the_same_layout_the_colours_decide(tmp_path: Path) -> None:
    """Light on dark twice, and the other way round: the first two are laid out alike whatever their hues."""
    warm, cold, turned = (
        layout(oklab(np.asarray(drawn(*pair).resize((48, 72)))))
        for pair in (("#601010", "#ffb0b0"), ("#101060", "#b0b0ff"), ("#ffb0b0", "#601010"))
    )
    assert warm @ cold > 0.9
    assert warm @ turned < 0.3
    block = described(
        drawn("#601010", "#ffb0b0"), drawn("#651212", "#ffb0a8"), drawn("#101060", "#b0b0ff"), folder=tmp_path
    )
    assert block[0] @ block[1] > block[0] @ block[2] + 0.3


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("size", [(96, 144), (1200, 1800), (500, 500)])
def test_another_size_or_form_of_a_picture_is_nearly_the_same_vector(
    tmp_path: Path, suffix: str, size: tuple[int, int]
) -> None:
    one = describe_picture(save(drawn("teal", "orange"), tmp_path / "one.png"))
    other = describe_picture(save(drawn("teal", "orange", size=size), tmp_path / f"other{suffix}"))
    assert one @ other > 0.98


def test_a_picture_is_described_the_same_every_time(tmp_path: Path) -> None:
    path = save(drawn("teal", "orange"), tmp_path / "one.jpg")
    assert np.array_equal(describe_picture(path), describe_picture(path))


def test_colours_are_shares_of_pixels(tmp_path: Path) -> None:
    """Half black and half white lie on places of the histogram; a grey between two places belongs to both."""
    half = np.zeros((72, 48, 3), dtype=np.uint8)
    half[36:] = 255
    assert sorted(colours(oklab(half)))[-2:] == pytest.approx([0.5**0.5] * 2, abs=1e-3)
    grey = np.zeros((72, 48, 3))
    grey[..., 0] = 1 / 6
    assert sorted(colours(grey))[-2:] == pytest.approx([0.5**0.5] * 2)


def test_a_picture_of_one_colour_has_no_layout(tmp_path: Path) -> None:
    """A trace of noise, too faint to be seen, does not become half of the vector."""
    noise = np.random.default_rng(1).integers(0, 2, size=(72, 48, 3))
    flat = describe_picture(save(Image.new("RGB", (48, 72), (120, 60, 60)), tmp_path / "flat.png"))
    noisy = describe_picture(
        save(Image.fromarray((noise + np.array([120, 60, 60])).astype(np.uint8)), tmp_path / "noisy.png")
    )
    assert np.abs(flat[COLOURS:]).max() < 1e-6
    assert flat @ noisy > 0.9


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_any_kind_of_pixels_is_read(tmp_path: Path, mode: str) -> None:
    suffix = ".jpg" if mode == "CMYK" else ".png"
    picture = Image.new("I;16", (50, 75)) if mode == "I;16" else drawn("black", "white", size=(50, 75)).convert(mode)
    assert np.linalg.norm(describe_picture(save(picture, tmp_path / f"1{suffix}"))) == pytest.approx(1)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    clear, white = Image.new("RGBA", (50, 75), (0, 0, 0, 0)), Image.new("RGB", (50, 75), "white")
    block = described(clear, white, folder=tmp_path)
    assert block[0] @ block[1] == pytest.approx(1)


def test_files_that_are_no_pictures_are_told_and_the_others_read(tmp_path: Path) -> None:
    good = save(drawn("teal", "orange"), tmp_path / "0.jpg")
    whole = good.read_bytes()
    save(drawn("teal", "orange"), tmp_path / "whole.png")
    bad = {
        "empty.jpg": b"",
        "text.jpg": b"<html>404</html>",
        "half.jpg": whole[: len(whole) // 2],
        "half.png": (tmp_path / "whole.png").read_bytes()[:-200],
        "gif.jpg": b"GIF89a" + bytes(60),
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    write_bomb(tmp_path / "bomb.png")
    save(Image.new("1", (8000, 6000)), tmp_path / "huge.png")
    paths = [good, *(tmp_path / name for name in (*bad, "bomb.png", "huge.png"))]
    vectors, unreadable = describe_pictures(paths)
    assert vectors.shape == (len(paths), DIM)
    assert vectors[0].any() and not vectors[1:].any()
    assert list(unreadable) == paths[1:]
    for path, told in unreadable.items():
        assert str(path) in told and "JPEG, PNG or WebP" in told
    assert "8000 x 6000 pixels, 40,000,000 are allowed" in unreadable[tmp_path / "huge.png"]


def test_a_bomb_between_our_bound_and_the_decoders_is_stopped_without_a_warning(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"bomb\.png is no picture"):
        describe_picture(write_bomb(tmp_path / "bomb.png", 10_000, 10_000))


def test_a_file_of_too_many_bytes_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posters, "MOST_BYTES", 100)
    with pytest.raises(DataError, match=r"bytes, 100 are allowed"):
        describe_picture(save(drawn("teal", "orange"), tmp_path / "1.png"))


@given(data=st.data(), suffix=st.sampled_from([".jpg", ".png", ".webp"]))
@settings(max_examples=150)
def test_a_damaged_picture_is_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, suffix: str
) -> None:
    path = save(drawn("teal", "orange", size=(40, 60)), tmp_path_factory.mktemp("damaged") / f"1{suffix}")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    vectors, unreadable = describe_pictures([path])
    assert np.isfinite(vectors).all()
    assert vectors.any() != bool(unreadable)


def test_the_block_holds_what_sets_posters_apart(tmp_path: Path) -> None:
    pairs = (("navy", "gold"), ("navy", "gold"), ("maroon", "white"), ("teal", "black"))
    vectors = np.concatenate([described(*(drawn(*pair) for pair in pairs), folder=tmp_path), np.zeros((1, DIM))])
    block = poster_block(vectors.astype(np.float32))
    near = block @ block.T
    assert near[0, 1] == pytest.approx(1, abs=1e-5)
    assert near[0, 2] < 0.2 and near[0, 3] < 0.2
    assert not block[4].any(), "a film without a poster"
    np.testing.assert_allclose(np.linalg.norm(block[:4], axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("films_with", [0, 1, 5])
def test_one_picture_for_all_says_nothing(tmp_path: Path, films_with: int) -> None:
    vectors = np.zeros((6, DIM), dtype=np.float32)
    vectors[:films_with] = described(drawn("navy", "gold"), folder=tmp_path)[0]
    assert not poster_block(vectors).any()
    assert "posters" not in content_blocks(films(6), posters=vectors)


def test_posters_are_one_more_aspect_and_a_film_without_one_is_neither_near_nor_far(tmp_path: Path) -> None:
    pictures = [drawn(ground, disc) for ground, disc in (("navy", "gold"), ("navy", "gold"), ("maroon", "white"))]
    vectors = np.zeros((6, DIM), dtype=np.float32)
    vectors[:3] = described(*pictures, folder=tmp_path)
    assert set(content_blocks(films(6), posters=vectors)) == {"genres", "years", "posters"}
    without, table = train_content(films(6)).vectors, train_content(films(6), posters=vectors).vectors
    plain, near = without @ without.T, table @ table.T
    assert near[0, 1] - plain[0, 1] > 0 > near[0, 2] - plain[0, 2]
    assert near[0, 2] < near[0, 3] < near[0, 1], "nothing else tells the six films apart"


def films(count: int) -> Films:
    """Films of one kind and year: only their posters differ."""
    ids, years, tagged = np.arange(count), np.full(count, 1990), np.empty(0, dtype=np.int64)
    return Films(ids, ("",) * count, years, (("Drama",),) * count, tagged, ())
