// A file from the API, with our own words when it is refused.

import { ApiError, BASE, Unreachable } from './api.ts';

export async function download(path: string, name: string): Promise<void> {
  let answer: Response;
  try {
    answer = await fetch(BASE + path, { credentials: 'same-origin', headers: { 'Accept-Language': document.documentElement.lang } });
  } catch (reason) {
    throw new Unreachable(String(reason));
  }
  if (!answer.ok) {
    const body = (await answer.json().catch(() => null)) as { error?: { code?: string; message?: string } } | null;
    throw new ApiError(body?.error?.code ?? `http_${answer.status}`, answer.status, body?.error?.message ?? '', null);
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
