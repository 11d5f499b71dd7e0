"""The assets that the plan may steer: which devices, as the planner sees them, as they stand."""

from collections.abc import Iterable
from dataclasses import dataclass

from hidamari.core.config import PlanSettings
from hidamari.devices.battery import Battery as BatteryDevice
from hidamari.devices.battery import BatteryModel
from hidamari.devices.ev_charger import EvCharger
from hidamari.devices.v2h import CarModel, V2h
from hidamari.devices.water_heater import TankModel, WaterHeater
from hidamari.home.live import LiveDevice
from hidamari.plan.battery import Battery

STEERED = ("battery_kw", "ev_kw", "heater_kw")
WHOLE_PCT = 100.0
STALE_S = 900.0  # an asset not heard of for longer is left to itself


@dataclass(frozen=True, slots=True)
class Asset:
    """A device that the plan may steer, and its physics as last told (None = not known)."""

    id: str
    kind: str
    live: LiveDevice
    model: BatteryModel | CarModel | TankModel | None
    is_steered: bool = True

    @property
    def storage(self) -> BatteryModel | None:
        """The battery, or the car's."""
        if isinstance(self.model, CarModel):
            return self.model.battery
        return self.model if isinstance(self.model, BatteryModel) else None

    @property
    def is_car(self) -> bool:
        """Whether it is a stand with a car that may leave."""
        return isinstance(self.live.device, V2h | EvCharger)

    @property
    def is_home(self) -> bool:
        """Whether power can flow: always, but for a car that is away."""
        return not isinstance(self.model, CarModel) or self.model.plugged

    @property
    def level_kwh(self) -> float | None:
        """Energy stored now: electric, or heat in a tank."""
        if isinstance(self.model, TankModel):
            return self.model.heat_kwh
        return self.storage.stored_kwh if self.storage is not None else None

    @property
    def capacity_kwh(self) -> float | None:
        """Energy stored when full."""
        if isinstance(self.model, TankModel):
            return self.model.full_kwh
        return self.storage.capacity_kwh if self.storage is not None else None


def assets_of(devices: Iterable[LiveDevice], plan: PlanSettings, now_s: float) -> list[Asset]:
    """Every one of these devices that has modes; unknown or silent ones without a model."""
    found = []
    for live in devices:
        device = live.device
        if device.quantity not in STEERED or not device.modes:
            continue
        age_s = live.name_age_s(device.level or device.power, now_s)
        is_fresh = not live.silent and age_s is not None and age_s < STALE_S
        model = _model(live) if is_fresh else None
        steered = plan.assets.get(live.binding.id, True)
        found.append(Asset(live.binding.id, device.kind, live, model, steered))
    return found


def plan_battery(storage: BatteryModel, reserve_kwh: float) -> Battery:
    """A storage as the planner sees it, never below the device's own floor."""
    top_kwh = min(storage.capacity_kwh, storage.ceiling_kwh)
    return Battery(
        capacity_kwh=max(top_kwh, 0.1),
        charge_kw=max(storage.charge_kw, 0.1),
        discharge_kw=max(storage.discharge_kw, 0.0),
        charge_efficiency=storage.charge_eff,
        discharge_efficiency=storage.discharge_eff,
        reserve_kwh=min(max(reserve_kwh, storage.floor_kwh), top_kwh),
    )


def is_guarding(plan: PlanSettings) -> bool:
    """Whether energy for a blackout goes before its price."""
    return plan.mode == "outage" or plan.weather_warning


def reserve_kwh(asset: Asset, plan: PlanSettings) -> float:
    """What is kept for a blackout: more in the mode outage or with a warning, all with both."""
    if asset.capacity_kwh is None or asset.is_car or isinstance(asset.model, TankModel):
        return 0.0
    pct = plan.reserve_pct
    if is_guarding(plan):
        pct = max(pct, plan.outage_pct)
    if plan.mode == "outage" and plan.weather_warning:
        pct = WHOLE_PCT
    return asset.capacity_kwh * pct / 100.0


def _model(live: LiveDevice) -> BatteryModel | CarModel | TankModel | None:
    device = live.device
    if isinstance(device, BatteryDevice):
        found = device.model()
        return None if found is None else _with_own_floor(device, found)
    if isinstance(device, V2h | EvCharger | WaterHeater):
        return device.model()
    return None


def _with_own_floor(device: BatteryDevice, model: BatteryModel) -> BatteryModel:
    """EPC A5 tells what can still be had: what stays below it is the device's own floor."""
    if device.spare_ac_kwh is None:
        return model
    spare_kwh = device.spare_ac_kwh / model.discharge_eff
    floor_kwh = max(0.0, min(model.stored_kwh, model.stored_kwh - spare_kwh))
    return BatteryModel(
        capacity_kwh=model.capacity_kwh,
        stored_kwh=model.stored_kwh,
        charge_kw=model.charge_kw,
        discharge_kw=model.discharge_kw,
        floor_kwh=max(model.floor_kwh, floor_kwh),
        ceiling_kwh=model.ceiling_kwh,
        charge_eff=model.charge_eff,
        discharge_eff=model.discharge_eff,
    )
