/** The command end to end, short of the process around it: a scenario file in, text or JSON out. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DOMParser } from '@xmldom/xmldom';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { scheduleCommand } from '../../src/cli/schedule.js';
import { bytesText, secondsText } from '../../src/cli/text.js';
import { InputError } from '../../src/errors.js';
import { meshbeat, PROJECT } from '../support/meshbeat.js';

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
  closedForm: { text: string; bytesByRank: number[] };
  bubble?: { formula: number; simulated: number };
  actions?: string[];
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

it('says that events are not simulated', async () => {
  const eventful = join(folder, 'eventful.yaml');
  writeFileSync(eventful, `${SCENARIO}events: ["at 1 s set us-east.uplink 1 Mbit/s"]\n`);
  const drawn = await output(eventful, '--width', '100');
  expect(drawn).toMatch(/NOT SIMULATED {3}the scenario has 1 event; all times here/);
  expect(drawn.replace(/\n\nNOT SIMULATED.*/, '')).toBe(await output(file, '--width', '100'));
  expect(JSON.parse(await output(eventful, '--json'))).toMatchObject({
    ignoredEvents: ['at 1 s set us-east.uplink 1 Mbit/s'],
  });
});

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
    const { worldSize, round, bufferBytes, closedForm, expected, nodes, operations } = await document();
    expect([worldSize, round]).toEqual([3, 1]);
    expect(nodes.map(({ name }) => name)).toEqual(['us-east', 'us-west', 'eu-west']);
    for (const bytes of closedForm.bytesByRank) expect(bytes).toBeCloseTo((bufferBytes * 4) / 3, -1);
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

  it('writes the picture as SVG and nothing else, over what is there', async () => {
    const svg = join(folder, 'round.svg');
    writeFileSync(svg, 'x'.repeat(100_000));
    expect(await output(file, '--svg', svg)).toBe('');
    const written = readFileSync(svg, 'utf8');
    expect(elementsOf(written)).toContain('rect');
    expect(await output(file, '--svg', '-')).toBe(written);
    expect(JSON.parse(await output(file, '--svg', svg, '--json'))).toHaveProperty('closedForm');
  });

  it('tells the order of a pipeline and its bubble, and draws messages when asked', async () => {
    const pipe = join(folder, 'pipe.yaml');
    const protocol = '{ kind: pipeline, stages: 3, microbatches: 4 }';
    const changes: [RegExp, string][] = [
      [/^protocol: .*$/m, `protocol: ${protocol}`],
      [/layers: 1/, 'layers: 3'],
      [/^nodes:/m, 'training: { batch: 4 }\nnodes:'],
    ];
    writeFileSync(
      pipe,
      changes.reduce((text, [from, to]) => text.replace(from, to), SCENARIO),
    );
    const text = await output(pipe, '--width', '100');
    expect(text).toMatch(/^rank 2 2F0 2B0 2F1 2B1 2F2 2B2 2F3 2B3$/m);
    expect(text).toMatch(/^bubble {3}33\.3 % by formula, .* {3}\d\d\.\d % simulated/m);
    expect(text).not.toMatch(/^ +send/m);
    expect(await output(pipe, '--transfers')).toMatch(/^ +send/m);
    const { bubble, actions } = JSON.parse(await output(pipe, '--json')) as Document;
    expect(actions).toHaveLength(3);
    expect(bubble?.formula).toBeCloseTo(2 / 6, 12);
    // Messages between regions take time, so devices wait longer than they would without a network.
    expect(bubble?.simulated).toBeGreaterThan(2 / 6);
    expect(bubble?.simulated).toBeLessThan(1);
  });

  it('draws a part of the round', async () => {
    const text = await output(file, '--from', '300 ms', '--to', '0.5 s');
    expect(text).toContain('350 ms');
    expect(text).not.toContain('copied on arrival');
  });

  const shipped = readdirSync(join(PROJECT, 'scenarios')).filter((name) => name.endsWith('.yaml'));
  it.each(shipped)('draws %s, in both forms, and the same each time', async (name) => {
    const scenario = join(PROJECT, 'scenarios', name);
    const text = await output(scenario, '--width', '100');
    expect(text).toContain('expected heartbeat');
    expect(await output(scenario, '--width', '100')).toBe(text);
    expect(elementsOf(await output(scenario, '--svg', '-'))).toContain('rect');
  });

  it('ends with status 2 where the picture can not be written', async () => {
    const nowhere = join(folder, 'nowhere', 'round.svg');
    const { status, stdout, stderr } = await meshbeat('schedule', file, '--svg', nowhere);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/--svg: found ".*nowhere\/round\.svg" .*; allowed: a file that can be written/);
  });

  it.each([
    [['--svg', '-', '--json'], /--svg: found "-" with --json; allowed: a file/],
    [['--svg', '/'], /--svg: found "\/"/],
    [['--from', '3'], /--from: found "3"; allowed: a time of at least 0 with a unit/],
    [['--from', '2 s', '--to', '1 s'], /--to: found a time that is not after --from/],
    [['--from', '1000 s', '--svg', '-'], /--from: found a time after the end of the round/],
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

/** Names of the elements of an SVG document, which must be well formed. */
function elementsOf(svg: string): string[] {
  const onError = (level: string, message: string): never => {
    throw new Error(`${level}: ${message}`);
  };
  const document = new DOMParser({ onError }).parseFromString(svg, 'image/svg+xml');
  return [...document.getElementsByTagName('*')].map(({ tagName }) => tagName);
}

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
