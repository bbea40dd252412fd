import type { Answer, Group } from './api.ts';
import { barParts, barsOf, percent, spaced } from './bars.ts';
import { made, part, span } from './dom.ts';
import { Problem } from './problem.ts';

/** What is less likely is told by its classes alone. */
const LEAST = 0.01;
const MOST = 5;
const MOST_LEAVES = 3;

/** What the picture is in wider terms; each opens to its own classes, as if it were sure to be one of them. */
export class GroupsView {
  readonly #root: HTMLElement;
  readonly #list: HTMLElement;
  readonly #within: (group: string) => Promise<Answer | undefined>;

  /** @param within asks the same picture anew, among the classes of a group */
  constructor(root: HTMLElement, within: (group: string) => Promise<Answer | undefined>) {
    this.#root = root;
    this.#list = part(root, 'ul', HTMLElement);
    this.#within = within;
  }

  show({ groups = [] }: Answer): void {
    const told = groups.filter(({ score }) => score >= LEAST).slice(0, MOST);
    this.#list.replaceChildren(...told.map((group) => this.#row(group)));
    this.#root.hidden = told.length === 0;
  }

  clear(): void {
    this.#root.hidden = true;
    this.#list.replaceChildren();
  }

  #row(group: Group): HTMLLIElement {
    const row = made('li');
    const button = made('button', '', 'group');
    button.type = 'button';
    button.setAttribute('aria-expanded', 'false');
    const leaves = group.of.filter(({ score }) => score >= LEAST).slice(0, MOST_LEAVES);
    const named = leaves.map(({ label, score }) => `${spaced(label)} ${percent(score)}`).join(', ');
    button.append(...barParts(group), span('leaves', named));
    const inside = made('div', '', 'inside');
    inside.hidden = true;
    button.addEventListener('click', () => this.#turn(button, inside, group.label));
    row.append(button, inside);
    return row;
  }

  async #turn(button: HTMLButtonElement, inside: HTMLElement, group: string): Promise<void> {
    inside.hidden = !inside.hidden;
    button.setAttribute('aria-expanded', String(!inside.hidden));
    if (inside.hidden || inside.childElementCount > 0) return;
    const heading = made('p', 'Looking…', 'quiet');
    inside.append(heading);
    try {
      const answer = await this.#within(group);
      if (!answer) return;
      const bars = made('ol', '', 'bars');
      bars.append(...barsOf(answer.predictions));
      heading.textContent = `Of ${spaced(group)} alone, brought to 100 %:`;
      inside.append(bars);
    } catch (error) {
      const { title, message } = Problem.from(error);
      heading.textContent = `${title} ${message}`;
    }
  }
}
