/**
 * The service worker of the page: what the page is made of is there when the service is not. Models are kept by the
 * engine itself (`files.ts`).
 */

/** Written by the build: every file of the page, and a name that differs when one of them does. */
declare const SHELL: { readonly name: string; readonly files: readonly string[] };

/** As much of the Service Workers specification as is used: the page's own types do not have it. */
interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Asked extends Lasting {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  readonly clients: { claim(): Promise<void> };
  readonly location: Location;
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: Lasting) => void): void;
  addEventListener(type: 'fetch', listener: (event: Asked) => void): void;
}

const scope = self as unknown as Scope;
/** The list of models, as it was last. */
const LISTS = ['/models'];

scope.addEventListener('install', (event) => {
  event.waitUntil(caches.open(SHELL.name).then((cache) => cache.addAll([...SHELL.files])));
  void scope.skipWaiting();
});

scope.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([forgetOthers(), scope.clients.claim()]));
});

scope.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  const known = SHELL.files.includes(pathname) || LISTS.includes(pathname);
  if (method === 'GET' && origin === scope.location.origin && known) event.respondWith(latest(event.request, pathname));
});

/** The service's own answer, or the last one where it gives none. */
async function latest(request: Request, pathname: string): Promise<Response> {
  const cache = await caches.open(SHELL.name);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(pathname, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(pathname);
    if (kept) return kept;
    throw error;
  }
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith('page-') && name !== SHELL.name);
  await Promise.all(old.map((name) => caches.delete(name)));
}
