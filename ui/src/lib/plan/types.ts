// The answers of /api/v1/plan and /modes as the screens read them; absent is null, never 0.

import type { Num } from '../types.ts';

export const MODES = ['follow', 'surplus', 'charge', 'discharge', 'hold', 'auto'] as const;
export type Mode = (typeof MODES)[number];
export type Rung = 'scenarios' | 'mean' | 'last' | 'rule' | 'device';
export type Priority = 'cost' | 'self' | 'outage' | 'solar_rules' | 'solar_forecast';
export type Kind = 'battery' | 'v2h' | 'ev_charger' | 'water_heater';

export interface Reason {
  code: string;
  numbers: Record<string, Num>;
}

export interface Order {
  mode: Mode;
  by: 'safety' | 'grid' | 'owner' | 'plan' | 'habit';
  kw: Num;
  kwh: Num;
  until: string | null;
  outcome: 'none' | 'sent' | 'confirmed' | 'not_confirmed' | 'refused' | 'expired';
  at: string | null;
  reason: Reason;
}

export interface Override {
  mode: Mode;
  from?: string | null;
  until: string;
}

export interface PlanAsset {
  asset: string;
  kind: Kind;
  name: string;
  steered: boolean;
  capacity_kwh: Num;
  reserve_kwh: Num;
  level_kwh: Num;
  level_pct: Num;
  modes: Mode[];
  now: Order | null;
  override: Override | null;
  gives_way: { since: string; until: string; mode: string } | null;
}

export interface SlotAsset {
  asset: string;
  mode: Mode;
  kw: Num;
  kwh: Num;
  grid_kw: Num;
  level_kwh: Num;
  level_pct: Num;
  reason: Reason;
  rung: Rung;
}

export interface PlanSlot {
  start: string;
  end: string;
  buy_yen_kwh: Num;
  sell_yen_kwh: Num;
  band: string;
  load_kwh: Num;
  pv_kwh: Num;
  pv_low_kwh?: Num;
  pv_high_kwh?: Num;
  import_kwh: Num;
  export_kwh: Num;
  curtail_kwh: Num;
  value_yen_kwh: Num;
  assets: SlotAsset[];
}

export interface Block {
  n: number;
  asset: string;
  mode: Mode;
  from: string;
  to: string;
  kwh: Num;
  reason: Reason;
}

export interface PlanCost {
  from: string;
  to: string;
  plan_yen: number;
  low_yen: Num;
  high_yen: Num;
  without_yen: Num;
  saving_yen: Num;
  saving_low_yen: Num;
  saving_high_yen: Num;
}

export interface PlanForecast {
  weather: 'none' | 'ok' | 'old' | 'stale' | 'absurd' | 'short' | 'missing';
  weather_issued_at: string | null;
  days: number;
  days_needed?: number;
  is_enough: boolean;
  load_nmae: Num;
  pv_nmae: Num;
}

export interface HomePlan {
  at: string;
  zone: string;
  state: 'ok' | 'starting' | 'no_assets';
  made_at: string | null;
  rung: Rung | null;
  rung_since: string | null;
  cause: string;
  mode: Priority;
  steering: boolean;
  prices_assumed: boolean;
  forecast: PlanForecast | null;
  cost: PlanCost | null;
  assets: PlanAsset[];
  slots: PlanSlot[];
  blocks: Block[];
}

export interface ResultAsset {
  asset: string;
  mode: Mode | null;
  planned_kwh: Num;
  measured_kwh: Num;
  reason: Reason | null;
}

export interface Flows {
  load_kwh: Num;
  pv_kwh: Num;
  import_kwh: Num;
  export_kwh: Num;
}

export interface ResultSlot {
  start: string;
  rung: string | null;
  buy_yen_kwh?: Num;
  assets: ResultAsset[];
  planned: Flows | null;
  measured: Flows | null;
}

export interface ResultTotal {
  asset: string;
  kind: Kind;
  name: string;
  planned_kwh: Num;
  measured_kwh: Num;
  planned_in_kwh: Num;
  measured_in_kwh: Num;
  planned_out_kwh: Num;
  measured_out_kwh: Num;
  off_pct: Num;
}

export interface PlanResult {
  day: string;
  zone: string;
  slots: ResultSlot[];
  assets: ResultTotal[];
  load_nmae: Num;
  pv_nmae: Num;
}

export interface Why {
  slot: string;
  made_at: string | null;
  rung: Rung;
  asset: string;
  mode: Mode;
  kw: Num;
  kwh: Num;
  reason: Reason;
  inputs: Record<string, Num>;
  others: { mode: Mode; kw: Num; yen: number }[];
  terms: { name: string; yen: number }[];
  start: { at: string | null; yen: number }[];
}

export interface Tried {
  yen: number;
  terms: { name: string; yen: number }[];
}

export interface Condition {
  id: string;
  text: string;
  reading: string;
  met: boolean | null;
  kind?: 'need' | 'wish' | 'promise';
  mend: string;
  link: string;
}

export interface ModeEntry {
  id: Priority;
  conditions: Condition[];
  /** false while a need is not met */
  allowed?: boolean;
  all_met: boolean;
  disclaimers: string[];
}

export interface ModeList {
  mode: Priority;
  modes: ModeEntry[];
}

/** The part of /settings that belongs to the plan. */
export interface PlanSettings {
  mode?: Priority;
  steering?: boolean;
  assets?: Record<string, boolean>;
  reserve_pct?: Num;
  outage_pct?: Num;
  car?: { days?: number[]; ready_h?: Num; need_pct?: Num; solar?: boolean };
  heater?: { day_boil?: boolean; pause?: boolean; quiet_from_h?: Num; quiet_to_h?: Num };
  import_limit_kw?: Num;
  weather?: 'off' | 'open_meteo' | 'file';
  weather_warning?: boolean;
}
