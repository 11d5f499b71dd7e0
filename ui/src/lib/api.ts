// The home's API over fetch: typed answers, one error type with a code, and "the home cannot be reached".

export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly expected: string | null;

  constructor(code: string, status: number, message: string, expected: string | null) {
    super(message);
    this.code = code;
    this.status = status;
    this.expected = expected;
  }
}

/** No answer at all: the home, the LAN or this device is offline. */
export class Unreachable extends Error {}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const BASE = '/api/v1';
const WAIT_MS = 15_000;

let onSignedOut: () => void = () => undefined;
let onPasswordNeeded: () => void = () => undefined;

export function whenSignedOut(signedOut: () => void, passwordNeeded: () => void): void {
  onSignedOut = signedOut;
  onPasswordNeeded = passwordNeeded;
}

async function send(url: string, method: Method, body: unknown): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': document.documentElement.lang };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  try {
    return await fetch(url, {
      method,
      headers,
      credentials: 'same-origin',
      signal: AbortSignal.timeout(WAIT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (reason) {
    throw new Unreachable(String(reason));
  }
}

async function problem(answer: Response): Promise<ApiError> {
  let code = `http_${answer.status}`;
  let message = '';
  let expected: string | null = null;
  try {
    const body = (await answer.json()) as { error?: { code?: string; message?: string; expected?: string | null } };
    code = body.error?.code ?? code;
    message = body.error?.message ?? '';
    expected = body.error?.expected ?? null;
  } catch {
    // a proxy or a crash answers without our JSON: the status alone speaks
  }
  return new ApiError(code, answer.status, message, expected);
}

async function call<T>(method: Method, url: string, body?: unknown): Promise<T> {
  const answer = await send(url, method, body);
  if (answer.ok) return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T);
  if (answer.status >= 502 && answer.status <= 504) throw new Unreachable(String(answer.status));
  const failed = await problem(answer);
  if (failed.status === 401 && !url.endsWith('/session')) onSignedOut();
  if (failed.code === 'password_change_needed') onPasswordNeeded();
  throw failed;
}

export const api = {
  get: <T>(path: string) => call<T>('GET', BASE + path),
  post: <T>(path: string, body: unknown = {}) => call<T>('POST', BASE + path, body),
  put: <T>(path: string, body: unknown) => call<T>('PUT', BASE + path, body),
  patch: <T>(path: string, body: unknown) => call<T>('PATCH', BASE + path, body),
  remove: <T>(path: string) => call<T>('DELETE', BASE + path),
  wellKnown: <T>() => call<T>('GET', '/.well-known/hidamari'),
};

/** `{a: 1, b: null}` -> `?a=1` */
export function query(values: Record<string, string | number | null | undefined>): string {
  const used = Object.entries(values).filter(([, v]) => v !== null && v !== undefined && v !== '');
  return used.length ? `?${new URLSearchParams(used.map(([k, v]) => [k, String(v)])).toString()}` : '';
}
