/**
 * Messages of IPFIX (RFC 7011, in a file as RFC 5655 has them), NetFlow v9 (RFC 3954) and NetFlow v5, back to back.
 *
 * IPFIX and v5 messages say how long they are. One of v9 does not, but its sets do, and no set may have a number that
 * is a version: so after its header sets are read until something else begins. The three may be mixed, as a collector
 * that writes down what it hears would mix them.
 *
 * Templates are kept by exporter. Their number is bounded, the oldest is forgotten first; a set whose template is
 * unknown is skipped and counted, as RFC 7011 has it.
 */
import { InputError } from '../../errors.js';
import { Chunks } from '../../capture/chunks.js';
import type { FlowHandler } from '../flows/record.js';
import { Exporter } from './exporter.js';
import type { FlowImport } from './import.js';
import { Skips } from './import.js';
import { readNetflow5, V5_HEADER, V5_RECORD } from './netflow5.js';
import { recordOf } from './template-record.js';
import type { Field } from './template.js';
import { type ExportClock, Template } from './template.js';

const MAX_TEMPLATES = 1024;
const MAX_FIELDS = 512;
const MAX_EXPORTERS = 1024;

const V9_HEADER = 20;
const IPFIX_HEADER = 16;
const SET_HEADER = 4;
const ENTERPRISE_BIT = 0x8000;
const FIRST_DATA_SET = 256;

/** Numbers of the sets that define templates. */
const sets = { 9: { templates: 0, options: 1 }, 10: { templates: 2, options: 3 } } as const;
type Version = 9 | 10;

/** The message (IPFIX) or the header (v9) that sets belong to. */
interface Context extends ExportClock {
  readonly version: Version;
  /** Key of the exporter; templates have keys in the range that starts at 65536 times it. */
  readonly domain: number;
  readonly exporter: Exporter;
}

export class MessageImport implements FlowImport {
  readonly skipped = new Skips();
  /** Messages so far, by version. */
  readonly messages = { 5: 0, 9: 0, 10: 0 };
  readonly #chunks = new Chunks();
  readonly #onRecord: FlowHandler;
  readonly #templates = new Map<number, { readonly template: Template; readonly isOptions: boolean }>();
  readonly #exporters = new Map<number, Exporter>();
  /** The v9 header that was read last; its sets may follow. */
  #v9: Context | undefined;

  constructor(onRecord: FlowHandler) {
    this.#onRecord = onRecord;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.feed(chunk, this.#readAll);
  }

  finish(): number | undefined {
    return this.#chunks.available > 0 ? this.#chunks.offset : undefined;
  }

  readonly #readAll = (): void => {
    while (this.#readNext());
  };

