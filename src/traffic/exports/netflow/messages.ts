/**
 * Messages being written: a header, then sets, each of them a template's records under the template's number. IPFIX
 * (RFC 7011) and NetFlow v9 (RFC 3954) share this form and differ in the header, in the numbers of sets that hold templates,
 * and in what is counted; that is the dialect's.
 *
 * There is one buffer of one message. A record is written where it will lie in it, and a message that is full leaves,
 * so writing allocates nothing.
 */
import type { Outlet } from '../outlet.js';
import type { Element } from './elements.js';
import type { OptionsElements } from './samplers.js';

/** What a message's header tells. */
export interface MessageFacts {
  readonly bytes: number;
  /** Records of any kind in this message, templates included. */
  readonly records: number;
  /** Data records of all messages before this one, those of options included. */
  readonly dataRecordsBefore: number;
  /** Messages before this one. */
  readonly messagesBefore: number;
}

export interface Dialect {
  readonly headerBytes: number;
  /** Numbers of the sets that hold templates. */
  readonly templateSet: number;
  readonly optionsTemplateSet: number;
  /** True where an options template counts bytes of its parts, false where it counts fields. */
  readonly countsBytes: boolean;
  putHeader(view: DataView, facts: MessageFacts): void;
}

/** A template of data records, or of options where it has a scope. */
export interface Template<T> {
  readonly id: number;
  readonly scope?: readonly Element<T>[];
  readonly elements: readonly Element<T>[];
  /** Of a record. */
  readonly length: number;
}

export function dataTemplate<T>(id: number, elements: readonly Element<T>[]): Template<T> {
  return { id, elements, length: lengthOf(elements) };
}

export function optionsTemplate(id: number, { scope, options }: OptionsElements) {
  const elements = [...scope, ...options];
  return { id, scope, elements, length: lengthOf(elements) };
}

function lengthOf(elements: readonly Element<never>[]): number {
  return elements.reduce((sum, { length }) => sum + length, 0);
}

const SET_HEADER = 4;
const ENTERPRISE_BIT = 0x8000;

export class Messages {
  readonly #dialect: Dialect;
  readonly #outlet: Outlet;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #used: number;
  #setAt = 0;
  #setId = 0;
  #records = 0;
  #dataRecords = 0;
  #dataRecordsBefore = 0;
  #messages = 0;

  /** @param maxBytes of a message. */
  constructor(dialect: Dialect, outlet: Outlet, maxBytes: number) {
    this.#dialect = dialect;
    this.#outlet = outlet;
    // Sets are filled up to a multiple of four bytes, and headers are one: so no message grows beyond this.
    this.#bytes = new Uint8Array(maxBytes - (maxBytes % 4));
    this.#view = new DataView(this.#bytes.buffer);
    this.#used = dialect.headerBytes;
  }

  /** Messages sent. */
  get sent(): number {
    return this.#messages;
  }

  /** True when nothing waits in the buffer. */
  get isEmpty(): boolean {
    return this.#records === 0;
  }

  /** Whether a data record of this template goes into the message that is being written. */
  hasRoom(template: { readonly id: number; readonly length: number }): boolean {
    const needed = template.length + (this.#setId === template.id ? 0 : SET_HEADER + 3);
    return this.#used + needed <= this.#bytes.length;
  }

  /** Adds a data record; the message before it is sent when it is full. */
  data<T>(template: Template<T>, from: T): void {
    if (!this.hasRoom(template)) this.send();
    if (this.#setId !== template.id) this.#openSet(template.id);
    let at = this.#used;
    for (const element of template.elements) {
      element.put(this.#view, at, from);
      at += element.length;
    }
    this.#used = at;
    this.#records += 1;
    this.#dataRecords += 1;
  }

  /** Adds a template, in a set of its own: there are collectors that read the first of a set only. */
  template<T>({ id, scope, elements }: Template<T>): void {
    const enterprises = elements.filter(({ enterprise }) => enterprise !== undefined).length;
    const needed = SET_HEADER + 6 + 4 * (elements.length + enterprises) + 6;
    if (this.#used + needed > this.#bytes.length) this.send();
    this.#closeSet();
    this.#openSet(scope === undefined ? this.#dialect.templateSet : this.#dialect.optionsTemplateSet);
    this.#put16(id);
    if (scope === undefined) this.#put16(elements.length);
    else this.#optionsCounts(scope.length, elements.length);
    for (const { id: number, length, enterprise } of elements) {
      this.#put16(enterprise === undefined ? number : number | ENTERPRISE_BIT);
      this.#put16(length);
      if (enterprise === undefined) continue;
      this.#view.setUint32(this.#used, enterprise);
      this.#used += 4;
    }
    this.#records += 1;
    this.#closeSet();
  }

  /** Sends what has been written, if anything has. */
  send(): void {
    if (this.isEmpty) return;
    this.#closeSet();
    this.#dialect.putHeader(this.#view, {
      bytes: this.#used,
      records: this.#records,
      dataRecordsBefore: this.#dataRecordsBefore,
      messagesBefore: this.#messages,
    });
    this.#outlet.write(this.#bytes.subarray(0, this.#used));
    this.#messages += 1;
    this.#dataRecordsBefore += this.#dataRecords;
    this.#records = this.#dataRecords = 0;
    this.#used = this.#dialect.headerBytes;
  }

  #optionsCounts(scopes: number, all: number): void {
    const { countsBytes } = this.#dialect;
    this.#put16(countsBytes ? 4 * scopes : all);
    this.#put16(countsBytes ? 4 * (all - scopes) : scopes);
  }

  #openSet(id: number): void {
    this.#closeSet();
    this.#setAt = this.#used;
    this.#setId = id;
    this.#put16(id);
    this.#put16(0);
  }

  /** Sets end at a multiple of four bytes. */
  #closeSet(): void {
    if (this.#setAt === 0) return;
    while (this.#used % 4 !== 0) this.#bytes[this.#used++] = 0;
    this.#view.setUint16(this.#setAt + 2, this.#used - this.#setAt);
    this.#setAt = this.#setId = 0;
  }

  #put16(value: number): void {
    this.#view.setUint16(this.#used, value);
    this.#used += 2;
  }
}
