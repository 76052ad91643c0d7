"""What people do, coming back.

- `events`     the durable event log behind `POST /api/v1/events`
- `served`     the lists they were shown, written behind the answer's back
- `retention`  how long both stay
- `experiment_log` an experiment's lists and events, read from a home
- `outcomes`   what each person of it did, day by day
- `comparing`  two arms and one metric
- `draft_report` an interleaved experiment, judged: whose movies people chose
- `report`     all of it, judged: figures, intervals, guardrails, a verdict; `experiment_reports` keeps them for a minute
- `drawn_lists` lists that were drawn with known chances, and their clicks: what `evaluate --from-events` goes by
- `click_rates` of releases, and whether one fell: an alarm, no experiment
- `overview`   freshness, what was shown in the last day, what retraining decided: for the dashboard, kept for a minute
- `statistics` the methods behind, a paper a file
- `simulation` people of known taste, and `simulated_log`, what they leave in a home
- `trials`     the report put to the test by them; `trials_off_policy` the estimates from logged chances
"""
