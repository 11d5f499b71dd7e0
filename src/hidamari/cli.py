"""The command `hidamari`: each command imports only what it needs."""

import gc
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hidamari import __version__
from hidamari.core.errors import HidamariError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the web page.")]
DEFAULT_PORT = 8600


def main() -> None:
    """Run a command; what we raise on purpose becomes one plain line and exit status 2."""
    try:
        app()
    except HidamariError as error:
        print(f"hidamari: {error}", file=sys.stderr)
        sys.exit(2)


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


@app.command()
def demo(
    data: Annotated[Path | None, typer.Option(help="Where the demo keeps its house.")] = None,
    port: PortOption = DEFAULT_PORT,
    speed: Annotated[float, typer.Option(min=1.0, max=600.0, help="Times faster than life.")] = 1.0,
    seed: Annotated[int, typer.Option(help="One seed gives one house.")] = 1,
    days: Annotated[int, typer.Option(min=2, max=3660, help="Days of history.")] = 365,
    as_json: Annotated[bool, typer.Option("--json", help="One ready line for scripts.")] = False,
) -> None:
    """Bring up a living house: simulated devices, the controller and its web page."""
    from hidamari.demo import DemoWishes, run_demo

    sys.exit(run_demo(DemoWishes(data, port, speed, seed, days, as_json)))


@app.command()
def home(
    data: Annotated[Path | None, typer.Option(help="Folder of history and settings.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the page.")] = None,
    config: Annotated[Path | None, typer.Option(help="The hidamari.toml to start from.")] = None,
    bind: Annotated[str, typer.Option(help="Address for ECHONET Lite.")] = "0.0.0.0",  # noqa: S104
    probe: Annotated[str, typer.Option(help="Addresses to ask, separated by commas.")] = "",
    clock: Annotated[str, typer.Option(help="A clock made by the demo.", hidden=True)] = "",
    https_port: Annotated[int, typer.Option(help="Port of the secure door; 0 = none.")] = 8643,
    ready_json: Annotated[bool, typer.Option(help="Print one ready line as JSON.")] = False,
    is_demo: Annotated[bool, typer.Option("--demo", hidden=True)] = False,
    cloud: Annotated[str, typer.Option(help="Address of the server service.")] = "",
    cloud_ca: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Certificates that it is checked by (PEM)."),
    ] = None,
    unguarded: Annotated[bool, typer.Option(help="Run without the watching parent.")] = False,  # noqa: ARG001
) -> None:
    """Run the controller of a home: find devices, measure, keep the history, serve the page."""
    from hidamari.core.startup import DATA_FOLDER, cloud_url
    from hidamari.home.start import HomeWishes, is_http_closed, own_names, probes, settled
    from hidamari.http.listening import DoorPlan, Listening
    from hidamari.http.porch import Porch
    from hidamari.http.web_files import WebFiles, web_folder

    service = cloud_url(cloud, "--cloud") if cloud else None
    secure = https_port or None
    wished = HomeWishes(
        data, port, config, bind, probes(probe), clock, secure, is_demo, service, cloud_ca
    )
    wishes, problems = settled(wished)
    listening = Listening(DoorPlan(http_port=wishes.port or 0, https_port=wishes.https_port))
    shown = None if is_http_closed(wishes.data or DATA_FOLDER) else web_folder()
    porch = Porch(listening, WebFiles(shown), frozenset(own_names()))
    gc.disable()  # what follows makes many objects and no garbage
    from hidamari.main import run_home

    gc.enable()
    gc.freeze()  # what was imported stays
    sys.exit(run_home(wishes, porch, problems, ready_json=ready_json))


@app.command()
def cloud(
    store: Annotated[
        str, typer.Option(envvar="HIDAMARI_STORE", help="sqlite:///FILE or postgresql://...")
    ] = "sqlite:///cloud.db",
    data: Annotated[Path, typer.Option(help="Folder of the store.")] = Path("cloud"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 = any.")] = 8700,
    bind: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    public_url: Annotated[
        str, typer.Option(envvar="HIDAMARI_PUBLIC_URL", help="How it is reached from outside.")
    ] = "",
    mail: Annotated[
        str,
        typer.Option(envvar="HIDAMARI_MAIL", help="smtp://USER:PASSWORD@HOST:587?from=ADDRESS"),
    ] = "",
    mailbox: Annotated[
        bool, typer.Option(help="Show mails at /mailbox: so without --mail.")
    ] = False,
    cert: Annotated[Path | None, typer.Option(exists=True, help="Certificate chain.")] = None,
    key: Annotated[Path | None, typer.Option(exists=True, help="Key of the certificate.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One ready line for scripts.")] = False,
) -> None:
    """Run the server service: accounts, links of homes, the same app from anywhere."""
    from hidamari.cloud.main import CloudWishes, run_cloud

    if (mail and mailbox) or (cert is None) != (key is None):
        raise typer.BadParameter("--mail without --mailbox, and --cert with --key")
    certificate = None if cert is None or key is None else (cert, key)
    wishes = CloudWishes(store, data, port, bind, mail, public_url, certificate)
    sys.exit(run_cloud(wishes, ready_json=as_json))


@app.command()
def sim(
    net: Annotated[str, typer.Option(help="Network of the devices, or one address.")] = (
        "127.0.0.0/24"
    ),
    seed: Annotated[int, typer.Option(help="One seed gives one house.")] = 1,
    state: Annotated[Path | None, typer.Option(help="File that keeps the house.")] = None,
    recorded: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="JSON of recorded devices instead."),
    ] = None,
    series: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="CSV: at, load_kwh, pv_kwh of a home."),
    ] = None,
    charger: Annotated[
        bool, typer.Option("--charger", help="The car's stand charges only (class 0x02A1).")
    ] = False,
    clock: Annotated[str, typer.Option(hidden=True)] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One ready line for scripts.")] = False,
) -> None:
    """Run the simulated house alone, for any ECHONET Lite controller."""
    from hidamari.demo import SimWishes, run_sim_command

    sys.exit(
        run_sim_command(SimWishes(net, seed, state, recorded, series, clock, as_json, charger))
    )


