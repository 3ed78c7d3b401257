/**
 * What a run leaves behind, held against the contract of the run directory: every file is there, says what it
 * should, and agrees with the others and with the schedules that were to be played.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { compileRound, requestOf } from '../../orchestrator/schedules/index.js';
import { readCapture } from '../../src/capture/index.js';
import type {
  MetricsLine,
  RunManifest,
  RunSummary,
  TraceHeader,
  TraceOperation,
} from '../../src/run/files.js';
import { loadScenario, topologyOf } from '../../src/scenario/index.js';
import { parameterCount, readSafetensors, weightsSha256 } from '../../src/training/index.js';
import { scratchFolder } from '../support/files.js';
import { completeRun, manifestOf, readJson, readJsonLines, TINY, TINY_DDP } from '../support/meshbeat.js';
import type { Ended } from '../support/meshbeat.js';

const folder = scratchFolder();

describe.each([
  ['diloco', TINY],
  ['ddp', TINY_DDP],
])('the directory of a %s run', (protocol, file) => {
  const out = join(folder, protocol);
  const scenario = loadScenario(file);
  const topology = topologyOf(scenario);
  const schedules = Array.from({ length: scenario.rounds }, (_, round) =>
    compileRound({ ...requestOf(scenario), round }),
  );
  let directory: string;
  let summary: RunSummary;
  let manifest: RunManifest;
  let ended: Ended;
  const at = (name: string): string => join(directory, name);

  beforeAll(async () => {
    ({ directory, summary, ended } = await completeRun(file, out));
    manifest = manifestOf(directory);
  });

  test('--json: standard output is one document, and what is for people is not in it', () => {
    const { stdout, stderr } = ended;
    expect(stdout.trimEnd()).toBe(JSON.stringify(summary, null, 2));
    expect(stderr).toContain(`round ${scenario.rounds}/${scenario.rounds}`);
    expect(stderr).toMatch(/^gate (valid$|invalid: )/m);
    expect(stderr).toContain(directory.slice(directory.indexOf(out)));
  });

  test('has all files, and latest points to it', () => {
    const expected = ['capture.pcapng', 'manifest.json', 'metrics.jsonl', 'scenario.yaml', 'summary.json'];
    expect(readdirSync(directory).sort()).toEqual([...expected, 'trace.jsonl', 'weights.safetensors']);
    expect(readlinkSync(join(out, 'latest'))).toBe(basename(directory));
    expect(manifest.id).toBe(basename(directory));
  });

  test('manifest: lists every other file with size and SHA-256', () => {
    const listed = Object.fromEntries(manifest.files.map((entry) => [entry.name, entry]));
    for (const name of readdirSync(directory).filter((entry) => entry !== 'manifest.json')) {
      const sha256 = createHash('sha256')
        .update(readFileSync(at(name)))
        .digest('hex');
      expect(listed[name]).toEqual({ name, bytes: statSync(at(name)).size, sha256 });
    }
    expect(manifest.files).toHaveLength(6);
  });

  test('manifest: says what was run, how, and how it ended', () => {
    expect(manifest).toMatchObject({ scenario: scenario.name, seed: scenario.seed, outcome: 'done' });
    expect(manifest).toMatchObject({ fabric: summary.fabric, captureKind: summary.capture?.kind });
    expect(manifest.gate).toEqual(summary.gate);
    expect(Date.parse(manifest.endedAt)).toBeGreaterThan(Date.parse(manifest.startedAt));
  });

  test('summary: every figure of the contract, with a plausible value', () => {
    expect(readJson(at('summary.json'))).toEqual(summary);
    expect(summary).toMatchObject({ protocol, nodes: 3, rounds: 4, scenario: scenario.name });
    expect(Math.min(summary.durationSeconds, summary.utilization)).toBeGreaterThan(0);
    expect(summary.utilization).toBeLessThan(1);
    const { heartbeat, expected, training } = summary;
    for (const value of Object.values(expected)) expect(value).toBeGreaterThan(0);
    expect(training.parameters).toBe(parameterCount(scenario.model));
    expect(training.finalLoss).toBeLessThan(training.initialLoss);
    expect(training.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    // Four rounds so short need not look like a beat on every machine; where they do, it is all there.
    if (heartbeat !== null) {
      expect(Object.keys(heartbeat).sort()).toEqual(
        ['burstBytesPerNode', 'burstSeconds', 'count', 'dutyCycle', 'periodCv', 'periodSeconds'].sort(),
      );
    }
  });

  test('summary: the gate made its checks', () => {
    const names = summary.gate.checks.map(({ name }) => name);
    for (const part of ['round trip', 'rate', 'pace', 'lateness', 'event loop', 'payload', 'weights']) {
      expect(names.join('\n')).toContain(part);
    }
    const allOk = summary.gate.checks.every(({ ok }) => ok);
    expect(summary.gate.verdict).toBe(allOk ? 'valid' : 'invalid');
  });

  test('capture: as many packets and bytes as the summary says, during the run, named', async () => {
    let bytes = 0;
    const info = await readCapture(at('capture.pcapng'), (packet) => (bytes += packet.originalLength));
    expect(summary.capture).toMatchObject({ file: 'capture.pcapng', packets: info.packets, bytes });
    expect(info.truncatedAt).toBeUndefined();
    expect([...info.names]).toEqual(
      expect.arrayContaining(topology.nodes.map(({ address, name }) => [address, name])),
    );
    expect(Number(info.firstNs) / 1e6).toBeGreaterThan(Date.parse(manifest.startedAt));
    expect(Number(info.lastNs) / 1e6).toBeLessThan(Date.parse(manifest.endedAt));
  });

  test('trace: every operation of every round and rank, once, as scheduled', () => {
    const [header, ...lines] = readJsonLines<TraceHeader | TraceOperation>(at('trace.jsonl'));
    expect(header).toMatchObject({ type: 'header', version: 1 });
    expect((header as TraceHeader).nodes).toEqual(
      topology.nodes.map(({ rank, name, address }) => ({ rank, name, address })),
    );
    const operations = lines as TraceOperation[];
    const scheduled = schedules.flatMap(({ round, parts }) =>
      parts.flatMap(({ rank, operations: part }) =>
        part.map((operation) => ({
          ...{ type: 'operation', node: topology.nodes[rank]?.name, rank, round },
          ...{ id: operation.id, kind: operation.kind, stream: operation.stream },
          ...('peer' in operation ? { peer: operation.peer, bytes: operation.bytes } : {}),
        })),
      ),
    );
    const key = ({ round, rank, id }: Pick<TraceOperation, 'round' | 'rank' | 'id'>): number =>
      (round * 1000 + rank) * 100_000 + id;
    const inOrder = operations.sort((a, b) => key(a) - key(b));
    expect(inOrder.map(({ start: _start, end: _end, ...rest }) => rest)).toEqual(
      scheduled.sort((a, b) => key(a) - key(b)),
    );
  });

  test('trace: nothing starts before what it depends on has ended', () => {
    const lines = readJsonLines<TraceHeader | TraceOperation>(at('trace.jsonl'));
    const played = new Map(
      lines.flatMap((line) =>
        line.type === 'header' ? [] : [[`${line.round}/${line.rank}/${line.id}`, line] as const],
      ),
    );
    for (const { round, parts } of schedules) {
      for (const { rank, operations } of parts) {
        for (const { id, after } of operations) {
          const operation = played.get(`${round}/${rank}/${id}`);
          expect(operation?.end).toBeGreaterThanOrEqual(operation?.start ?? Infinity);
          for (const before of after) {
            expect(operation?.start).toBeGreaterThanOrEqual(
              played.get(`${round}/${rank}/${before}`)?.end ?? Infinity,
            );
          }
        }
      }
    }
  });

  test('metrics: a line per node and reading, counters that only grow', () => {
    const lines = readJsonLines<MetricsLine>(at('metrics.jsonl'));
    for (const { rank, name } of topology.nodes) {
      const own = lines.filter((line) => line.rank === rank);
      expect(own.length).toBeGreaterThan(1);
      expect(new Set(own.map(({ node }) => node))).toEqual(new Set([name]));
      const counters = [
        'time',
        'egressBytes',
        'egressPackets',
        'ingressBytes',
        'ingressPackets',
        'steps',
      ] as const;
      for (const counter of counters) {
        const values = own.map((line) => line[counter]);
        expect(values).toEqual([...values].sort((a, b) => a - b));
      }
      expect(own.at(-1)?.egressBytes).toBeGreaterThan(0);
      expect(own.at(-1)?.steps).toBeGreaterThan(0);
      expect(own.at(-1)?.loss).toBeGreaterThan(0);
    }
  });

  test('weights: those that the summary names', async () => {
    const { layout, parameters, metadata } = await readSafetensors(at('weights.safetensors'));
    expect(weightsSha256(parameters)).toBe(summary.training.weightsSha256);
    expect(layout.reduce((sum, { length }) => sum + length, 0)).toBe(summary.training.parameters);
    expect(metadata).toMatchObject({ scenario: scenario.name, seed: '1', rounds: '4' });
  });

  test('scenario: loads back as the one that was run', () => {
    expect(loadScenario(at('scenario.yaml'))).toEqual(scenario);
  });

  test('no private key anywhere', () => {
    for (const name of readdirSync(directory)) {
      expect(readFileSync(at(name)).includes('PRIVATE KEY'), name).toBe(false);
    }
  });
});
