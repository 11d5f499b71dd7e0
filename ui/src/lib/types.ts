// The answers of /api/v1 as the screens read them; absent is null, never 0.

export type Num = number | null;
export const POWERS = ['pv_kw', 'gen_kw', 'grid_kw', 'battery_kw', 'ev_kw', 'heater_kw', 'load_kw', 'use_kw'] as const;
export type Power = (typeof POWERS)[number];

export interface WellKnown {
  product: string;
  kind: 'home' | 'cloud';
  name: string;
  version: string;
  setup_needed: boolean;
  demo: boolean;
  zone?: string;
  https_port?: number | null;
  /** seen from outside: the home's own page at home */
  lan_url?: string | null;
  linked?: boolean;
  last_seen?: string | null;
  /** of the service: mails are shown on a page, in a demo */
  mailbox?: boolean;
}

export interface Session {
  user: string;
  role: string;
  must_change_password: boolean;
  expires_at: string | null;
  /** over https, loopback or the app from outside: passwords may be changed here */
  secure?: boolean;
  secure_url?: string | null;
}

export interface Day {
  pv_kwh: Num;
  gen_kwh: Num;
  import_kwh: Num;
  export_kwh: Num;
  use_kwh: Num;
  charge_kwh: Num;
  discharge_kwh: Num;
  self_sufficiency_pct: Num;
  cost_yen: Num;
  income_yen: Num;
}

export interface Month extends Day {
  target_kwh: Num;
  basic_yen?: Num;
  from?: string;
  to?: string;
}

export interface Circuit {
  id: string;
  name: string;
  room: string | null;
  power_kw: Num;
  age_s: Num;
  device?: string | null;
  today_kwh?: Num;
  hidden?: boolean;
}

export interface Asset {
  device: string;
  kind: string;
  name: string;
  power_kw: Num;
  soc_pct: Num;
  state: string | null;
  age_s: Num;
}

export interface Sentence {
  code: string;
  numbers: Record<string, number>;
}

export interface SlotSources {
  pv: Num;
  battery: Num;
  import: Num;
  gen?: Num;
}

export type Has = Record<'pv' | 'gen' | 'battery' | 'ev' | 'heater' | 'board' | 'meter', boolean>;

export interface Now extends Record<Power, Num> {
  at: string;
  age_s: Record<string, Num>;
  soc_pct: Num;
  ev_soc_pct: Num;
  /** whether a car stands at a charger; null where none says so */
  ev_here: boolean | null;
  tank_l: Num;
  tank_size_l: Num;
  has: Has;
  assets: Asset[];
  circuits: Circuit[];
  other_kw: Num;
  today: Day | null;
  month: Month | null;
  yesterday: Day | null;
  sentence: Sentence | null;
  sources_today: (SlotSources | null)[] | null;
  changed: { circuit: string; name?: string; delta_kw: number; at: string } | null;
  tariff: { buy_yen_kwh: Num; sell_yen_kwh: Num; band: string | { name: string } | null } | null;
  demo: boolean;
  stale: boolean;
  zone?: string;
  internet?: boolean | null;
}

export interface SeriesValues {
  unit: string;
  values: Num[];
  quality?: string;
}

export interface History {
  from: string;
  to: string;
  step: string;
  zone: string;
  starts: string[];
  series: Record<string, SeriesValues>;
  compare?: Omit<History, 'compare'> | null;
}

export interface Cost {
  from: string;
  to: string;
  step: string;
  zone: string;
  starts: string[];
  buy_yen: Num[];
  sell_yen: Num[];
  basic_yen?: Num[] | null;
  total: { buy_yen: Num; sell_yen: Num; basic_yen?: Num; net_yen: Num };
  bands?: { name: string; kwh: Num; yen: Num }[];
  notes?: string[];
  compare?: Omit<Cost, 'compare'> | null;
}

export interface Peak {
  month: string;
  peak_kwh: Num;
  peak_kw: Num;
  at: string | null;
}

