/** Flow records as a property test draws them: everything that a record can say. */
import fc from 'fast-check';
import type { Address } from '../../src/capture/index.js';
import type { FlowEndReason, FlowRecord } from '../../src/traffic/flows/record.js';

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const ipv4 = word.map((first): Address => ({ version: 4, words: [first, 0, 0, 0] }));
const ipv6 = fc.tuple(word, word, word, word).map((words): Address => ({ version: 6, words }));
const ends = fc.oneof(fc.tuple(ipv4, ipv4), fc.tuple(ipv6, ipv6));
const port = fc.integer({ min: 0, max: 65_535 });
const counts = fc.record({
  packets: fc.integer({ min: 0, max: 2 ** 40 }),
  octets: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  tcpFlags: fc.integer({ min: 0, max: 255 }),
});

export const flowRecords: fc.Arbitrary<FlowRecord> = fc
  .record({
    ends,
    ports: fc.tuple(port, port),
    protocol: fc.integer({ min: 0, max: 255 }),
    startMicros: fc.integer({ min: 0, max: 4e15 }),
    duration: fc.integer({ min: 0, max: 1e12 }),
    forward: counts,
    backward: counts,
    endReason: fc.integer({ min: 1, max: 5 }),
    samplingRate: fc.constantFrom(1, 2, 1000, 1.5),
  })
  .map(
    ({
      ends: [source, destination],
      ports: [sourcePort, destinationPort],
      duration,
      endReason,
      ...rest
    }) => ({
      ...rest,
      source,
      destination,
      sourcePort,
      destinationPort,
      endMicros: rest.startMicros + duration,
      endReason: endReason as FlowEndReason,
    }),
  );
