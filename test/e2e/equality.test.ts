/** The capture of a real run: our counts beside those of capinfos, tshark and nfpcapd, the same packets for all. */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { CaptureKind } from '../../src/run/files.js';
import { analyzeCapture } from '../../src/traffic/index.js';
import { scratchFolder } from '../support/files.js';
import { completeRun, TINY } from '../support/meshbeat.js';
import { all, netns, tools } from '../support/needs.js';
import { nfpcapdRecords, recordsAsNfpcapd } from '../support/nfpcapd.js';
import { describeIf } from '../support/requires.js';
import { expectWiresharkCounts } from '../support/wireshark-counts.js';

const folder = scratchFolder();
/** tcpdump's has Ethernet frames, the shaper's IP packets alone. */
const kinds: readonly CaptureKind[] = ['tcpdump', 'shaper'];

for (const kind of kinds) {
  const obstacle = all(netns(), tools('tcpdump', 'tshark', 'capinfos', 'nfpcapd', 'nfdump'));
  describeIf(obstacle, `the capture of a run, by ${kind}`, () => {
    let file: string;
    beforeAll(async () => {
      const out = join(folder, kind);
      const run = await completeRun(TINY, out, '--fabric', 'netns', '--set', `capture.kind=${kind}`);
      file = join(run.directory, 'capture.pcapng');
    });

    test('has the counts of capinfos, and the conversations of tshark', async () => {
      const report = await analyzeCapture(file);
      expect(report.flows.length).toBeGreaterThan(2);
      expectWiresharkCounts(file, report);
    });

    test.each([
      [300, 60],
      [2, 1],
    ])('has the flow records of nfpcapd, with timeouts %i and %i', async (active, idle) => {
      const theirs = nfpcapdRecords(file, active, idle);
      expect(theirs.length).toBeGreaterThan(2);
      expect(await recordsAsNfpcapd(file, active, idle)).toEqual(theirs);
    });
  });
}
