"""The tests mirror `src/sparrow`; this file makes `tests.worlds` win over installed packages that ship a `tests`."""
