"""The `sparrow` command: its verbs, and the one place where errors become exit codes (0 good, 1 failed, 2 wrong usage)."""

import logging
import os
import sys
from collections.abc import Sequence

import click

import sparrow
from sparrow.cli.ab_report import ab_report
from sparrow.cli.build import build, up
from sparrow.cli.cases import cases
from sparrow.cli.data import data
from sparrow.cli.evaluate import evaluate
from sparrow.cli.evaluate_similar import evaluate_similar
from sparrow.cli.events import events
from sparrow.cli.forget import forget
from sparrow.cli.model_server import model_server
from sparrow.cli.releases import publish, releases, rollback
from sparrow.cli.retrain import retrain
from sparrow.cli.serve import serve
from sparrow.cli.simulate_users import simulate_users
from sparrow.cli.spot_check import spot_check
from sparrow.cli.synth import synth
from sparrow.errors import SparrowError

VERBS = (
    up,
    data,
    synth,
    build,
    retrain,
    releases,
    publish,
    rollback,
    evaluate,
    evaluate_similar,
    spot_check,
    cases,
    ab_report,
    simulate_users,
    serve,
    model_server,
    events,
    forget,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(sparrow.__version__, prog_name="sparrow")
def sparrow_command() -> None:
    """A complete deep-learning movie recommender: ratings in, similar movies and personal lists out.

    \b
    Examples:
      sparrow up                                build from the built-in ratings and serve on http://localhost:6010
      sparrow build --dataset ./ml-latest-small
      sparrow releases
    """


for verb in VERBS:
    sparrow_command.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    # TensorFlow reports every optimisation it finds on stderr, at import.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("httpx", "gensim", "tf2onnx", "tensorflow", "absl"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    try:
        sparrow_command.main(args=arguments, prog_name="sparrow", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except SparrowError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        click.echo(f"Error: {error}; check that the path is right, may be written, and has free space.", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
