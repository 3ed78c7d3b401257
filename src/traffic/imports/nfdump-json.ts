/**
 * `nfdump -o json` (an array, an object over many lines) and `-o ndjson` of later versions (an object a line). The
 * objects are flat in both, so an object ends with the first line that ends with its brace.
 */
import { InputError } from '../../errors.js';
import type { LineFormat, LineOutcome } from './line-import.js';
import { nfdumpRecord } from './nfdump.js';

const MAX_OBJECT = 65_536;

export class NfdumpJsonFormat implements LineFormat {
  #object = '';

  line(line: string): LineOutcome {
    const text = line.trim();
    if (this.#object === '' && (text === '[' || text === ']' || text === ',' || text === ''))
      return undefined;
    this.#object += text;
    if (this.#object.length > MAX_OBJECT) {
      throw new InputError(
        `found an object of more than ${MAX_OBJECT} bytes; allowed: the output of nfdump -o json`,
      );
    }
    const end = /\}[,\]\s]*$/.exec(text);
    if (end === null) return undefined;
    const source = this.#object.slice(this.#object.indexOf('{'), this.#object.lastIndexOf('}') + 1);
    this.#object = '';
    return this.#read(source);
  }

  /** An array that was cut off ends within an object. */
  isUnfinished(): boolean {
    return this.#object !== '';
  }

  #read(source: string): LineOutcome {
    let object: unknown;
    try {
      object = JSON.parse(source);
    } catch {
      return 'objects that are no JSON';
    }
    if (typeof object !== 'object' || object === null) return undefined;
    const values: Readonly<Record<string, unknown>> = { ...object };
    if (values['type'] !== undefined && values['type'] !== 'FLOW') return 'objects that are no flows';
    const text = (...names: string[]) => {
      const value = names.map((name) => values[name]).find((candidate) => candidate !== undefined);
      return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    };
    const icmp = text('icmp_type') === '' ? '' : `${text('icmp_type')}.${text('icmp_code')}`;
    return nfdumpRecord({
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
    });
  }
}
