"""Server and site on port 6010: everything here turns facts of `sparrow.online` into JSON, pages and pictures.

- `app`          assembly: one short function, plain lists
- `ports`        what this room asks of the rooms behind it (recommender, live release, event log, marks, rules)
- `api`          `/api/v1`: catalogue and lists
- `events_api`   `POST /api/v1/events`: what happened
- `marks_api`    `/api/v1/marks`: neighbours that people called not alike
- `admin`        `/admin/v1/rules`: what may be shown and how lists are put together, changed while it serves
- `legacy`       the original SparrowRecSys routes, so that its pages and clients work unchanged
- `views`        the pages: home, movie, user, collection
- `why`          `/why.html`: what the server thought of one movie for one list, drawn
- `taste`        a person drawn: stars, decades, and how one model's list differs from another's
- `about`        `/about.html`: the journey of the data, with live numbers
- `lab`          `/lab.html`: lists of several embeddings side by side, and the marks
- `posters`      `/posters/{movieId}.jpg`: the route, caching and the typeset title
- `poster_art`   which picture, palette and letters a film gets; `poster_scenes` and `poster_signs` draw it with `poster_pen`
- `operations`   health, readiness, metrics, the description of the API
- `parameters`   query parameters and their ranges, written once
- `shapes`       the JSON shapes as OpenAPI shows them, and the bodies that are read
- `wire`         facts → JSON
- `problems`     every error as RFC 9457 problem+json, or as a page for people
- `middleware`   pure ASGI: release, request id, security headers, metrics, limits on body and crowd, CORS of the original routes
- `logs`         JSON lines with request ids
- `cross_site`   what keeps pages of other sites from writing here
- `metrics`      what Prometheus sees
- `rendering`    templates and their helpers
- `language`     English and Chinese: catalogues and choice
- `titles`       "Usual Suspects, The" → "The Usual Suspects"
- `pages/`, `static/`, `texts/`  templates, CSS and ES modules, catalogues: no build step, no third-party host
"""
