/** Flow records as JSON, one per line: for programs of the reader's own. Counts are as observed, times in seconds. */
import { formatAddress } from '../../capture/index.js';
import type { FlowRecord } from '../flows/record.js';
import { recordFormat } from './format.js';

export const jsonl = recordFormat({
  name: 'jsonl',
  summary: 'flow records, one JSON object per line',
  to: ['file'],
  options: {},
  open: ({ outlet }) => ({
    record: (record) => outlet.write(Buffer.from(`${JSON.stringify(documentOf(record))}\n`)),
    finish: () => undefined,
  }),
});

function documentOf(record: FlowRecord): object {
  const { source, destination, startMicros, endMicros, ...rest } = record;
  return {
    startSeconds: startMicros / 1e6,
    endSeconds: endMicros / 1e6,
    source: formatAddress(source),
    destination: formatAddress(destination),
    ...rest,
  };
}
