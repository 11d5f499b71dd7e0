// Does this home plan, and what is it about to do? One answer for the menu, Home and the devices.

import { api, ApiError, query } from '../api.ts';
import { live } from '../live.svelte.ts';
import { worthTelling } from './day.ts';
import type { Block, HomePlan, PlanAsset } from './types.ts';

const FRESH_MS = 60_000;
/** the first plan of a home that has just started comes within minutes */
const SOON_MS = 10_000;
const PLACE = 'hidamari-plans';

function remembered(): boolean {
  try {
    return localStorage.getItem(PLACE) === '1';
  } catch {
    return false; // nothing kept in this browser: the menu waits for the answer
  }
}

function remember(yes: boolean): void {
  try {
    if (yes) localStorage.setItem(PLACE, '1');
    else localStorage.removeItem(PLACE);
  } catch {
    // nothing kept then
  }
}

class Offer {
  plan = $state.raw<HomePlan | null>(null);
  /** null: not asked yet */
  offered = $state<boolean | null>(remembered() ? true : null);
  #asked_ms = 0;
  #running = false;

  /** Ask again when the last answer is older than a minute. */
  async refresh(force = false): Promise<void> {
    if (this.#running || (!force && Date.now() - this.#asked_ms < (this.plan?.state === 'starting' ? SOON_MS : FRESH_MS))) return;
    this.#running = true;
    this.#asked_ms = Date.now();
    try {
      this.put(await api.get<HomePlan>(`/plan${query({ brief: 1 })}`));
    } catch (reason) {
      // Only a clear "there is none" takes the entry away; a home that is away may still plan.
      if (reason instanceof ApiError && reason.status === 404) {
        this.offered = false;
        this.plan = null;
        remember(false);
      }
    } finally {
      this.#running = false;
    }
  }

  put(plan: HomePlan): void {
    this.plan = plan;
    this.offered = plan.state !== 'no_assets';
    remember(this.offered);
  }

  asset(id: string): PlanAsset | null {
    return this.plan?.assets.find((a) => a.asset === id) ?? null;
  }

  /** What the plan does next: the first block that has not begun, else the one that runs. */
  get next(): { block: Block; running: boolean } | null {
    const now = live.time.getTime();
    const ahead = worthTelling(this.plan).filter((b) => Date.parse(b.to) > now);
    const coming = ahead.find((b) => Date.parse(b.from) > now);
    const block = coming ?? ahead[0];
    return block ? { block, running: Date.parse(block.from) <= now } : null;
  }
}

export const offer = new Offer();
