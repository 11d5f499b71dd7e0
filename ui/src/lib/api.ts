// The APIs over fetch: typed answers, one error type with a code, and "the home cannot be reached".

import { place, reach } from './place.svelte.ts';

export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly expected: string | null;
  /** what else the error tells, by its code */
  more: Record<string, unknown> = {};

  constructor(code: string, status: number, message: string, expected: string | null) {
    super(message);
    this.code = code;
    this.status = status;
    this.expected = expected;
  }
}

/** No answer at all: the home, the LAN or this device is offline. */
export class Unreachable extends Error {}

/** The service answers, the home does not. */
export class HomeAway extends Unreachable {}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export const BASE = `${place.prefix}/api/v1`;
const CLOUD = '/cloud/v1';
const WAIT_MS = 15_000;

let onSignedOut: () => void = () => undefined;
let onPasswordNeeded: () => void = () => undefined;

export function whenSignedOut(signedOut: () => void, passwordNeeded: () => void): void {
  onSignedOut = signedOut;
  onPasswordNeeded = passwordNeeded;
}

async function send(url: string, method: Method, body: unknown, key?: string): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': document.documentElement.lang };
  if (body instanceof Blob) headers['Content-Type'] = body.type;
  else if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (key) headers['Idempotency-Key'] = key;
  try {
    return await fetch(url, {
      method,
      headers,
      credentials: 'same-origin',
      signal: AbortSignal.timeout(WAIT_MS),
      ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
    });
  } catch (reason) {
    throw new Unreachable(String(reason));
  }
}

interface Failed {
  error?: { code?: string; message?: string; expected?: string | null; last_seen?: string | null };
}

async function problem(answer: Response): Promise<ApiError | Unreachable> {
  // A proxy or a crash answers without our JSON: then the status alone speaks.
  const body = ((await answer.json().catch(() => null)) as Failed | null)?.error ?? {};
  if (body.code === 'home_offline') {
    reach.last_seen = body.last_seen ?? reach.last_seen;
    return new HomeAway(body.code);
  }
  if (answer.status >= 502 && answer.status <= 504 && !body.code?.startsWith('home_')) return new Unreachable(String(answer.status));
  const failed = new ApiError(body.code ?? `http_${answer.status}`, answer.status, body.message ?? '', body.expected ?? null);
  failed.more = body;
  return failed;
}

/** Who answered tells whether the home is there. */
function note(answer: Response, failed: Error | null): void {
  if (!place.home || answer.headers.get('X-Hidamari-Via') === null) return;
  if (failed instanceof HomeAway || answer.headers.get('X-Hidamari-Via') === 'cloud-store') reach.away = true;
  else if (answer.ok) reach.away = false;
}

async function call<T>(method: Method, url: string, body?: unknown, key?: string): Promise<T> {
  const answer = await send(url, method, body, key);
  const failed = answer.ok ? null : await problem(answer);
  if (url.startsWith(BASE)) note(answer, failed);
  if (failed === null) return answer.status === 204 || answer.status === 202 ? (undefined as T) : ((await answer.json()) as T);
  if (failed instanceof ApiError) {
    if (failed.status === 401 && !url.endsWith('/session')) onSignedOut();
    if (failed.code === 'password_change_needed') onPasswordNeeded();
  }
  throw failed;
}

export const api = {
  get: <T>(path: string) => call<T>('GET', BASE + path),
  post: <T>(path: string, body: unknown = {}, key?: string) => call<T>('POST', BASE + path, body, key),
  put: <T>(path: string, body: unknown) => call<T>('PUT', BASE + path, body),
  putCsv: <T>(path: string, body: Blob) => call<T>('PUT', BASE + path, body),
  patch: <T>(path: string, body: unknown) => call<T>('PATCH', BASE + path, body),
  remove: <T>(path: string) => call<T>('DELETE', BASE + path),
  wellKnown: <T>() => call<T>('GET', `${place.prefix}/.well-known/hidamari`),
};

/** What a home says of itself, asked from the list of homes. */
export const homeKnown = <T>(home: string): Promise<T> => call<T>('GET', `/homes/${home}/.well-known/hidamari`);

/** Accounts of the service. */
export const cloud = {
  get: <T>(path: string) => call<T>('GET', CLOUD + path),
  post: <T>(path: string, body: unknown = {}) => call<T>('POST', CLOUD + path, body),
  put: <T>(path: string, body: unknown) => call<T>('PUT', CLOUD + path, body),
  patch: <T>(path: string, body: unknown) => call<T>('PATCH', CLOUD + path, body),
  remove: <T>(path: string, body?: unknown) => call<T>('DELETE', CLOUD + path, body),
};

/** `{a: 1, b: null}` -> `?a=1` */
export function query(values: Record<string, string | number | null | undefined>): string {
  const used = Object.entries(values).filter(([, v]) => v !== null && v !== undefined && v !== '');
  return used.length ? `?${new URLSearchParams(used.map(([k, v]) => [k, String(v)])).toString()}` : '';
}
