"""Runs inside EMHASS's own environment: plans the given problems, prints times and bills as JSON.

EMHASS (MIT) is only called, through its own loaders and its own optimisation class.
"""

import asyncio
import copy
import importlib
import json
import logging
import pathlib
import statistics
import sys
import time
import warnings

import emhass
import pandas as pd
from emhass.optimization import Optimization
from emhass.utils import build_config, build_params, build_secrets, get_yaml_parse

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(emhass.__file__).parent
LOG = logging.getLogger("emhass-bench")
LOG.setLevel(logging.CRITICAL)
PATHS = {
    "data_path": ROOT / "data",
    "root_path": ROOT,
    "defaults_path": ROOT / "data/config_defaults.json",
    "associations_path": ROOT / "data/associations.csv",
}


def defaults():
    """EMHASS's shipped settings, read by its own loaders."""

    async def load():
        config = await build_config(PATHS, LOG, PATHS["defaults_path"])
        _, secrets = await build_secrets(PATHS, LOG, no_response=True)
        return await build_params(PATHS, secrets, config, LOG)

    return get_yaml_parse(json.dumps(asyncio.run(load()), default=str), LOG)


DEFAULTS = defaults()


def optimizer(p, gap):
    """One optimisation object for the shape of a problem."""
    general, optim, plant = copy.deepcopy(DEFAULTS)
    count, blocks = len(p["pv_kw"]), p["blocks"]
    general["optimization_time_step"] = pd.Timedelta(minutes=round(p["step_h"] * 60))
    general["sensor_power_photovoltaics"], general["sensor_power_load_no_var_loads"] = "pv", "load"
    k = len(blocks)
    optim.update(
        set_use_pv=True, set_use_battery=True, set_nocharge_from_grid=False,
        set_nodischarge_to_grid=True, set_total_pv_sell=False, set_battery_dynamic=False,
        weight_battery_charge=0.0, weight_battery_discharge=0.0,
        delta_forecast_daily=pd.Timedelta(hours=count * p["step_h"]),
        lp_solver_mip_rel_gap=gap, lp_solver_timeout=60, num_threads=1,
        number_of_deferrable_loads=k,
        nominal_power_of_deferrable_loads=[b[0] * 1000 for b in blocks],
        minimum_power_of_deferrable_loads=[0.0] * k,
        operating_hours_of_each_deferrable_load=[b[1] for b in blocks],
        start_timesteps_of_each_deferrable_load=[round(b[2] / p["step_h"]) for b in blocks],
        end_timesteps_of_each_deferrable_load=[round(b[3] / p["step_h"]) for b in blocks],
        treat_deferrable_load_as_semi_cont=[True] * k,
        set_deferrable_load_single_constant=[True] * k,
        set_deferrable_startup_penalty=[0.0] * k, set_deferrable_max_startups=[0] * k,
        deferrable_load_max_cost=[0.0] * k, def_minimum_on_time=[0] * k,
        def_minimum_off_time=[0] * k,
        is_electric_load=[True] * k, cost_forecast_per_deferrable_load=[None] * k,
        def_load_config=[{}] * k, def_current_state=[False] * k,
    )  # fmt: skip
    plant.update(
        maximum_power_from_grid=p["import_kw"] * 1000, maximum_power_to_grid=p["export_kw"] * 1000,
        inverter_is_hybrid=False, compute_curtailment=True, number_of_batteries=1,
        battery_discharge_power_max=p["power_kw"] * 1000,
        battery_charge_power_max=p["power_kw"] * 1000,
        battery_discharge_efficiency=p["efficiency"], battery_charge_efficiency=p["efficiency"],
        battery_nominal_energy_capacity=p["capacity_kwh"] * 1000,
        battery_minimum_state_of_charge=p["least"], battery_maximum_state_of_charge=p["most"],
        battery_target_state_of_charge=p["end"],
    )  # fmt: skip
    return Optimization(
        general, optim, plant, "unit_load_cost", "unit_prod_price", "profit", PATHS, LOG,
        num_timesteps=count,
    )  # fmt: skip


