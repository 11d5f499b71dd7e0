// The present moment of the home: WebSocket first, polling when it does not hold, honest about age.

import { api, BASE, Unreachable } from './api.ts';
import { reach } from './place.svelte.ts';
import type { Now } from './types.ts';

const POLL_MS = 10_000;
const TICK_MS = 5000;
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000];
/** Live values older than this are never shown as current. */
export const OLD_S = 90;

interface Message {
  type: string;
  now?: Partial<Now>;
  /** of `away`, which only the service says */
  last_seen?: string | null;
}

class Live {
  now = $state.raw<Now | null>(null);
  /** error: the home answers, but not with values */
  link = $state<'starting' | 'open' | 'lost' | 'error'>('starting');
  /** browser time of the last values, and a clock that ticks while somebody looks */
  heard_ms = $state(0);
  tick_ms = $state(Date.now());
  error = $state.raw<Error | null>(null);

  #socket: WebSocket | null = null;
  #tries = 0;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #running = false;

  /** Seconds since values came; what `age_s` of the answer has grown by. */
  get waited_s(): number {
    return this.heard_ms ? Math.max(0, (this.tick_ms - this.heard_ms) / 1000) : 0;
  }

  /** The home's own time now (a demo may run faster than life, so never the browser's). */
  get time(): Date {
    return this.now ? new Date(Date.parse(this.now.at) + this.waited_s * 1000) : new Date(this.tick_ms);
  }

  get zone(): string {
    return this.now?.zone ?? 'Asia/Tokyo';
  }

  /** Age of one value in seconds; null when it never came. */
  age_s(name: string): number | null {
    const age = this.now?.age_s[name];
    return age === null || age === undefined ? null : age + this.waited_s;
  }

  get stale(): boolean {
    return this.now !== null && (this.now.stale || this.waited_s > OLD_S);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.link = 'starting';
    void this.refresh();
    this.#connect();
    this.#timers = [
      setInterval(() => this.#poll(), POLL_MS),
      setInterval(() => this.#tick(), TICK_MS),
    ];
    addEventListener('online', this.#wake);
    addEventListener('offline', this.#sleep);
    document.addEventListener('visibilitychange', this.#seen);
  }

  stop(): void {
    this.#running = false;
    this.#timers.forEach(clearTimeout);
    this.#socket?.close();
    this.#socket = null;
    this.now = null;
    removeEventListener('online', this.#wake);
    removeEventListener('offline', this.#sleep);
    document.removeEventListener('visibilitychange', this.#seen);
  }

  async refresh(): Promise<void> {
    try {
      this.#take(await api.get<Now>('/now'));
    } catch (reason) {
      this.error = reason as Error;
      this.link = reason instanceof Unreachable ? 'lost' : 'error';
    }
  }

  #take(part: Partial<Now>): void {
    this.now = { ...this.now, ...part } as Now;
    this.heard_ms = this.tick_ms = Date.now();
    this.link = 'open';
    this.error = null;
  }

  #connect(): void {
    if (!this.#running) return;
    const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + BASE + '/live');
    this.#socket = socket;
    socket.onmessage = (event: MessageEvent<string>) => {
      this.#tries = 0;
      const message = JSON.parse(event.data) as Message;
      if (message.type === 'now' && message.now) {
        reach.away = false;
        this.#take(message.now);
      } else if (message.type === 'away') {
        Object.assign(reach, { away: true, last_seen: message.last_seen ?? null });
        void this.refresh();
      }
    };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      const wait = RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)];
      setTimeout(() => this.#connect(), wait);
      if (this.#running) void this.refresh();
    };
  }

  /** Ages grow while nothing comes; values that keep coming bring their own. */
  #tick(): void {
    if (!document.hidden && Date.now() - this.heard_ms > 2 * TICK_MS) this.tick_ms = Date.now();
  }

  #poll(): void {
    const quiet_s = (Date.now() - this.heard_ms) / 1000;
    const flowing = this.link === 'open' && this.#socket?.readyState === WebSocket.OPEN && quiet_s < OLD_S / 2;
    if (!document.hidden && !flowing) void this.refresh();
  }

  #wake = (): void => void this.refresh();
  #sleep = (): void => void (this.link = 'lost');
  #seen = (): void => {
    this.tick_ms = Date.now();
    if (!document.hidden) void this.refresh();
  };
}

export const live = new Live();
