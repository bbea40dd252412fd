/** The element that the page's own HTML promises. @throws Error where HTML and script disagree. */
export function part<T extends Element>(within: ParentNode, selector: string, kind: abstract new () => T): T {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} at ${selector}`);
  return found;
}

/** A new element with a text. */
export function made<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  text = '',
  className = '',
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}

export const span = (className: string, text: string): HTMLSpanElement => made('span', text, className);

/** A new button that does something. */
export function pressed(text: string, onPress: (button: HTMLButtonElement) => void): HTMLButtonElement {
  const button = made('button', text);
  button.type = 'button';
  button.addEventListener('click', () => onPress(button));
  return button;
}
