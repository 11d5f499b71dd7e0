// One answer of the API on a screen: loading, ready, offline with the last known answer, or an error.

import { untrack } from 'svelte';
import { api, Unreachable } from './api.ts';

export class Resource<T> {
  data = $state.raw<T | null>(null);
  state = $state<'loading' | 'ready' | 'offline' | 'error'>('loading');
  error = $state.raw<Error | null>(null);
  #path: string | null = null;
  #turn = 0;

  /** Fetch `path`; a new path keeps the old answer on the screen until the new one is there. */
  async load(path: string): Promise<void> {
    const turn = ++this.#turn;
    this.#path = path;
    // An effect that loads must not come to depend on what it loads.
    if (untrack(() => this.data === null)) this.state = 'loading';
    try {
      const answer = await api.get<T>(path);
      if (turn === this.#turn) this.put(answer);
    } catch (reason) {
      if (turn !== this.#turn) return;
      this.error = reason as Error;
      this.state = reason instanceof Unreachable ? 'offline' : 'error';
      if (this.state === 'error') this.data = null;
    }
  }

  put(answer: T): void {
    this.data = answer;
    this.error = null;
    this.state = 'ready';
  }

  again = (): Promise<void> => (this.#path === null ? Promise.resolve() : this.load(this.#path));
}
