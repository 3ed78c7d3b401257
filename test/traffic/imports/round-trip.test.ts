/** What our exporters write our importers read back: IPFIX and NetFlow v9, whose other judges are nfdump and tshark. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FlowRecord } from '../../../src/traffic/flows/record.js';
import { exportFormatNamed } from '../../../src/traffic/exports/index.js';
import { MessageImport } from '../../../src/traffic/imports/index.js';
import { exportSettings, MemoryOutlet } from '../../support/exporting.js';
import { flowRecords } from '../../support/flow-records.js';

async function thereAndBack(name: string, records: readonly FlowRecord[], given = {}): Promise<FlowRecord[]> {
  const outlet = new MemoryOutlet();
  const format = exportFormatNamed(name);
  if (format.eats !== 'records') expect.fail('a format of packets');
  const settings = { ...exportSettings, biflow: name === 'ipfix' };
  const sink = await format.open({ settings, outlet }, given);
  for (const record of records) sink.record(record);
  await sink.finish();
  const back: FlowRecord[] = [];
  const reader = new MessageImport((record) => back.push(record));
  reader.push(outlet.bytes);
  expect(reader.finish()).toBeUndefined();
  expect(reader.skipped.list()).toEqual([]);
  return back;
}

/** What the formats can say: the sampling rate is the session's, and something went from the source. */
const sayable = flowRecords
  .filter(
    ({ protocol, forward, backward }) =>
      protocol !== 1 && protocol !== 58 && forward.packets > 0 && backward.packets > 0,
  )
  .map((record) => ({
    ...record,
    samplingRate: 1,
    startMicros: record.startMicros % 2e15,
    endMicros: (record.startMicros % 2e15) + (record.endMicros - record.startMicros),
  }));
const several = fc.array(sayable, { minLength: 1, maxLength: 10 });

test('IPFIX biflows in microseconds are the same records', async () => {
  await fc.assert(
    fc.asyncProperty(several, async (records) => {
      expect(await thereAndBack('ipfix', records, { microseconds: true })).toEqual(records);
    }),
  );
});

test('IPFIX biflows in milliseconds are the same but for the digits behind', async () => {
  await fc.assert(
    fc.asyncProperty(several, async (records) => {
      const back = await thereAndBack('ipfix', records);
      const rounded = ({ startMicros, endMicros, ...rest }: FlowRecord) => ({
        ...rest,
        startMicros: Math.floor(startMicros / 1000),
        endMicros: Math.floor(endMicros / 1000),
      });
      expect(back.map(rounded)).toEqual(records.map(rounded));
    }),
  );
});
