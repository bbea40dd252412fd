import { spaced } from './bars.ts';
import { made, part, pressed } from './dom.ts';
import { Problem } from './problem.ts';
import { ask } from './request.ts';

/** Of `GET /jobs` and `GET /jobs/{id}`, what is shown. */
interface Head {
  readonly id: string;
  readonly status: string;
  readonly model: string;
  readonly created_at: string;
  readonly counts: { readonly total: number; readonly succeeded: number; readonly failed: number };
}

interface Delivery {
  readonly status: string;
  readonly next_attempt_at?: string;
  readonly endpoint_off: boolean;
  readonly attempts: readonly { readonly at: string; readonly status: number | null; readonly error: string | null }[];
}

interface Job extends Head {
  readonly results: readonly {
    readonly id: string;
    readonly status: string;
    readonly predictions?: readonly { readonly label: string }[];
    readonly error?: { readonly title: string };
  }[];
  readonly deliveries: readonly Delivery[];
}

const SHOWN = 10;
const AGAIN_MS = 5_000;
const OPEN = new Set(['queued', 'running']);

/** The visitor's last jobs and their callbacks; hidden where the service has no jobs, or there are none. */
export class JobsView {
  readonly #section: HTMLElement;
  readonly #list: HTMLElement;
  readonly #onProblem: (problem: Problem) => void;
  #timer = 0;
  /** Those at rest: nothing of them changes but by the buttons here. */
  readonly #atRest = new Map<string, Job>();

  constructor(section: HTMLElement, onProblem: (problem: Problem) => void) {
    this.#section = section;
    this.#list = part(section, 'ol', HTMLElement);
    this.#onProblem = onProblem;
    part(section, 'button', HTMLButtonElement).addEventListener('click', () => this.refresh());
  }

  /** Asks anew, and goes on asking while something is at work. */
  async refresh(): Promise<void> {
    this.#atRest.clear();
    await this.#look();
  }

  /** Asks for the list, and for those jobs alone that were not at rest. */
  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const { jobs } = (await (await ask(`/jobs?limit=${SHOWN}`)).json()) as { jobs: Head[] };
      const details = await Promise.all(jobs.map(({ id }) => this.#atRest.get(id) ?? get(`/jobs/${id}`)));
      this.#section.hidden = details.length === 0;
      this.#list.replaceChildren(...details.map((job) => this.#row(job)));
      for (const job of details) if (!isAtWork(job)) this.#atRest.set(job.id, job);
      if (details.some(isAtWork)) this.#timer = setTimeout(() => this.#look(), AGAIN_MS);
    } catch {
      // Jobs are not what the page is for: whoever has none, or may not see them, misses nothing.
      this.#section.hidden = true;
    }
  }

  #row(job: Job): HTMLLIElement {
    const row = made('li');
    const { total, succeeded, failed } = job.counts;
    const head = made('p', '');
    head.append(
      made('strong', job.status),
      ` · ${succeeded} of ${total} classified${failed ? `, ${failed} failed` : ''} · `,
    );
    head.append(made('span', `${job.model}, ${new Date(job.created_at).toLocaleString()}`, 'quiet'));
    const details = made('details');
    details.append(made('summary', job.id), resultsOf(job));
    row.append(head, ...job.deliveries.map((delivery) => made('p', told(delivery), 'quiet')), details);
    if (OPEN.has(job.status)) row.append(this.#button('Cancel', 'DELETE', `/jobs/${job.id}`));
    else if (job.deliveries.length > 0) row.append(this.#button('Send again', 'POST', `/jobs/${job.id}/redeliver`));
    return row;
  }

  #button(name: string, method: string, path: string): HTMLButtonElement {
    return pressed(name, async (button) => {
      button.disabled = true;
      await ask(path, { method }).catch((error: unknown) => this.#onProblem(Problem.from(error)));
      await this.refresh();
    });
  }
}

const get = async (path: string): Promise<Job> => (await (await ask(path)).json()) as Job;

const isAtWork = ({ status, deliveries }: Job) =>
  OPEN.has(status) || deliveries.some((one) => one.status === 'pending');

/** What became of a callback, in words. */
function told({ status, attempts, endpoint_off: off, next_attempt_at: next }: Delivery): string {
  const last = attempts.at(-1);
  const said = last
    ? ` The last attempt ${last.status === null ? `failed: ${last.error?.replace(/\.$/, '')}` : `was answered ${last.status}`}.`
    : '';
  const tried = `after ${attempts.length} ${attempts.length === 1 ? 'attempt' : 'attempts'}`;
  if (status === 'delivered') return `Callback delivered ${tried}.`;
  if (status === 'failed') return `Callback given up ${tried}${off ? '; its address is switched off' : ''}.${said}`;
  return `Callback on its way${next && attempts.length > 0 ? `, next at ${new Date(next).toLocaleTimeString()}` : ''}.${said}`;
}

function resultsOf({ results }: Job): HTMLUListElement {
  const list = made('ul');
  for (const { id, status, predictions, error } of results) {
    list.append(made('li', `${id}: ${predictions?.[0] ? spaced(predictions[0].label) : (error?.title ?? status)}`));
  }
  return list;
}
