import { ServiceError } from '../errors.ts';

/** Stands for all models, or all routes. */
export const ALL = '*';

/** Surfaces that a key may be limited to: the first segment of their addresses. */
export const ROUTES = ['classify', 'embed', 'heads', 'models', 'v1', 'v2', 'hf', 'jobs', 'tokens', 'metrics'] as const;

/** What a key may reach where nothing is said: classifying, not handing out tokens nor reading metrics. */
export const DEFAULT_ROUTES: readonly string[] = ROUTES.filter((name) => name !== 'tokens' && name !== 'metrics');

export interface Scopes {
  /** Of {@link ROUTES}, or {@link ALL}. */
  readonly routes: readonly string[];
  /** Ids of models, or {@link ALL}. */
  readonly models: readonly string[];
}

/** Health (that of the Open Inference Protocol too), documentation, the page's own files, and hooks, which are signed. */
const OPEN =
  /^\/(?:$|favicon\.ico$|openapi\.json$|docs(?:\/|$)|(?:health|page|samples|hooks)\/|v2\/health\/(?:live|ready)$)/;

/**
 * Whether an address is open to all. Everything that is not named is closed, also what does not exist.
 * @param path as the router reads it, so that both see the same address
 */
export const isOpen = (path: string): boolean => OPEN.test(path);

/** @throws ServiceError `forbidden` */
export function mayReach({ routes }: Scopes, path: string): void {
  const route = path.split('/')[1]?.toLowerCase() ?? '';
  // What a caller has used, and what its receipts are verified with, it may always ask.
  if (route === 'usage' || route === 'receipts' || routes.includes(ALL) || routes.includes(route)) return;
  throw new ServiceError(
    'forbidden',
    `These credentials are not for /${route.slice(0, 40)}.`,
    routes.length > 0
      ? `They are for: ${routes.map((name) => `/${name}`).join(', ')}.`
      : 'They are for no route at all.',
  );
}

/** @throws ServiceError `forbidden` */
export function mayUse({ models }: Scopes, id: string): void {
  if (models.includes(ALL) || models.includes(id)) return;
  throw new ServiceError(
    'forbidden',
    `These credentials are not for the model "${id.slice(0, 63)}".`,
    models.length > 0 ? `They are for: ${models.join(', ')}.` : 'They are for no model at all.',
  );
}

/** What both allow. */
export function both(a: readonly string[], b: readonly string[]): readonly string[] {
  if (a.includes(ALL)) return b;
  return b.includes(ALL) ? a : a.filter((name) => b.includes(name));
}
