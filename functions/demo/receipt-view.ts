import { classify, type Model, receiptKeys } from './api.ts';
import { made, part } from './dom.ts';
import type { EngineHere } from './in-browser/client.ts';
import type { Checked } from './in-browser/messages.ts';
import { listenForFiles } from './intake.ts';
import type { Picture } from './picture.ts';
import { Problem } from './problem.ts';

/** Signed answers: asked for, or brought along; their signature verified and their bits computed in this browser. */
export class ReceiptView {
  readonly #section: HTMLElement;
  readonly #engine: EngineHere;
  readonly #get: HTMLButtonElement;
  readonly #text: HTMLTextAreaElement;
  readonly #outcome: HTMLElement;
  readonly #save: HTMLButtonElement;
  #picture: Picture | undefined;
  /** Of the last check: an earlier one that ends later says nothing. */
  #checks = 0;

  /** @param asked which picture and model stand on the page */
  constructor(section: HTMLElement, engine: EngineHere, asked: () => { picture: Picture; model: Model } | undefined) {
    this.#section = section;
    this.#engine = engine;
    this.#get = part(section, '#receipt-get', HTMLButtonElement);
    this.#text = part(section, 'textarea', HTMLTextAreaElement);
    this.#outcome = part(section, '#outcome', HTMLElement);
    this.#save = part(section, '#receipt-save', HTMLButtonElement);
    this.#save.addEventListener('click', () => download(this.#text.value));
    this.#get.addEventListener('click', () => {
      const now = asked();
      if (now) void this.#ask(now.picture, now.model);
    });
    this.#text.addEventListener('input', () => this.#forget());
    part(section, 'form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#check();
    });
    listenForFiles(section, (files, text) => this.#take(files, text));
  }

  /** Shown where the service signs. */
  async offer(): Promise<void> {
    this.#section.hidden = await receiptKeys().then(
      () => false,
      () => true,
    );
  }

  /** There is an answer that a receipt can be asked for. */
  ready(): void {
    this.#get.disabled = false;
  }

  async #ask(picture: Picture, model: Model): Promise<void> {
    this.#get.disabled = true;
    this.#forget();
    try {
      const { receipt = '' } = await classify(model.id, picture.blob, new AbortController().signal, { receipt: true });
      this.#text.value = receipt;
      this.#show(picture);
      await this.#check();
      this.#save.hidden = false;
    } catch (error) {
      this.#tell('bad', Problem.from(error).title, [['What to do', Problem.from(error).message]]);
    } finally {
      this.#get.disabled = false;
    }
  }

  /** Files that were chosen or dropped: a picture, a receipt, or both. */
  async #take(files: readonly File[], text = ''): Promise<void> {
    this.#forget();
    for (const file of files) {
      if (/\.(jws|jwt|json|txt)$/i.test(file.name)) this.#text.value = await file.text();
      else this.#show({ blob: file, name: file.name });
    }
    if (text !== '') this.#text.value = text;
  }

  #show(picture: Picture): void {
    this.#picture = picture;
    part(this.#section, '#receipt-picture', HTMLElement).textContent = picture.name;
  }

  async #check(): Promise<void> {
    const mine = ++this.#checks;
    const receipt = receiptIn(this.#text.value);
    if (receipt === '') return this.#tell('bad', 'There is no receipt in the box.', []);
    if (!this.#picture) return this.#tell('bad', 'Its picture is missing: choose it, or drop it here.', []);
    this.#tell('', 'Computing it again in this browser…', []);
    try {
      const checked = await this.#engine.check(receipt, await receiptKeys(), this.#picture.blob);
      if (mine === this.#checks) this.#tell(...told(checked));
    } catch (error) {
      const { title, message } = Problem.from(error);
      if (mine === this.#checks) this.#tell('bad', title, [['What to do', message]]);
    }
  }

  #tell(kind: Kind, said: string, facts: readonly Fact[]): void {
    this.#outcome.className = `outcome ${kind}`;
    part(this.#outcome, 'p', HTMLElement).textContent = said;
    const list = part(this.#outcome, 'dl', HTMLElement);
    list.replaceChildren(...facts.flatMap(([name, fact]) => [made('dt', name), made('dd', fact)]));
  }

  /** What was said of another receipt would be taken for this one's. */
  #forget(): void {
    this.#checks++;
    this.#tell('', '', []);
    this.#save.hidden = true;
  }
}

function download(receipt: string): void {
  const link = made('a');
  link.href = URL.createObjectURL(new Blob([receipt], { type: 'application/jose' }));
  link.download = 'receipt.jws';
  link.click();
  URL.revokeObjectURL(link.href);
}

type Kind = 'good' | 'bad' | '';
type Fact = readonly [name: string, fact: string];

/** The receipt itself, or that of a whole answer. */
function receiptIn(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) return trimmed;
  try {
    const { receipt } = JSON.parse(trimmed) as { receipt?: unknown };
    return typeof receipt === 'string' ? receipt : trimmed;
  } catch {
    return trimmed;
  }
}

function told({ statement, samePicture, scores }: Checked): [Kind, string, readonly Fact[]] {
  const { model, iat, picture, scores: signed } = statement;
  const facts: Fact[] = [
    ['Signature', 'holds, by this service’s key'],
    ['Signed', new Date(iat * 1000).toLocaleString()],
    ['Model', `${model.id}, revision ${model.revision}, version ${short(model.version)}`],
    ['Picture', `${samePicture ? 'the same' : 'another'}; SHA-256 ${short(picture)}`],
    ['Scores', `${SCORES[typeof scores === 'string' ? scores : 'unknown']}; SHA-256 ${short(signed)}`],
  ];
  if (scores === 'same') return ['good', 'It holds: this browser computed the same, bit for bit.', facts];
  if (scores === 'others') return ['bad', 'It is signed, but this browser computes other bits.', facts];
  if (!samePicture) return ['bad', `The signature holds, but not for this picture. ${scores.unknown}`, facts];
  return ['', `The signature holds; the bits were not compared. ${scores.unknown}`, facts];
}

const SCORES = { same: 'the same bits', others: 'other bits', unknown: 'not computed' } as const;

const short = (hash: string) => `${hash.slice(0, 16)}…`;
