/** The command end to end, short of the process around it: a scenario file in, text or JSON out. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { scheduleCommand } from '../../src/cli/schedule.js';
import { bytesText, secondsText } from '../../src/cli/text.js';
import { InputError } from '../../src/errors.js';

const SCENARIO = `
name: small
rounds: 6
protocol: { kind: diloco, innerSteps: 3 }
pace: 200 ms
model: { layers: 1, width: 32, heads: 2, context: 16 }
nodes:
  - { region: us-east, uplink: 10 Mbit/s }
  - { region: us-west, uplink: 10 Mbit/s }
  - { region: eu-west, uplink: 20 Mbit/s }
`;

interface Document {
  worldSize: number;
  round: number;
  bufferBytes: number;
  closedFormBytesPerNode: number;
  expected: { periodSeconds: number; burstSeconds: number; dutyCycle: number };
  nodes: { name: string; sentBytes: number; wireBytes: number; uplink: number }[];
  operations: { kind: string; rank: number; start: number; end: number; bytes?: number }[];
}

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'meshbeat-schedule-'));
  file = join(folder, 'small.yaml');
  writeFileSync(file, SCENARIO);
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

async function output(...args: string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    await scheduleCommand().parseAsync(args, { from: 'user' });
  } finally {
    vi.restoreAllMocks();
  }
  return text;
}

const document = async (...args: string[]) => JSON.parse(await output(file, '--json', ...args)) as Document;

describe('meshbeat schedule', () => {
  it('draws the round and tells its bytes and its heartbeat', async () => {
    const text = await output(file, '--width', '90');
    expect(text).toContain('diloco, round 1 of 0…5');
    expect(text).toContain('3 inner steps');
    expect(text).toMatch(/us-east .*10 Mbit\/s/);
    expect(text).toMatch(
      /expected heartbeat {3}period [\d.]+ m?s {3}burst [\d.]+ m?s {3}duty cycle [\d.]+ %/,
    );
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
  });

  it('prints one JSON document whose figures agree with each other', async () => {
    const { worldSize, round, bufferBytes, closedFormBytesPerNode, expected, nodes, operations } =
      await document();
    expect([worldSize, round]).toEqual([3, 1]);
    expect(nodes.map(({ name }) => name)).toEqual(['us-east', 'us-west', 'eu-west']);
    expect(closedFormBytesPerNode).toBeCloseTo((bufferBytes * 4) / 3, 6);
    expect(nodes.reduce((sum, { sentBytes }) => sum + sentBytes, 0)).toBe(bufferBytes * 4);
    for (const { wireBytes, sentBytes } of nodes) expect(wireBytes).toBeGreaterThan(sentBytes);
    expect(expected.periodSeconds).toBeGreaterThan(
      3 * 0.2 + Math.max(...nodes.map((n) => (8 * n.sentBytes) / n.uplink)),
    );
    expect(expected.dutyCycle).toBeCloseTo(expected.burstSeconds / expected.periodSeconds, 12);
    expect(Math.min(...operations.map(({ start }) => start))).toBe(0);
    const sent = operations.filter(({ kind, rank }) => kind === 'send' && rank === 0);
    expect(sent.reduce((sum, { bytes = NaN }) => sum + bytes, 0)).toBe(nodes[0]?.sentBytes);
  });

  it('obeys --set and --round', async () => {
    const before = await document();
    const after = await document('--set', 'pace=400 ms', '--set', 'protocol.slice=1024', '--round', '5');
    expect(after.round).toBe(5);
    expect(after.expected.periodSeconds - before.expected.periodSeconds).toBeGreaterThan(0.4);
    expect(after.operations.length).toBeGreaterThan(before.operations.length);
  });

  it('draws round 0 where there is no other', async () => {
    expect((await document('--set', 'rounds=1')).round).toBe(0);
  });

  it.each([
    [['--round', '6'], /--round: found 6; allowed: 0 to 5/],
    [['--round', 'first'], /--round: found "first"; allowed: a whole number from 0/],
    [['--width', '12'], /--width: found "12"; allowed: a whole number from 60 to 1000/],
    [['--seed', '-1'], /--seed: found "-1"/],
    [['--set', 'protocol.slice=2'], /protocol\.slice/],
  ])('refuses %j', async (args, message) => {
    const failure: unknown = await output(file, ...args).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InputError);
    expect(String(failure)).toMatch(message);
  });
});

describe('text', () => {
  it('rounds to three digits and picks the prefix', () => {
    expect([0, 999, 999.6, 3_297_792, 1.5e15].map(bytesText)).toEqual([
      '0 B',
      '999 B',
      '1 kB',
      '3.3 MB',
      '1500 TB',
    ]);
    expect([0, 0.02, 0.99996, 5.0739, 12_345].map(secondsText)).toEqual([
      '0 ms',
      '20 ms',
      '1000 ms',
      '5.07 s',
      '12345 s',
    ]);
  });
});
