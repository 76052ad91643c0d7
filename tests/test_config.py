"""Settings: who overrides whom, and what a wrong name or value is answered with."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from sparrow.config import DEFAULT_HOME, Settings, find_home, load_settings
from sparrow.errors import SettingsError
from tests.settings_page import settings_page

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of a test is an empty one, so that no settings file of this machine is read."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str) -> Path:
        path = tmp_path / "named.toml"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_nothing_given_is_the_defaults() -> None:
    assert load_settings(environ={}) == Settings()
    assert load_settings(environ={"PATH": "/bin", "SPARROWS": "many", "SPARROW_HOME": "/elsewhere"}) == Settings()


def test_flags_override_the_environment_which_overrides_the_file(write: Write) -> None:
    file = write('[web]\nport = 1\nhost = "file"\nworkers = 3\n[split]\nvalid = 0.2\n')
    environ = {"SPARROW_WEB__PORT": "2", "SPARROW_WEB__HOST": "environment"}
    settings = load_settings(file, flags={"web": {"port": 3, "host": None}, "online": {}}, environ=environ)
    assert (settings.web.port, settings.web.host, settings.web.workers) == (3, "environment", 3)
    assert (settings.split.valid, settings.split.test) == (0.2, Settings().split.test)


def test_the_named_file_goes_before_the_homes_which_goes_before_the_folders(
    tmp_path: Path, folder: Path, write: Write
) -> None:
    (folder / "sparrow.toml").write_text("[web]\nport = 1\n")
    assert load_settings(environ={}).web.port == 1
    assert load_settings(home=tmp_path / "empty", environ={}).web.port == 1
    home = tmp_path / "home"
    home.mkdir()
    (home / "sparrow.toml").write_text("[web]\nport = 2\n")
    assert load_settings(home=home, environ={}).web.port == 2
    assert load_settings(write("[web]\nport = 3\n"), home, environ={}).web.port == 3


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    for missing in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(SettingsError, match=f"{missing} does not exist.*--config"):
            load_settings(missing, environ={})


@pytest.mark.parametrize("content", ["[web\nport = 1", "port == 1", "[web]\nport = 1\nport = 2\n"])
def test_a_syntax_error_names_the_file_and_the_line(write: Write, content: str) -> None:
    with pytest.raises(SettingsError, match=r"named\.toml is not valid TOML: .*line \d"):
        load_settings(write(content), environ={})


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"binary\.toml is not valid TOML"):
        load_settings(tmp_path / "binary.toml", environ={})


def test_a_setting_outside_a_section_is_named(write: Write) -> None:
    with pytest.raises(SettingsError, match=r"'port' stands outside a section"):
        load_settings(write("port = 1\n"), environ={})
    with pytest.raises(SettingsError, match=r"SPARROW_PORT names no setting.*SPARROW_SECTION__KEY"):
        load_settings(environ={"SPARROW_PORT": "1"})


@pytest.mark.parametrize(
    ("name", "toml", "variable"),
    [
        ("webb", "[webb]\nport = 1\n", "SPARROW_WEBB__PORT"),
        ("web.prot", "[web]\nprot = 1\n", "SPARROW_WEB__PROT"),
        ("item2vec.dims", "[item2vec]\ndims = 1\n", "SPARROW_ITEM2VEC__DIMS"),
    ],
)
def test_an_unknown_name_is_named_wherever_it_comes_from(write: Write, name: str, toml: str, variable: str) -> None:
    section, _, key = name.partition(".")
    with pytest.raises(SettingsError, match=rf"Unknown setting '{name}' \(from .*named\.toml"):
        load_settings(write(toml), environ={})
    with pytest.raises(SettingsError, match=rf"Unknown setting '{name}' \(from SPARROW_"):
        load_settings(environ={variable: "1"})
    with pytest.raises(SettingsError, match=f"Unknown setting '{name}'"):
        load_settings(flags={section: {key or "port": 1}}, environ={})


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("web", "port", 65536), ("web", "port", -1), ("web", "port", "abc"), ("web", "workers", 0), ("split", "valid", 0),
        ("split", "test", 1), ("split", "valid", float("nan")), ("samples", "exponent", 1.5), ("releases", "keep", 1),
        ("neural_cf", "dropout", 1.0), ("neural_cf", "learning_rate", 0), ("online", "poll_seconds", 0),
        ("item2vec", "dim", 1.5), ("features", "history_length", -3),
    ],
)  # fmt: skip
def test_a_bad_value_is_told_with_its_name(section: str, key: str, value: object) -> None:
    with pytest.raises(SettingsError) as told:
        load_settings(flags={section: {key: value}}, environ={})
    assert f"Setting '{section}.{key}' has the value {value!r}" in str(told.value)
    with pytest.raises(SettingsError, match=rf"'{section}\.{key}'"):
        load_settings(environ={f"SPARROW_{section}__{key}".upper(): str(value)})


def test_a_bad_value_within_a_list_is_told_with_its_place() -> None:
    with pytest.raises(SettingsError, match=r"'neural_cf\.hidden\.1' has the value 0"):
        load_settings(environ={"SPARROW_NEURAL_CF__HIDDEN": "[8, 0]"})


@pytest.mark.parametrize(("text", "expected"), [("[8, 4]", (8, 4)), ("[8,4,]", (8, 4)), ("[ 16 ]", (16,)), ("[]", ())])
def test_lists_in_the_environment(text: str, expected: tuple[int, ...]) -> None:
    assert load_settings(environ={"SPARROW_NEURAL_CF__HIDDEN": text}).neural_cf.hidden == expected


def test_a_set_of_ids_up_to_the_largest(write: Write) -> None:
    largest = 2**63 - 1
    assert load_settings(environ={"SPARROW_CANDIDATES__HIDDEN": f"[7, {largest}]"}).candidates.hidden == {7, largest}
    assert load_settings(write(f"[candidates]\nhidden = [7, {largest}]\n"), environ={}).candidates.hidden == {
        7,
        largest,
    }


def test_a_table_in_the_environment_as_toml(write: Write) -> None:
    assert load_settings(environ={"SPARROW_RECALL__QUOTAS": "{popular = 5}"}).recall.quotas == {"popular": 5}
    assert load_settings(environ={"SPARROW_RECALL__QUOTAS": '{"popular": 5}'}).recall.quotas == {"popular": 5}
    assert load_settings(write("[recall.quotas]\npopular = 5\n"), environ={}).recall.quotas == {"popular": 5}


@pytest.mark.parametrize("text", ["[8, 4", "{popular}", "[nonsense here]"])
def test_a_list_or_table_that_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(SettingsError, match=r"'neural_cf\.hidden'"):
        load_settings(environ={"SPARROW_NEURAL_CF__HIDDEN": text})


@pytest.mark.parametrize("text", ["true", "1", "yes"])
def test_truths_are_read_from_text(text: str) -> None:
    assert load_settings(environ={"SPARROW_WEB__LEGACY_CORS": text}).web.legacy_cors is True


def test_settings_are_frozen() -> None:
    settings = load_settings(environ={})
    with pytest.raises(ValidationError, match="frozen"):
        settings.web.port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.web = Settings().web  # type: ignore[misc]


def test_one_settings_changes_no_other() -> None:
    first = load_settings(environ={})
    first.recall.quotas["popular"] = 9999
    assert "popular" not in load_settings(environ={}).recall.quotas


def test_settings_survive_the_manifest_as_json() -> None:
    settings = load_settings(environ={"SPARROW_CANDIDATES__HIDDEN": "[3, 1]", "SPARROW_NEURAL_CF__HIDDEN": "[8]"})
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_home_is_the_flag_else_the_variable_else_var() -> None:
    assert find_home(Path("a"), {"SPARROW_HOME": "b"}) == Path("a")
    assert find_home(None, {"SPARROW_HOME": "b"}) == Path("b")
    assert find_home(None, {"SPARROW_HOME": ""}) == find_home(None, {}) == DEFAULT_HOME == Path("var")


def test_the_settings_page_is_what_the_code_says() -> None:
    """docs/settings.md is held word for word; mend it with `python -m tests.settings_page`."""
    assert (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8") == settings_page()


_PAIR = 'arms = [{{name = "a", share = {}}}, {{name = "{}", share = 0.5}}]\n'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (_PAIR.format(0.4, "b"), ["shares of a, b sum to 0.9", "sum to 1"]),
        (_PAIR.format(0.5, "a"), ["arm 'a' stands there twice"]),
        ('arms = [{name = "a", share = 1.0}]\n', ["arms", "at least 2"]),
        (_PAIR.format(0.5, "b") + "[experiments.running.deep]\n", ["twice"]),
        (_PAIR.format(0.5, "b") + "[experiments.running.other]\n" + _PAIR.format(0.5, "b"), ["'lists'", "traffic"]),
        (
            _PAIR.format(0.5, "b")
            + '[experiments.running.other]\nsalt = "deep"\nlayer = "x"\n'
            + _PAIR.format(0.5, "b"),
            ["salt 'deep' is used twice"],
        ),
        (_PAIR.format(0.5, "B b"), ["arms.1.name", "B b"]),
    ],
    ids=["shares", "arm twice", "one arm", "name twice", "full layer", "salt twice", "hostile name"],
)
def test_wrong_experiments_are_refused_in_words(write: Write, content: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(write("[experiments.running.deep]\n" + content), environ={})
    for word in words:
        assert word in str(refused.value)


def test_two_layers_cannot_both_choose_the_ranker(write: Write) -> None:
    arms = 'arms = [{name = "a", share = 0.5}, {name = "b", share = 0.5, ranker = "din"}]\n'
    text = f'[experiments.running.one]\n{arms}[experiments.running.two]\nlayer = "other"\n{arms}'
    with pytest.raises(SettingsError, match="ranker is set in the layers lists and other"):
        load_settings(write(text), environ={})
    exploring = text.replace('layer = "other"\n', 'layer = "other"\nactive = false\n')
    assert not load_settings(write(exploring), environ={}).experiments.running["two"].active
