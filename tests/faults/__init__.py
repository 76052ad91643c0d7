"""What production does to a server, done to a real one: 200 with the next best list, told and counted, and well again by itself.

- `load`         visitors who never stop asking, and what is asked of a degraded server
- `test_store`   Redis killed, frozen, emptied
- `test_ranker`  the model server killed, frozen, lying
- `test_clock`   the time of day steps, a disk is full
- `test_swaps`   releases swapped and rolled back
"""
