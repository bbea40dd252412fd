import { Problem } from './problem.ts';

/** Kept until the tab is closed, and sent to this service alone. */
const KEY = 'key';

export const keptKey = (): string => sessionStorage.getItem(KEY) ?? '';

export function keepKey(key: string): void {
  if (key === '') sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
}

/** Asks the service, with the visitor's key where there is one. @throws Problem, or an `AbortError` */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const key = keptKey();
  if (key !== '') headers.set('x-api-key', key);
  const response = await fetch(path, { ...init, headers }).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new Problem(
      'The service did not answer',
      'It is down, or this device is offline. Check the connection and try again.',
      { remedy: 'retry', cause: error },
    );
  });
  if (!response.ok) throw await Problem.of(response);
  return response;
}
