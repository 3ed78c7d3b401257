/** What observers see of a run: each point's capture is the part of the bridge's that tshark finds for its hosts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { scratchFolder } from '../support/files.js';
import { completeRun, manifestOf, TINY, type CompletedRun } from '../support/meshbeat.js';
import { all, netns, tools } from '../support/needs.js';
import { describeIf } from '../support/requires.js';
import { tsharkFields, tsharkHosts } from '../support/tshark.js';

const POINTS = `
capture:
  points:
    - { exchange: us-west }
    - { isp: cable, customers: [us-east, eu-west] }
    - { link: eu-west }
    - { isp: dsl, share: 34 % }
`;
const ADDRESSES: Readonly<Record<string, string>> = {
  'us-east': '10.77.0.1',
  'us-west': '10.77.0.2',
  'eu-west': '10.77.0.3',
};
const FIELDS = ['frame.time_epoch', 'ip.src', 'ip.dst', 'ip.id', 'frame.len'];

const folder = scratchFolder();

describeIf(all(netns(), tools('tshark', 'tcpdump')), 'observation points, seen by tshark', () => {
  let run: CompletedRun;
  let whole: string[][];
  beforeAll(async () => {
    const scenario = join(folder, 'tiny.yaml');
    writeFileSync(scenario, readFileSync(TINY, 'utf8') + POINTS);
    run = await completeRun(scenario, folder, '--fabric', 'netns');
    whole = tsharkFields(join(run.directory, 'capture.pcapng'), 'ip', FIELDS);
  });

  test('there is one for each point of the scenario, and the manifest lists its file', () => {
    const { observations } = run.summary;
    expect(observations.map(({ point }) => point)).toEqual([
      'exchange-us-west',
      'isp-cable',
      'link-eu-west',
      'isp-dsl',
    ]);
    expect(observations.map(({ hosts }) => hosts.length)).toEqual([1, 2, 1, 1]);
    const files = manifestOf(run.directory).files.map(({ name }) => name);
    for (const { file } of observations) expect(files).toContain(file);
  });

  test('each has its packets, all of them and no others, unchanged and in their order', () => {
    for (const { file, hosts, packets, bytes } of run.summary.observations) {
      const seen = tsharkFields(join(run.directory, file), 'ip', FIELDS);
      const own = hosts.map((host) => ADDRESSES[host]);
      const expected = whole.filter(([, from, to]) => own.includes(from) || own.includes(to));
      expect(seen, file).toEqual(expected);
      expect(packets).toBe(expected.length);
      expect(bytes).toBe(expected.reduce((sum, fields) => sum + Number(fields[4]), 0));
      expect(packets).toBeGreaterThan(100);
      expect(packets).toBeLessThan(hosts.length === 1 ? whole.length : whole.length + 1);
    }
  });

  test('each names the nodes, and sees the beat that the bridge sees', () => {
    const period = run.summary.heartbeat!.periodSeconds;
    for (const { file, heartbeat } of run.summary.observations) {
      expect(tsharkHosts(join(run.directory, file))).toContainEqual(['10.77.0.3', 'eu-west']);
      expect(heartbeat, file).not.toBeNull();
      expect(Math.abs(heartbeat!.periodSeconds - period)).toBeLessThan(0.1 * period);
    }
  });
});
