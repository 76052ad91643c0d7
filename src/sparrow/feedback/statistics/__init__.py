"""What an A/B report computes, as pure functions on NumPy arrays; one method a file, its paper at its head.

- `ratios`        means and ratios by person, and their relative difference (delta method)
- `cuped`         what the time before explains is taken out (CUPED)
- `mixture`       intervals and p-values that stay true however often one looks (normal mixture)
- `sample_ratio`  whether the arms got the people they were to get (chi-square)
- `power`         the smallest lift that can be seen, and the people a lift needs
- `interleaving`  two rankings in one list (team draft), and who won
"""
