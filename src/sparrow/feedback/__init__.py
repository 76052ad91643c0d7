"""What people do, coming back.

- `events`  the durable event log behind `POST /api/v1/events`
"""
