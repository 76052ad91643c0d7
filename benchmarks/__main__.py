"""`python -m benchmarks [NAME …] [--option …]`: run the named benchmarks, or all of them in turn; options go to the one named."""

import importlib
import sys
from pathlib import Path
from typing import Final

NOT_BENCHMARKS: Final = {"__init__", "__main__", "table"}


def main(words: list[str]) -> None:
    """Run benchmarks by module name."""
    at = next((place for place, word in enumerate(words) if word.startswith("--")), len(words))
    names, options = words[:at], words[at:]
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_BENCHMARKS)
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"There is no benchmark {unknown[0]!r}; there are: {', '.join(known)}.")
    if options and len(names) != 1:
        sys.exit("Options belong to one benchmark; name it first, e.g. python -m benchmarks offline --ratings 1000000.")
    for name in names or known:
        module = importlib.import_module(f"benchmarks.{name}")
        (module.run(options) if options else module.run()).show()


if __name__ == "__main__":
    main(sys.argv[1:])