def plan(optim, p):
    """Bill in yen of one plan."""
    count = len(p["pv_kw"])
    index = pd.date_range("2026-05-01", periods=count, freq=optim.freq, tz="Asia/Tokyo")
    frame = pd.DataFrame(
        {
            "pv": [1000 * x for x in p["pv_kw"]],
            "load": [1000 * x for x in p["load_kw"]],
            "unit_load_cost": p["buy"],
            "unit_prod_price": p["sell"],
        },
        index=index,
    )
    result = optim.perform_dayahead_forecast_optim(
        frame, frame["pv"], frame["load"], soc_init=p["start"], soc_final=p["end"]
    )
    bought = result["P_grid_pos"].to_numpy() / 1000.0
    sold = -result["P_grid_neg"].to_numpy() / 1000.0
    return float(p["step_h"] * (bought * p["buy"] - sold * p["sell"]).sum())


def mode_of(first, load_kw, pv_kw, buy):
    """The device mode that carries out the first step of EMHASS's plan: (mode, grid kW)."""
    charge_kw, discharge_kw = max(-first, 0.0), max(first, 0.0)
    from_grid = charge_kw - max(pv_kw - load_kw, 0.0)
    if from_grid > 1e-3:
        return "charge", from_grid
    waits = discharge_kw < 1e-3 and load_kw > pv_kw + 1e-3 and buy[0] < max(buy[1:])
    return ("surplus" if waits else "follow"), 0.0


def live(home):
    """One home in closed loop: a plan every hour, carried out as modes; the bill in yen."""
    sys.path.insert(0, home["source"])
    battery = importlib.import_module("hidamari.plan.battery")
    ours = battery.Battery(home["capacity_kwh"], home["power_kw"], home["power_kw"])
    step_h, day = home["step_h"], round(24.0 / home["step_h"])
    per_hour = round(1.0 / step_h)
    optim = optimizer(home | {"pv_kw": [0.0] * day}, 0.01)
    stored, yen = 0.0, 0.0
    for t, net in enumerate(home["net_kwh"]):
        at = t % per_hour
        if at == 0:
            load, pv = home["load_fc_kw"][t // per_hour], home["pv_fc_kw"][t // per_hour]
            buy = [home["buy"][(t + i) % day] for i in range(day)]
            index = pd.date_range("2026-05-01", periods=day, freq=optim.freq, tz="Asia/Tokyo")
            frame = pd.DataFrame(
                {"unit_load_cost": buy, "unit_prod_price": [home["sell"]] * day}, index=index
            )
            frame["pv"], frame["load"] = [1000 * x for x in pv], [1000 * x for x in load]
            result = optim.perform_naive_mpc_optim(
                frame, frame["pv"], frame["load"], day,
                soc_init=min(max(stored / home["capacity_kwh"], 0.0), 1.0), soc_final=home["end"],
            )  # fmt: skip
            power = result["P_batt"].to_numpy() / 1000.0
        mode, grid_kw = mode_of(float(power[at]), load[at], pv[at], buy[at:])
        action = battery.Action(battery.Mode(mode), grid_kw)
        done = battery.move(ours, stored, net, action, step_h)
        grid = net + done.charge_kwh - done.discharge_kwh
        yen += grid * (home["buy"][t % day] if grid > 0.0 else home["sell"])
        stored = done.stored_kwh
    return yen


def main():
    """Problems in on standard input: {kind: [problem, ...]}, or {"homes": [...]}; figures out."""
    given = json.load(sys.stdin)
    answer = {"homes": [live(home) for home in given.pop("homes", [])]}
    for kind, problems in given.items():
        cached = optimizer(problems[0], 0.01)
        plan(cached, problems[0])
        kept, new = [], []
        for p in problems[1:]:
            begun = time.perf_counter()
            plan(cached, p)
            kept.append(time.perf_counter() - begun)
        for p in problems[1:4]:
            begun = time.perf_counter()
            plan(optimizer(p, 0.01), p)
            new.append(time.perf_counter() - begun)
        bills = [plan(optimizer(p, 0.0), p) for p in problems[1:4]]
        answer[kind] = {
            "cached_ms": 1000 * statistics.median(kept),
            "new_ms": 1000 * statistics.median(new),
            "bills": bills,
        }
    json.dump(answer, sys.stdout)


main()
