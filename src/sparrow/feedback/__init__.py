"""What people do, coming back.

- `events`     the durable event log behind `POST /api/v1/events`
- `served`     the lists they were shown, written behind the answer's back
- `retention`  how long both stay
"""