export interface Meter {
  grid_kw: Num;
  age_s: Num;
  at?: string;
  direction: 'buying' | 'selling' | 'even' | null;
  name?: string | null;
  route?: 'b' | 'board' | 'none' | string;
  counter_import_kwh?: Num;
  counter_export_kwh?: Num;
  contract_a: Num;
  limit_kw?: Num;
  today: { import_kwh: Num; export_kwh: Num } | null;
  month: { import_kwh: Num; export_kwh: Num; from?: string; to?: string } | null;
  peaks: (Peak | null)[];
  max: Peak | null;
  breakdown?: boolean;
}

export interface PeakDetail extends Peak {
  circuits: { id: string; name: string; room: string | null; kwh: Num; share_pct?: Num }[];
  other_kwh: Num;
  neighbours: { at: string; import_kwh: Num }[];
}

export interface CardLine {
  name: string;
  title: string;
  value: unknown;
  unit: string | null;
  text: string | null;
}

export interface Device {
  id: string;
  kind: string;
  kind_title?: string;
  class: string;
  eoj: string;
  host: string;
  name: string;
  room: string | null;
  maker: string | null;
  product: string | null;
  state: 'ok' | 'silent' | 'unknown';
  last_contact: string | null;
  age_s: Num;
  power_kw: Num;
  weak_identity: boolean;
  hidden: boolean;
  card: CardLine[];
}

export interface Property {
  epc: string;
  name: string | null;
  title: string | null;
  value: unknown;
  unit: string | null;
  text?: string | null;
  raw: string | null;
  settable: boolean;
  announced: boolean;
  at: string | null;
}

export interface DeviceDetail extends Device {
  properties: Property[];
}

export interface Missing {
  field: string;
  title: string;
  unit: string | null;
  kind: 'number' | 'choice' | 'time' | 'bands';
  /** the plan's own guess */
  value?: string | number | null;
  choices?: { value: string | number; title: string }[] | null;
}

export interface Plan {
  id: string;
  company: string;
  name: string;
  structure: string;
  area?: string | null;
  complete: boolean;
  missing: Missing[];
  ampere_choices?: number[] | null;
  kva?: boolean;
  valid_from?: string | null;
  note?: string | null;
}

export interface Contract {
  plan: string;
  ampere: Num;
  kva?: Num;
  reading_day: Num;
  valid_from?: string | null;
  answers: Record<string, string | number>;
  sell: { from: string; yen_kwh: number }[];
}

export interface PriceSlot {
  at: string;
  buy_yen_kwh: Num;
  sell_yen_kwh: Num;
  band: string | { name: string } | null;
}

export interface Tariff {
  contract: Contract | null;
  plan: Plan | null;
  bands: { name: string; yen_kwh: Num; days?: 'all' | 'weekday' | 'holiday'; text?: string | null }[];
  now: Omit<PriceSlot, 'at'> | null;
  today: PriceSlot[];
  missing: Missing[];
}

/** What a table of market prices brought. */
export interface MarketPrices {
  area: string;
  half_hours: number;
  first: string;
  last: string;
}

export interface SourceChoice {
  quantity: string;
  title: string;
  used: string | null;
  options: { id: string; title: string; text?: string | null; value?: Num; unit?: string | null; age_s?: Num }[];
  differs?: { kwh: Num; pct: Num } | null;
}

export interface SetupStep {
  id: string;
  state: 'todo' | 'running' | 'done' | 'skipped';
  found?: Num;
  text?: string | null;
}

export interface Setup {
  needed: boolean;
  steps: SetupStep[];
}

export interface Settings {
  home?: { name?: string; zone?: string; language?: string; postal_code?: string | null; people?: Num; pv_since?: string | null };
  target?: { month_kwh?: Num };
  network?: { live_s?: number; probe?: string[] };
}

export interface Diagnostics {
  version?: string;
  data_dir?: string;
  door_sha256?: string | null;
  store?: { size_bytes?: Num; days?: Num; first_day?: string | null; last_day?: string | null; free_bytes?: Num };
  stored?: { what: string; where: string; kept?: string | null; size_bytes?: Num }[];
}

/** The way to the server service, as the home tells it. */
export interface CloudLink {
  state: 'off' | 'unlinked' | 'code' | 'linked' | 'away';
  url: string | null;
  device_code: string | null;
  code: string | null;
  code_until: string | null;
  code_left_s: number | null;
  last_contact: string | null;
  waiting: number;
  members: { nickname: string; role: string }[];
  trouble: string | null;
}
