"""`python -m benchmarks [NAME …]`: run the named benchmarks, or all of them in turn."""

import importlib
import sys
from pathlib import Path
from typing import Final

NOT_BENCHMARKS: Final = {"__init__", "__main__", "table"}


def main(names: list[str]) -> None:
    """Run benchmarks by module name."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_BENCHMARKS)
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"There is no benchmark {unknown[0]!r}; there are: {', '.join(known)}.")
    for name in names or known:
        importlib.import_module(f"benchmarks.{name}").run().show()


if __name__ == "__main__":
    main(sys.argv[1:])
