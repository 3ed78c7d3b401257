/** `nfdump -o csv`: a table with a header, and a summary behind it. */
import { positionsOf } from './line-import.js';
import type { LineFormat, LineOutcome } from './line-import.js';
import { nfdumpRecord } from './nfdump.js';
import type { NfdumpFlow } from './nfdump.js';

/** Names of the columns, of nfdump 1.6 and 1.7 and, behind them, of 1.7.3 and later. */
const aliases: Readonly<Record<keyof NfdumpFlow, readonly string[]>> = {
  first: ['ts', 'firstSeen'],
  last: ['te', 'lastSeen'],
  duration: ['td', 'duration'],
  protocol: ['pr', 'proto'],
  source: ['sa', 'srcAddr'],
  sourcePort: ['sp', 'srcPort'],
  destination: ['da', 'dstAddr'],
  destinationPort: ['dp', 'dstPort'],
  flags: ['flg', 'flags'],
  packets: ['ipkt', 'packets', 'inPackets'],
  octets: ['ibyt', 'bytes', 'inBytes'],
  backPackets: ['opkt', 'outPackets'],
  backOctets: ['obyt', 'outBytes'],
};

const needed: readonly (keyof NfdumpFlow)[] = [
  'first',
  'source',
  'destination',
  'protocol',
  'packets',
  'octets',
];

export class NfdumpCsvFormat implements LineFormat {
  /** Position of each value in a line; -1 for none. */
  #positions: Readonly<Record<keyof NfdumpFlow, number>> | undefined;
  #isOver = false;

  line(line: string): LineOutcome {
    if (line === 'Summary') this.#isOver = true;
    if (this.#isOver || line === '') return undefined;
    const positions = this.#positions;
    if (positions === undefined) {
      this.#positions = positionsOf(line.split(','), aliases, needed, 'the output of nfdump -o csv');
      return undefined;
    }
    // nfdump quotes nothing.
    const cells = line.split(',');
    const cell = (key: keyof NfdumpFlow) => cells[positions[key]] ?? '';
    return nfdumpRecord({
      first: cell('first'),
      last: cell('last'),
      duration: cell('duration'),
      protocol: cell('protocol'),
      source: cell('source'),
      sourcePort: cell('sourcePort'),
      destination: cell('destination'),
      destinationPort: cell('destinationPort'),
      flags: cell('flags'),
      packets: cell('packets'),
      octets: cell('octets'),
      backPackets: cell('backPackets'),
      backOctets: cell('backOctets'),
    });
  }
}
