/** The few things that every view does with the document, each written once. */

/** The element of this id; a page without it is not the page this code was made for. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element "${id}"`);
  return found;
}

/** An element with a class and a text. */
export function element(tag: string, className = '', text = ''): HTMLElement {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}

/** An SVG element with its attributes. */
export function svg(tag: string, attributes: Readonly<Record<string, string | number>> = {}): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

/** Sets a text only if it is another one, so that nothing is laid out or read aloud anew for nothing. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Likewise for an attribute. */
export function setAttribute(target: Element, name: string, value: string | number): void {
  const text = String(value);
  if (target.getAttribute(name) !== text) target.setAttribute(name, text);
}

/** A colour of the style sheet, by the name of its custom property; it follows the light or dark scheme. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Calls back when the reader changes between light and dark. */
export function onScheme(changed: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
}
