"""The offline side, walked in order.

- `plan`      stages, what makes one stale, running them with resume
- `stages`    what each stage does
- `assemble`  one folder from a fit's parts: feature store and models
- `judge`     the evaluation of the judging fit
- `lookup`    which release was made from which data and settings
- `publish`   building end to end, sealing, and publishing with the model server waited for
"""
