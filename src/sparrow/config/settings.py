"""All sections as one frozen object, and how file, environment and flags become it."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sparrow.config.building import (
    Build,
    Collaborative,
    DeepWalk,
    Embeddings,
    Features,
    Item2vec,
    NextItem,
    Node2vec,
    Samples,
    Split,
    VectorSearch,
)
from sparrow.config.experiments import Experiments
from sparrow.config.pipelines import Pipelines
from sparrow.config.ranking import DeepFM, Dien, Din, EmbeddingMLP, NeuralCF, Ranking, SasRec, TwoTower, WideDeep
from sparrow.config.retraining import Retrain
from sparrow.config.rules import Candidates, ForYou, People, Rules, Similar
from sparrow.config.section import Section
from sparrow.config.serving import Feedback, Online, Recall, Releases, Web
from sparrow.errors import SettingsError

PREFIX = "SPARROW_"
HOME_VARIABLE = "SPARROW_HOME"
DEFAULT_HOME = Path("var")


class Settings(Section):
    """All of it."""

    split: Split = Split()
    features: Features = Features()
    samples: Samples = Samples()
    embeddings: Embeddings = Embeddings()
    item2vec: Item2vec = Item2vec()
    deepwalk: DeepWalk = DeepWalk()
    node2vec: Node2vec = Node2vec()
    collaborative: Collaborative = Collaborative()
    next_item: NextItem = NextItem()
    ranking: Ranking = Ranking()
    neural_cf: NeuralCF = NeuralCF()
    embedding_mlp: EmbeddingMLP = EmbeddingMLP()
    wide_deep: WideDeep = WideDeep()
    deep_fm: DeepFM = DeepFM()
    din: Din = Din()
    dien: Dien = Dien()
    two_tower: TwoTower = TwoTower()
    sasrec: SasRec = SasRec()
    vector_search: VectorSearch = VectorSearch()
    recall: Recall = Recall()
    similar: Similar = Similar()
    for_you: ForYou = ForYou()
    candidates: Candidates = Candidates()
    pipelines: Pipelines = Pipelines()
    experiments: Experiments = Experiments()
    online: Online = Online()
    web: Web = Web()
    feedback: Feedback = Feedback()
    releases: Releases = Releases()
    build: Build = Build()
    retrain: Retrain = Retrain()

    @property
    def rules(self) -> Rules:
        """What these settings say of the rules: the document's first version."""
        people = People.model_validate(self.for_you.model_dump(include=set(People.model_fields)))
        return Rules(candidates=self.candidates, similar=self.similar, for_you=people)

    def with_rules(self, rules: Rules) -> "Settings":
        """These settings under other rules."""
        for_you = ForYou(ranker=self.for_you.ranker, **rules.for_you.model_dump())
        return self.model_copy(update={"candidates": rules.candidates, "similar": rules.similar, "for_you": for_you})

    def unhurried(self) -> "Settings":
        """The same, but ranked in this process, without deadlines, and in the rankers' own order: what is judged must hang
        neither on how busy a machine is nor on chance."""
        online = self.online.model_copy(update={"ranker_url": ""})
        people = {name: one.in_order() for name, one in self.pipelines.people.items()}
        ends = {"recall_ms": 0, "ranking_ms": 0, "reranking_ms": 0}
        patient = self.pipelines.model_copy(update={**ends, "people": people})
        for_you = self.for_you.model_copy(update={"explore": 0.0})
        return self.model_copy(update={"online": online, "pipelines": patient, "for_you": for_you})


def find_home(flag: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds all state: `--home`, else `SPARROW_HOME`, else `./var`."""
    return flag or Path(environ.get(HOME_VARIABLE) or DEFAULT_HOME)


def load_settings(
    file: Path | None = None,
    home: Path | None = None,
    flags: Mapping[str, Mapping[str, Any]] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Merge file, environment and flags into one frozen `Settings`.

    Args:
        file: the TOML file named by `--config`; must exist when given.
        home: the state folder, searched for `sparrow.toml` when `file` is None.
        flags: section → key → value from the command line; a value of None means "not given".
        environ: the environment to read.

    Raises:
        SettingsError: an unknown name or a bad value, naming it and where it came from.
    """
    path = _find_file(file, home)
    merged: dict[str, dict[str, Any]] = _read_toml(path) if path else {}
    for origin in (_read_environment(environ), flags or {}):
        for section, values in origin.items():
            given = {key: value for key, value in values.items() if value is not None}
            merged.setdefault(section, {}).update(given)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError(_explain(error, path)) from None


def _find_file(file: Path | None, home: Path | None) -> Path | None:
    if file is not None and not file.is_file():
        raise SettingsError(f"The settings file {file} does not exist; name an existing one with --config.")
    candidates = [file] if file else [(home or DEFAULT_HOME) / "sparrow.toml", Path("sparrow.toml")]
    return next((path for path in candidates if path and path.is_file()), None)


def _read_toml(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}. Mend that line or remove the file.") from None
    loose = [key for key, value in content.items() if not isinstance(value, dict)]
    if loose:
        raise SettingsError(
            f"{path}: the setting {loose[0]!r} stands outside a section; write it under one, e.g. [web]."
        )
    return content


def _read_environment(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """`SPARROW_WEB__PORT=7000` → {"web": {"port": "7000"}}; lists and tables are written as JSON or TOML values."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name == HOME_VARIABLE:
            continue
        section, divider, key = name.removeprefix(PREFIX).lower().partition("__")
        if not divider:
            raise SettingsError(
                f"The environment variable {name} names no setting; write {PREFIX}SECTION__KEY, e.g. {PREFIX}WEB__PORT."
            )
        found.setdefault(section, {})[key] = _structured(value)
    return found


def _structured(text: str) -> Any:
    """A list or table when the text is one in JSON or TOML, else the text itself (pydantic parses numbers and truths)."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(error: ValidationError, path: Path | None) -> str:
    first: Mapping[str, Any] = dict(error.errors()[0])
    name = ".".join(str(part) for part in first["loc"])
    where = f"{path}, {PREFIX}… variables or flags" if path else f"{PREFIX}… variables or flags"
    if first["type"] == "extra_forbidden":
        return f"Unknown setting {name!r} (from {where}); the known ones are listed in docs/settings.md."
    return f"Setting {name!r} has the value {first['input']!r} (from {where}): {first['msg']}."
