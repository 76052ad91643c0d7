"""What retraining decided is read as it was written, whatever a power cut left behind."""

from pathlib import Path

from sparrow.stores.retrain_log import LOG, Decision, append, decisions, was_rolled_back

PUBLISHED = Decision("published", "new", "old", "new", "It holds.", {"quality": {"lead": 0.5}, "shown": 3})


def test_decisions_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert decisions(tmp_path) == []
    kept = Decision("kept", "newer", "new", "new", "更差。")
    append(tmp_path, PUBLISHED)
    append(tmp_path, kept)
    assert decisions(tmp_path) == [PUBLISHED, kept]
    assert PUBLISHED.at.endswith("+00:00")


def test_half_a_line_is_passed_over_and_spoils_none_after_it(tmp_path: Path) -> None:
    append(tmp_path, PUBLISHED)
    with (tmp_path / LOG).open("ab") as file:
        file.write(b'{"action":"kept","rel')
    append(tmp_path, PUBLISHED)
    assert decisions(tmp_path) == [PUBLISHED, PUBLISHED]


def test_the_last_word_says_whether_a_release_went_back(tmp_path: Path) -> None:
    back = Decision("rolled back", "new", "new", "old", "Clicks fell.")
    for decision, expected in ((PUBLISHED, False), (back, True), (PUBLISHED, False)):
        append(tmp_path, decision)
        assert was_rolled_back(tmp_path, "new") is expected
    assert not was_rolled_back(tmp_path, "old")
