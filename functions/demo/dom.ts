/** The element that the page's own HTML promises. @throws Error where HTML and script disagree. */
export function part<T extends Element>(within: ParentNode, selector: string, kind: abstract new () => T): T {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} at ${selector}`);
  return found;
}

export function span(className: string, text: string): HTMLSpanElement {
  const element = document.createElement('span');
  element.className = className;
  element.textContent = text;
  return element;
}
