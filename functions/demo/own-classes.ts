import type { Model } from './api.ts';
import { made, part, pressed, span } from './dom.ts';
import { listenForFiles } from './intake.ts';
import { Problem } from './problem.ts';
import { ask } from './request.ts';

/** Of `GET /heads/{id}`, what is shown. */
interface Head {
  readonly classes: readonly { readonly label: string; readonly images: number }[];
}

/** Of `POST /heads/{id}/classes/{label}`. */
interface Addition {
  readonly head: Head;
  readonly added: number;
  readonly results: readonly { readonly error?: { readonly title: string } }[];
}

/** As many as one request takes. */
const MAX_PICTURES = 50;

/** Classes that the visitor shows the chosen model; hidden where it, or the service, has none. */
export class OwnClasses {
  readonly #section: HTMLElement;
  readonly #name: HTMLInputElement;
  readonly #use: HTMLInputElement;
  readonly #list: HTMLElement;
  readonly #note: HTMLElement;
  readonly #onChange: () => void;
  readonly #onProblem: (problem: Problem) => void;
  #model = '';
  #classes: Head['classes'] = [];

  /** @param on.change after what is asked is another question */
  constructor(section: HTMLElement, on: { change: () => void; problem: (problem: Problem) => void }) {
    this.#section = section;
    this.#onChange = on.change;
    this.#onProblem = on.problem;
    this.#name = part(section, '#own-name', HTMLInputElement);
    this.#use = part(section, '#own-use', HTMLInputElement);
    this.#list = part(section, 'ul', HTMLElement);
    this.#note = part(section, '#own-note', HTMLElement);
    part(section, 'form', HTMLFormElement).addEventListener('submit', (event) => event.preventDefault());
    listenForFiles(section, (files) => this.#learn(files));
    this.#use.addEventListener('change', this.#onChange);
  }

  /** What to tell pictures apart by; undefined for the model's own classes. */
  get head(): string | undefined {
    return !this.#section.hidden && this.#use.checked && this.#classes.length > 0 ? idOf(this.#model) : undefined;
  }

  async offer({ id, embedding }: Model): Promise<void> {
    this.#model = id;
    this.#show([]);
    this.#section.hidden = true;
    if (!embedding) return;
    try {
      await ask('/heads');
      if (kept(id) !== null) this.#show(await headOf(id));
      this.#section.hidden = this.#model !== id;
    } catch {
      // A service without a database has none; whoever may not use them misses nothing.
    }
  }

  async #learn(pictures: readonly File[]): Promise<void> {
    const label = this.#name.value.trim();
    if (label === '' || pictures.length === 0) {
      this.#note.textContent = label === '' ? 'Name the class first, then give its pictures.' : '';
      this.#name.focus();
      return;
    }
    const form = new FormData();
    for (const picture of pictures.slice(0, MAX_PICTURES)) form.append('images', picture);
    this.#note.textContent = `Looking at ${pictures.length}…`;
    try {
      await ask(`/heads/${idOf(this.#model)}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ base: this.#model }),
      });
      const answer = await ask(this.#address(label), { method: 'POST', body: form });
      const { head, added, results } = (await answer.json()) as Addition;
      const refused = results.find(({ error }) => error)?.error;
      this.#note.textContent = `${added} of ${results.length} learned.${refused ? ` ${refused.title}.` : ''}`;
      this.#show(head.classes);
      this.#use.checked = true;
      this.#onChange();
    } catch (error) {
      this.#note.textContent = '';
      this.#onProblem(Problem.from(error));
    }
  }

  async #forget(label: string): Promise<void> {
    try {
      const head = (await (await ask(this.#address(label), { method: 'DELETE' })).json()) as Head;
      this.#show(head.classes);
      this.#onChange();
    } catch (error) {
      this.#onProblem(Problem.from(error));
    }
  }

  #show(classes: Head['classes']): void {
    this.#classes = classes;
    this.#use.disabled = classes.length === 0;
    if (classes.length === 0) this.#use.checked = false;
    this.#list.replaceChildren(
      ...classes.map(({ label, images }) => {
        const row = made('li');
        const forget = pressed('Forget', () => this.#forget(label));
        forget.setAttribute('aria-label', `Forget ${label}`);
        row.append(span('label', label), span('quiet', `${images} ${images === 1 ? 'picture' : 'pictures'}`), forget);
        return row;
      }),
    );
  }

  #address(label: string): string {
    return `/heads/${idOf(this.#model)}/classes/${encodeURIComponent(label)}`;
  }
}

async function headOf(model: string): Promise<Head['classes']> {
  try {
    return ((await (await ask(`/heads/${idOf(model)}`)).json()) as Head).classes;
  } catch {
    return [];
  }
}

const kept = (model: string): string | null => localStorage.getItem(`head:${model}`);

/** One for each model, of this browser: where there are no keys, visitors share what they call alike. */
function idOf(model: string): string {
  const known = kept(model);
  if (known !== null) return known;
  const made = `page-${crypto.randomUUID()}`;
  localStorage.setItem(`head:${model}`, made);
  return made;
}
