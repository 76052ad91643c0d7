"""The text of docs/settings.md, made from the code: `python -m tests.settings_page` writes it."""

import json
from pathlib import Path
from typing import Any, Final

from sparrow.config import Section, Settings

PAGE: Final = Path(__file__).parents[1] / "docs" / "settings.md"

HEAD: Final = """# Settings

`sparrow.toml` (named by `--config`, else `{home}/sparrow.toml`, else `./sparrow.toml`) < environment `SPARROW_SECTION__KEY` <
flags. An unknown section or key is an error. In the environment lists and tables are written as JSON or TOML:
`SPARROW_NEURAL_CF__HIDDEN='[32, 16]'`.
"""


def settings_page() -> str:
    """All sections with their keys, defaults and meanings, as Markdown."""
    return "\n".join([HEAD, *(_section(name, kind.annotation) for name, kind in Settings.model_fields.items())])


def _section(name: str, section: Any) -> str:
    assert issubclass(section, Section) and section.__doc__
    rows = [
        f"| `{key}` | `{_shown(field.get_default(call_default_factory=True))}` | {field.description} |"
        for key, field in section.model_fields.items()
    ]
    title = section.__doc__.splitlines()[0]
    return "\n".join([f"## [{name}]", "", title, "", "| key | default | meaning |", "|---|---|---|", *rows, ""])


def _shown(value: Any) -> str:
    return json.dumps(sorted(value, key=str) if isinstance(value, frozenset) else value)


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
