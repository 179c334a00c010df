"""The command `python -m airflow_provider_ops.simulator`."""

from __future__ import annotations

import argparse
import math
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .api import SimulatedApi
    from .serve import Service

BAD_INPUT = 2
CANNOT_START = 1


class StopError(Exception):
    """The command ends with one line and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulator until SIGINT or SIGTERM and return the exit code."""
    options = _parser().parse_args(arguments)
    # Starting takes a moment in which the server does not listen to signals yet.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        _service(options).run()
    except StopError as stop:
        sys.stderr.write(f"simulator: {stop}\n")
        return stop.code
    return 0


def _leave(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def _service(options: argparse.Namespace) -> Service:
    # Imported late: --help and bad arguments answer at once.
    from .rules import BadPlanError  # noqa: PLC0415
    from .serve import Address, CannotStartError, Service  # noqa: PLC0415
    from .world import Settings  # noqa: PLC0415

    if bool(options.certfile) != bool(options.keyfile):
        message = "--certfile and --keyfile go together"
        raise StopError(message, BAD_INPUT)
    settings = Settings(options.duration, options.seed, options.latency / 1000, options.rate_limit)
    address = Address(options.host, options.port, options.certfile, options.keyfile)
    try:
        more = [_described(file) for file in options.spec]
        on_ready = _announce_with_connections if options.print_connections else _announce
        return Service(address, settings, faults=_read(options.faults), more=more, on_ready=on_ready)
    except BadPlanError as error:
        message = f"{options.faults}: {error}"
        raise StopError(message, BAD_INPUT) from None
    except CannotStartError as error:
        raise StopError(str(error), CANNOT_START) from None


def _described(file: str) -> type[SimulatedApi]:
    from airflow_provider_ops.spec import ApiSpec  # noqa: PLC0415 - only those who ask for it need it

    from .described import simulated  # noqa: PLC0415

    try:
        return simulated(ApiSpec.from_yaml(Path(file)))
    except ValueError as error:
        raise StopError(str(error), BAD_INPUT) from None


def _announce(service: Service) -> None:
    apis = ", ".join(api.mount for api in service.simulator.apis.values())
    sys.stdout.write(f"simulator ready at {service.url} serving {apis} (control: /_control/stats)\n")
    sys.stdout.flush()


def _announce_with_connections(service: Service) -> None:
    _announce(service)
    for name, connection in service.environ("any-key").items():
        sys.stdout.write(f"export {name}={shlex.quote(connection)}\n")
    sys.stdout.flush()


def _read(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read the fault plan {path}: {getattr(error, 'strerror', None) or error}"
        raise StopError(message, BAD_INPUT) from None


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        message = f"must be a number that is not negative, not '{text}'"
        raise argparse.ArgumentTypeError(message)
    return number


def _rate(text: str) -> float:
    number = _number(text)
    if number == 0:
        message = "must be more than 0"
        raise argparse.ArgumentTypeError(message)
    return number


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):  # noqa: PLR2004 - the highest port
        message = f"must be a port from 0 to 65535, not '{text}'"
        raise argparse.ArgumentTypeError(message)
    return int(text)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line; the usage is a --help away."""
        self.exit(BAD_INPUT, f"simulator: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m airflow_provider_ops.simulator", description="Simulate the remote APIs.")
    parser.add_argument("--port", type=_port, default=8099, help="0 picks a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--duration", type=_number, default=5.0, help="seconds an operation takes (default: 5)")
    parser.add_argument("--seed", type=int, default=1, help="what ids, jitter and chance come from (default: 1)")
    parser.add_argument("--faults", metavar="FILE", help="a fault plan as JSON")
    parser.add_argument(
        "--spec", metavar="FILE", action="append", default=[], help="serve the API of this spec as well; repeatable"
    )
    parser.add_argument(
        "--print-connections", action="store_true", help="print the AIRFLOW_CONN_... lines to export, once it serves"
    )
    parser.add_argument("--latency", type=_number, default=0.0, metavar="MS", help="milliseconds added to each answer")
    parser.add_argument("--rate-limit", type=_rate, metavar="N", help="requests per second and API; above: 429")
    parser.add_argument("--certfile", metavar="FILE", help="serve HTTPS with this certificate (PEM)")
    parser.add_argument("--keyfile", metavar="FILE", help="and this key (PEM)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
