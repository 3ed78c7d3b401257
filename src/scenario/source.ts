/**
 * A scenario file as text that knows where each thing stands: reads it, parses the YAML, and gives the
 * line of any path.
 *
 * It trusts nothing. A file is at most 1 MiB; before the parser proper sees it, its words are counted and
 * its nesting is measured, since the parser takes quadratic time for huge maps and its recursion overruns
 * the stack on deep nesting. Aliases may be used, but not to swell the document.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  parseDocument,
  Parser,
  visit,
  type Alias,
  type CST,
  type Document,
} from 'yaml';
import { InputError, messageOf } from '../errors.js';
import { shorten, type Path } from './allowed.js';
import { formatBytes } from './units.js';

const MAX_BYTES = 2 ** 20;
/** A list of 1024 nodes, each with lines of its own, has half as many. */
const MAX_WORDS = 32_768;
const MAX_DEPTH = 32;
const MAX_ALIASES = 100;
const MAX_SYNTAX_ERRORS = 10;

/** A parsed file. */
export interface Source {
  readonly file: string;
  /** Plain data; no object in it may be changed, since aliases share them. */
  readonly data: unknown;
  /** Line of the key or item at a path, or of what comes nearest to it from above; counting from 1. */
  lineOf(path: Path): number;
}

/**
 * Reads a text file of at most 1 MiB; pipes too.
 *
 * @throws InputError if there is no such file, or it is unreadable, too large or no UTF-8
 */
export function readText(file: string): string {
  const {
    text,
    found = '',
    allowed = 'a scenario file, e.g. scenarios/diloco.yaml',
  } = tryText(file, MAX_BYTES);
  if (text === undefined) throw new InputError(`${file}: found ${found}; allowed: ${allowed}`);
  return text;
}

export interface Attempt {
  readonly text?: string;
  /** Why there is none: completes "found …". */
  readonly found?: string;
  /** Completes "allowed: …", where more is known than that another file would do. */
  readonly allowed?: string;
}

/** Reads a text file of at most `most` bytes. */
export function tryText(file: string, most: number): Attempt {
  const buffer = Buffer.alloc(most + 1);
  let length = 0;
  let fd: number | undefined;
  try {
    fd = openSync(file, 'r');
    for (let more = -1; more !== 0 && length < buffer.length; length += more)
      more = readSync(fd, buffer, length, buffer.length - length, null);
  } catch (error) {
    return { found: reasonOf(error) };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  if (length > most)
    return { found: `more than ${formatBytes(most)}`, allowed: `at most ${formatBytes(most)}` };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length)) };
  } catch {
    return { found: 'bytes that are not UTF-8', allowed: 'UTF-8 text' };
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EISDIR') return 'a directory';
  if (code === 'EACCES' || code === 'EPERM') return 'a file that may not be read';
  return `a file that can't be read (${messageOf(error)})`;
}

/**
 * Parses YAML text.
 *
 * @param file its name, for messages
 * @throws InputError for a syntax error, with line and column, or for text beyond the bounds above
 */
export function parseSource(text: string, file: string): Source {
  const excess = excessOf(text);
  if (excess !== undefined) throw new InputError(`${file}: ${excess}`);

  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const messages = faults.slice(0, MAX_SYNTAX_ERRORS).map((fault) => {
      const { line, col } = lines.linePos(fault.pos[0]);
      return `${file}:${line}:${col}: ${shorten(fault.message, 200)}; allowed: valid YAML 1.2, one document`;
    });
    throw new InputError(messages.join('\n'));
  }

  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    // The parser takes an alias without an anchor, and too many aliases, for no error; only toJS does.
    const place = `${file}:${lines.linePos(offsetOfBadAlias(document)).line}`;
    throw new InputError(
      `${place}: ${messageOf(error)}; allowed: at most ${MAX_ALIASES} aliases, after their anchor`,
    );
  }
  return { file, data, lineOf: (path) => lines.linePos(offsetOf(document, path)).line };
}

/** Counts before anything is built, and stops at a bound; undefined if the text is within all of them. */
function excessOf(text: string): string | undefined {
  let [words, aliases] = [0, 0];
  for (const word of new Lexer().lex(text)) {
    if (++words > MAX_WORDS)
      return `found a larger document than any scenario; allowed: ${MAX_WORDS} words and marks`;
    if (word.startsWith('*') && ++aliases > MAX_ALIASES) return `found more aliases; allowed: ${MAX_ALIASES}`;
  }
  return isDeeper(text, MAX_DEPTH) ? `found deeper nesting; allowed: ${MAX_DEPTH} levels` : undefined;
}

/** Whether collections are nested deeper than `limit`, found without recursion. */
function isDeeper(text: string, limit: number): boolean {
  const waiting: { readonly token: CST.Token | null | undefined; readonly depth: number }[] = [];
  for (const token of new Parser().parse(text)) waiting.push({ token, depth: 0 });
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { token, depth } = next;
    if (depth > limit) return true;
    if (token?.type === 'document') waiting.push({ token: token.value, depth });
    if (token && 'items' in token)
      for (const item of token.items)
        waiting.push({ token: item.key, depth: depth + 1 }, { token: item.value, depth: depth + 1 });
  }
  return false;
}

/** Where in the text a path starts: its key, its list item, or the last part of it that exists. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    const collection = isAlias(node) ? node.resolve(document) : node;
    if (isMap(collection)) {
      const pair = collection.items.find(
        ({ key }) => String(isScalar(key) ? key.value : key) === String(step),
      );
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(collection)) {
      node = collection.items[Number(step)];
      if (node === undefined) return offset;
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

/** Where the first alias without an anchor is, or else the first alias. */
function offsetOfBadAlias(document: Document): number {
  const aliases: Alias[] = [];
  visit(document, { Alias: (_, alias) => void aliases.push(alias) });
  const bad = aliases.find((alias) => alias.resolve(document) === undefined) ?? aliases[0];
  return startOf(bad) ?? 0;
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);