  /** Reads a message, or a header or set of v9; false when it has not come whole yet. */
  #readNext(): boolean {
    const chunks = this.#chunks;
    if (chunks.available < 4) return false;
    const { view, position } = chunks;
    const number = view.getUint16(position);
    const second = view.getUint16(position + 2);
    switch (number) {
      case 10:
        return this.#whole(second, IPFIX_HEADER, () => this.#readIpfix(view, position, position + second));
      case 9:
        return this.#whole(V9_HEADER, V9_HEADER, () => this.#readV9Header(view, position));
      case 5:
        return this.#whole(V5_HEADER + second * V5_RECORD, V5_HEADER, () => {
          this.messages[5] += 1;
          this.#v9 = undefined;
          readNetflow5(view, position, second, this.#onRecord);
        });
    }
    const context = this.#v9;
    if (context === undefined || (number > 1 && number < FIRST_DATA_SET)) {
      this.#fail(`version ${number}`, '5, 9 or 10, the versions of NetFlow and IPFIX');
    }
    return this.#whole(second, SET_HEADER, () =>
      this.#readSet(view, number, position + SET_HEADER, position + second, context),
    );
  }

  /** Runs `read` once `length` bytes are there, and goes on behind them. */
  #whole(length: number, least: number, read: () => void): boolean {
    if (length < least) this.#fail(`a length of ${length}`, `at least ${least}`);
    if (this.#chunks.available < length) return false;
    read();
    this.#chunks.position += length;
    return true;
  }

  #readIpfix(view: DataView, at: number, end: number): void {
    this.messages[10] += 1;
    this.#v9 = undefined;
    const domain = view.getUint32(at + 12);
    const exporter = this.#exporter(domain);
    const exportMicros = view.getUint32(at + 4) * 1e6;
    let position = at + IPFIX_HEADER;
    while (end - position >= SET_HEADER) {
      const length = view.getUint16(position + 2);
      if (length < SET_HEADER || length > end - position) {
        this.#fail(`a set of ${length} bytes`, `${SET_HEADER} to ${end - position} here`, position);
      }
      // Made anew for each set, for an options set may have told when the exporter started.
      const uptimeMillis = exportMicros / 1e3 - exporter.initMillis;
      const context = { version: 10, domain, exporter, exportMicros, uptimeMillis } as const;
      this.#readSet(view, view.getUint16(position), position + SET_HEADER, position + length, context);
      position += length;
    }
  }

  #readV9Header(view: DataView, at: number): void {
    this.messages[9] += 1;
    const domain = view.getUint32(at + 16) + 2 ** 32;
    const uptimeMillis = view.getUint32(at + 4);
    const exportMicros = view.getUint32(at + 8) * 1e6;
    const exporter = this.#exporter(domain);
    this.#v9 = { version: 9, domain, exporter, exportMicros, uptimeMillis };
  }

  #exporter(domain: number): Exporter {
    const known = this.#exporters.get(domain);
    if (known !== undefined) return known;
    forgetOldest(this.#exporters, MAX_EXPORTERS);
    const exporter = new Exporter();
    this.#exporters.set(domain, exporter);
    return exporter;
  }

  #readSet(view: DataView, id: number, at: number, end: number, context: Context): void {
    if (id >= FIRST_DATA_SET) this.#readData(view, id, at, end, context);
    else if (id === sets[context.version].templates) this.#readTemplates(view, at, end, context, false);
    else if (id === sets[context.version].options) this.#readTemplates(view, at, end, context, true);
    else this.skipped.add(`sets of the reserved number ${id}`);
  }

  #readTemplates(view: DataView, at: number, end: number, context: Context, isOptions: boolean): void {
    const headerLength = isOptions ? 6 : 4;
    while (end - at >= 4) {
      const id = view.getUint16(at);
      const count = view.getUint16(at + 2);
      // What is left may be padding.
      if (id === 0 && context.version === 9 && count === 0) return;
      if (context.version === 10 && count === 0) {
        this.#withdraw(id, context, isOptions);
        at += 4;
        continue;
      }
      if (end - at < headerLength) return;
      // Options of v9 count bytes (of scope fields, then of option fields), all others count fields.
      const fieldCount = context.version === 9 && isOptions ? (count + view.getUint16(at + 4)) >> 2 : count;
      at = this.#readTemplate(view, id, fieldCount, at + headerLength, end, context, isOptions);
      if (at < 0) return;
    }
  }

  /** Returns where the next template starts, or -1 when this one is longer than its set. */
  #readTemplate(
    view: DataView,
    id: number,
    fieldCount: number,
    at: number,
    end: number,
    context: Context,
    isOptions: boolean,
  ): number {
    const fields: Field[] = [];
    for (let index = 0; index < fieldCount; index += 1) {
      if (end - at < 4) return this.#refuse('templates longer than their set');
      const raw = view.getUint16(at);
      const length = view.getUint16(at + 2);
      at += 4;
      let enterprise = 0;
      if (context.version === 10 && (raw & ENTERPRISE_BIT) !== 0) {
        if (end - at < 4) return this.#refuse('templates longer than their set');
        enterprise = view.getUint32(at);
        at += 4;
      }
      fields.push({ enterprise, id: context.version === 10 ? raw & 0x7fff : raw, length });
    }
    const key = keyOf(context, id);
    this.#templates.delete(key);
    const template = fieldCount > MAX_FIELDS ? undefined : new Template(fields);
    if (id < FIRST_DATA_SET || template === undefined || template.minLength === 0) {
      this.skipped.add('templates that can be none (no bytes, too many fields, a reserved number)');
      return at;
    }
    forgetOldest(this.#templates, MAX_TEMPLATES);
    this.#templates.set(key, { template, isOptions });
    return at;
  }

  #refuse(reason: string): -1 {
    this.skipped.add(reason);
    return -1;
  }

  /** A template without fields takes back the one before; one with a set's own number takes back all (RFC 7011, 8.1). */
  #withdraw(id: number, context: Context, isOptions: boolean): void {
    if (id >= FIRST_DATA_SET) {
      this.#templates.delete(keyOf(context, id));
      return;
    }
    const { templates, options } = sets[context.version];
    if (id !== (isOptions ? options : templates)) return;
    for (const [key, known] of this.#templates) {
      if (Math.floor(key / 65_536) === context.domain && known.isOptions === isOptions) {
        this.#templates.delete(key);
      }
    }
  }

  #readData(view: DataView, id: number, at: number, end: number, context: Context): void {
    const known = this.#templates.get(keyOf(context, id));
    if (known === undefined) {
      this.skipped.add('sets of records whose template was not seen');
      return;
    }
    const { template, isOptions } = known;
    // What is shorter than the shortest record is padding.
    while (end - at >= template.minLength) {
      at = template.read(view, at, end, context);
      if (at < 0) {
        this.skipped.add('records longer than their set');
        return;
      }
      if (isOptions) {
        context.exporter.learn(template);
        continue;
      }
      const record = recordOf(template, context.exporter.rateFor(template));
      if (typeof record === 'string') this.skipped.add(record);
      else this.#onRecord(record);
    }
  }

  #fail(found: string, allowed: string, at = this.#chunks.position): never {
    const offset = this.#chunks.offset + at - this.#chunks.position;
    throw new InputError(`byte ${offset}: found ${found}; allowed: ${allowed}`);
  }
}

function keyOf({ domain }: Context, id: number): number {
  return domain * 65_536 + id;
}

/** Makes room for one more. Maps are in order of insertion. */
function forgetOldest(map: Map<number, unknown>, limit: number): void {
  if (map.size < limit) return;
  for (const [oldest] of map) {
    map.delete(oldest);
    return;
  }
}
