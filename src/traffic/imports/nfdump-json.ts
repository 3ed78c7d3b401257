/**
 * `nfdump -o json` (an array, an object over many lines) and `-o ndjson` of later versions (an object a line). The
 * objects are flat in both, so an object ends with the first line that ends with its brace.
 */
import { InputError } from '../../errors.js';
import type { FlowHandler } from '../flows/record.js';
import type { FlowImport } from './import.js';
import { Skips } from './import.js';
import { Lines } from './lines.js';
import { emitNfdump } from './nfdump.js';

const MAX_OBJECT = 65_536;

export class NfdumpJsonImport implements FlowImport {
  readonly skipped = new Skips();
  readonly #lines: Lines;
  readonly #onRecord: FlowHandler;
  #object = '';

  constructor(onRecord: FlowHandler) {
    this.#onRecord = onRecord;
    this.#lines = new Lines((line) => this.#line(line));
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  /** An array that was cut off ends within an object. */
  finish(): number | undefined {
    this.#lines.finish();
    return this.#object === '' ? undefined : this.#lines.offset;
  }

  #line(line: string): void {
    const text = line.trim();
    if (this.#object === '' && (text === '[' || text === ']' || text === ',' || text === '')) return;
    this.#object += text;
    if (this.#object.length > MAX_OBJECT) {
      throw new InputError(
        `found an object of more than ${MAX_OBJECT} bytes; allowed: the output of nfdump -o json`,
      );
    }
    const end = /\}[,\]\s]*$/.exec(text);
    if (end === null) return;
    const source = this.#object.slice(this.#object.indexOf('{'), this.#object.lastIndexOf('}') + 1);
    this.#object = '';
    this.#read(source);
  }

  #read(source: string): void {
    let object: unknown;
    try {
      object = JSON.parse(source);
    } catch {
      this.skipped.add('objects that are no JSON');
      return;
    }
    if (typeof object !== 'object' || object === null) return;
    const values: Readonly<Record<string, unknown>> = { ...object };
    if (values['type'] !== undefined && values['type'] !== 'FLOW') {
      this.skipped.add('objects that are no flows');
      return;
    }
    const text = (...names: string[]) => {
      const value = names.map((name) => values[name]).find((candidate) => candidate !== undefined);
      return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    };
    const icmp = text('icmp_type') === '' ? '' : `${text('icmp_type')}.${text('icmp_code')}`;
    emitNfdump(
      {
        first: text('first', 't_first'),
        last: text('last', 't_last'),
        duration: '',
        protocol: text('proto'),
        source: text('src4_addr', 'src6_addr'),
        sourcePort: text('src_port'),
        destination: text('dst4_addr', 'dst6_addr'),
        destinationPort: icmp === '' ? text('dst_port') : icmp,
        flags: text('tcp_flags'),
        packets: text('in_packets'),
        octets: text('in_bytes'),
        backPackets: text('out_packets'),
        backOctets: text('out_bytes'),
      },
      this.skipped,
      this.#onRecord,
    );
  }
}
