"""Raw world in: any source becomes the same Parquet files, and every fault is named with its line.

- `sources`      the shape of a source, and the table that chooses one by name: `open_source`, `fingerprint`
- `builtin`      100,004 MovieLens ratings that need no network
- `movielens`    an official MovieLens folder; `movielens_100k` the layout of 1998
- `layouts`      how a release lies in a folder
- `about`        whose data it is
- `records`      text files line by line, with exact line numbers; `fields` one field to one value
- `number_columns`  ratings and scores in blocks, vectorised where a block is beyond doubt
- `people`       ages, occupations … of ml-100k and ml-1m; `genome` the tag genome; `attributes` the files they go to
- `releases_table`  what GroupLens publishes; `fetch` brings it, by `fetch_http` and `fetch_zip`
- `tabular*`     any catalogue: items, interactions, columns mapped; `identities` text ids to int64; `imported` the result
- `synthetic*`   a MovieLens-shaped world of any size with planted taste
- `pictures`     a folder of posters: what lies in it
- `rows`         what a source hands on
- `faults`       everything that can be wrong, with its cure; `report` counts it
- `rules`        what stars and times must be; `duplicates` one rating per person and movie
- `catalogue`    the movies of one import; `tags` its tags
- `importing`    all of it in order: `import_dataset`, `check_dataset`
- `canonical`    the schemas of the files written
"""

from sparrow.datasets.about import About
from sparrow.datasets.importing import check_dataset, import_dataset
from sparrow.datasets.report import CheckReport, Fault, FileReport
from sparrow.datasets.sources import Source, fingerprint, list_datasets, open_source

__all__ = [
    "About",
    "CheckReport",
    "Fault",
    "FileReport",
    "Source",
    "check_dataset",
    "fingerprint",
    "import_dataset",
    "list_datasets",
    "open_source",
]
