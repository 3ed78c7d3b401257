/**
 * A few words of SVG: a document that stands alone and looks right on light and on dark ground, for pictures that
 * are made as text. No library is behind it: those that there are draw into a browser's document, or bring one along,
 * and what is needed here is rectangles, lines and words.
 *
 * Same input, same bytes: numbers are rounded to a hundredth, and nothing is dated or drawn by lot.
 */

export interface SvgDocument {
  readonly width: number;
  readonly height: number;
  /** For readers who don't see it, and for whoever points at it. */
  readonly title: string;
  /** CSS beyond the common classes `text`, `faint`, `strong`, `line` and `grid`. */
  readonly css?: string;
  /** Elements, written. */
  readonly body: readonly string[];
}

const COMMON_CSS = `
text { font: 11px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #24292f; }
.faint { fill: #6e7781; }
.strong { font-weight: 600; }
.line { stroke: #6e7781; fill: none; }
.grid { stroke: #6e7781; stroke-opacity: .22; fill: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .faint { fill: #9198a1; }
  .line, .grid { stroke: #9198a1; }
}`;

/** The document; ends with a newline. */
export function svgDocument({ width, height, title, css = '', body }: SvgDocument): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${number(width)} ${number(height)}"` +
      ` width="${number(width)}" height="${number(height)}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${COMMON_CSS}${css}\n</style>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** One element; attributes that are undefined are left out, text is escaped. */
export function element(name: string, attributes: Attributes, text?: string): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}="${typeof value === 'number' ? number(value) : escapeXml(String(value))}"`,
    )
    .join('');
  return text === undefined ? `<${name}${written}/>` : `<${name}${written}>${escapeXml(text)}</${name}>`;
}

/** A coordinate as text: hundredths, no trailing zeros, never "-0". */
export function number(value: number): string {
  return String(+value.toFixed(2) + 0);
}

/** Width of a line of the common font, about: pixels. */
export function textWidth(text: string, size = 11): number {
  return [...text].length * size * 0.58;
}

/**
 * Text for an element or an attribute in quotes, of XML or HTML. Whatever a name from a capture says, it stays text; marks
 * that turn the direction of writing go, since they would let a name run backwards over what stands beside it.
 */
export function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  // XML 1.0 has no way at all to write most control characters.
  return text
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ')
    .replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
