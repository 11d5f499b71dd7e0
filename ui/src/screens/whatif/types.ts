// The answers of /api/v1/whatif as the screen reads them.

import type { Num } from '$lib/types.ts';

export interface Asked {
  battery_kwh: Num;
  battery_kw: Num;
  plan: string | null;
}

export interface Case {
  name: 'none' | 'today' | 'wished';
  usable_kwh: Num;
  power_kw: Num;
  yen: number;
  low_yen: number;
  high_yen: number;
  import_kwh: number;
  export_kwh: number;
  months: { month: string; days: number; yen: number }[];
  notes: string[];
}

export interface Result {
  first: string;
  last: string;
  days: number;
  is_whole_year: boolean;
  missing_pct: number;
  prices_assumed: boolean;
  reserve_pct: number;
  plan_today: string | null;
  plan_wished: string | null;
  saved_yen: number;
  saved_low_yen: number;
  saved_high_yen: number;
  cases: Case[];
}

export interface Comparison {
  state: 'idle' | 'running' | 'done' | 'failed';
  asked: Asked | null;
  asked_at: string | null;
  progress: Num;
  error: string | null;
  result: Result | null;
}