@app.command()
def devices(
    bind: Annotated[str, typer.Option(help="Address for ECHONET Lite.")] = "0.0.0.0",  # noqa: S104
    probe: Annotated[str, typer.Option(help="Addresses to ask, separated by commas.")] = "",
    seconds: Annotated[float, typer.Option(help="How long to search.")] = 6.0,
) -> None:
    """Search the network once and print every device with all its values as JSON."""
    from hidamari.home.start import probes

    hosts = probes(probe)
    from hidamari.main import search_once

    found = search_once(bind, hosts, seconds)
    print(json.dumps(found, ensure_ascii=False, indent=1))


@app.command()
def plan(
    data: Annotated[Path | None, typer.Option(help="Data folder, also of a running home.")] = None,
    why: Annotated[
        str, typer.Option(help="A half-hour to explain, such as 2026-11-20T18:00.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
) -> None:
    """Show the last plan of a home, or why it does what it does in a half-hour; changes nothing."""
    from hidamari.home.desk import told

    print(told(data, why, as_json=as_json))


@app.command("reset-password")
def reset_password(
    data: Annotated[Path, typer.Option(help="Data folder of the home, which must be stopped.")],
) -> None:
    """Forget all users and sign-ins; the next start shows a new first password. Data stay."""
    from hidamari.main import forget_users

    forget_users(data)
    print("All users are forgotten. The next start of the home shows a new first password.")


@app.command()
def backtest(
    homes: Annotated[Path, typer.Option(exists=True, help="Measured homes: Parquet or CSV.")],
    homes_meta: Annotated[Path | None, typer.Option(exists=True, help="Facts of them.")] = None,
    home: Annotated[
        list[str] | None, typer.Option(help="Only this home; may be given again.")
    ] = None,
    tariff: Annotated[
        str, typer.Option(help="tou, flat, a plan's id or its file (.toml).")
    ] = "tou",
    battery_kwh: Annotated[float, typer.Option(min=0.1)] = 10.0,
    battery_kw: Annotated[float, typer.Option(min=0.1)] = 4.0,
    spot: Annotated[
        Path | None, typer.Option(exists=True, help="Market prices (CSV) of the --tariff.")
    ] = None,
    solar_forecast: Annotated[str, typer.Option(help="none, or a file of forecasts.")] = "none",
    first: Annotated[str, typer.Option("--from", help="First local day, as 2016-09-01.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last local day.")] = "",
    scenarios: Annotated[
        int, typer.Option(min=0, max=90, help="Past error days a plan; 0 or 1: the mean alone.")
    ] = 30,
    bounds: Annotated[bool, typer.Option(help="Also with load known and with sun known.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Replay measured homes through forecast and plan, and compare the bills."""
    from hidamari.backtest.command import day_of, run_backtest
    from hidamari.backtest.main import Options

    options = Options(
        homes,
        homes_meta,
        tuple(home or ()),
        tariff,
        battery_kwh,
        battery_kw,
        None if solar_forecast == "none" else Path(solar_forecast),
        day_of(first, "--from"),
        day_of(last, "--to"),
        scenarios,
        spot,
        bounds,
    )
    run_backtest(options, as_json=as_json)


@app.command()
def whatif(
    data: Annotated[Path | None, typer.Option(help="Data folder, also of a running home.")] = None,
    battery_kwh: Annotated[
        float | None, typer.Option(min=0.0, max=200.0, help="Another battery; 0 = none.")
    ] = None,
    battery_kw: Annotated[float | None, typer.Option(min=0.1, max=50.0, help="Its power.")] = None,
    tariff: Annotated[str | None, typer.Option(help="A plan's id or its file (.toml).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
    steps: Annotated[bool, typer.Option("--progress", hidden=True)] = False,
) -> None:
    """Compare another battery or tariff on the home's own last year; changes nothing."""
    from hidamari.backtest.owner_cases import Wish
    from hidamari.backtest.whatif_command import run_whatif

    run_whatif(data, Wish(battery_kwh, battery_kw, tariff), as_json=as_json, steps=steps)
