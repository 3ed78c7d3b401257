/** Flow files: each kind's reader, fed in pieces; what it makes must be a record that others can count. */
import { BiflowJoiner, detect, flowImport, trafficKinds } from '../../../src/traffic/imports/index.js';
import type { TrafficKind } from '../../../src/traffic/imports/index.js';
import type { FlowRecord } from '../../../src/traffic/index.js';
import { promise } from '../target.js';
import type { FuzzTarget } from '../target.js';

function look({ startMicros, endMicros, forward, backward, ...record }: FlowRecord): void {
  const numbers = [
    startMicros,
    endMicros,
    forward.packets,
    forward.octets,
    backward.packets,
    backward.octets,
  ];
  promise(numbers.every(Number.isFinite), 'times and counts are numbers');
  promise(
    [forward, backward].every(({ packets, octets }) => packets >= 0 && octets >= 0),
    'counts are not negative',
  );
  const ports = [record.sourcePort, record.destinationPort];
  promise(
    ports.every((port) => Number.isInteger(port) && port >= 0 && port <= 0xffff),
    'ports have 16 bits',
  );
  promise(record.samplingRate > 0, 'the sampling rate is positive');
}

function readerTarget(kind: Exclude<TrafficKind, 'capture'>): FuzzTarget {
  return {
    name: kind,
    run(input) {
      let records = 0;
      const joiner = new BiflowJoiner(look);
      const reader = flowImport(kind, (record) => {
        look(record);
        records += 1;
        joiner.add(record);
      });
      const size = 1 + ((input.at(-1) ?? 0) % 3) * 400 + (input.length % 61);
      for (let at = 0; at < input.length; at += size) reader.push(input.slice(at, at + size));
      reader.finish();
      joiner.finish();
      promise(records <= input.length, 'there are no more records than bytes');
    },
  };
}

const detection: FuzzTarget = { name: 'detect', run: (input) => void detect(input) };

export const targets: readonly FuzzTarget[] = [
  detection,
  ...trafficKinds.flatMap((kind) => (kind === 'capture' ? [] : [readerTarget(kind)])),
];
