"""The text of docs/settings.md, made from the code: `python -m tests.settings_page` writes it."""

import json
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo

from sparrow.config import Arm, Experiment, PeoplePipeline, Section, Settings

PAGE: Final = Path(__file__).parents[1] / "docs" / "settings.md"

NESTED: Final = {
    "pipelines": {"pipelines.people.NAME": PeoplePipeline},
    "experiments": {"experiments.running.NAME": Experiment, "experiments.running.NAME.arms": Arm},
}
"""Section → tables within it."""

HEAD: Final = """# Settings

`sparrow.toml` (named by `--config`, else `{home}/sparrow.toml`, else `./sparrow.toml`) < environment `SPARROW_SECTION__KEY` <
flags. An unknown section or key is an error. In the environment lists and tables are written as JSON or TOML:
`SPARROW_NEURAL_CF__HIDDEN='[32, 16]'`.
"""


def settings_page() -> str:
    """All sections with their keys, defaults and meanings, as Markdown."""
    tables = [
        _section(title, table)
        for name, kind in Settings.model_fields.items()
        for title, table in {name: kind.annotation, **NESTED.get(name, {})}.items()
    ]
    return "\n".join([HEAD, *tables])


def _section(name: str, section: Any) -> str:
    assert issubclass(section, Section) and section.__doc__
    rows = [f"| `{key}` | {_default(field)} | {field.description} |" for key, field in section.model_fields.items()]
    title = section.__doc__.splitlines()[0]
    return "\n".join([f"## [{name}]", "", title, "", "| key | default | meaning |", "|---|---|---|", *rows, ""])


def _default(field: FieldInfo) -> str:
    return "required" if field.is_required() else f"`{_shown(field.get_default(call_default_factory=True))}`"


def _shown(value: Any) -> str:
    return json.dumps(sorted(value, key=str) if isinstance(value, frozenset) else value)


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
