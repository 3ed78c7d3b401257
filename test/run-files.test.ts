/**
 * The schemas of the run directory: they take what a run writes, and refuse what would mislead a reader. Each
 * document is put to the zod schema and to the published JSON Schema, read by another validator.
 */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  metricsLineSchema,
  runManifestSchema,
  runSummarySchema,
  traceLineSchema,
  verificationSchema,
  type MetricsLine,
  type RunManifest,
  type RunSummary,
  type TraceControl,
  type TraceHeader,
  type TraceOperation,
  type VerificationDocument,
} from '../src/run/files.js';
import { RUN_DOCUMENTS, runJsonSchema, type RunDocument } from '../src/run/json-schema.js';

/** Figures of a run of scenarios/diloco.yaml; of lists one entry of each kind. */
const summary: RunSummary = {
  scenario: 'diloco',
  protocol: 'diloco',
  nodes: 4,
  rounds: 6,
  seed: 1,
  tunnel: null,
  fabric: 'netns',
  durationSeconds: 44.45877289772034,
  heartbeat: {
    periodSeconds: 5.320000000000001,
    periodCv: 0.029158546908713695,
    burstBytesPerNode: 5330096.916666666,
    burstSeconds: 1.33,
    dutyCycle: 0.25167535368577815,
    count: 6,
  },
  expected: { periodSeconds: 5.269, burstSeconds: 1.292, burstBytesPerNode: 5299326, dutyCycle: 0.2452 },
  training: {
    parameters: 824448,
    initialLoss: 5.55285769701004,
    finalLoss: 3.238747090101242,
    weightsSha256: '810633c828213137d4dc121d8bec099fa30f6680d1991580b135f45a1569d5f4',
  },
  utilization: 0.7429808685082545,
  capture: { file: 'capture.pcapng', kind: 'tcpdump', packets: 136273, bytes: 128049299 },
  observations: [
    {
      ...{ point: 'link-us-west', kind: 'link', hosts: ['us-west'], file: 'capture-link-us-west.pcapng' },
      ...{ packets: 68_137, bytes: 64_024_649, heartbeat: null },
    },
  ],
  control: null,
  programs: [],
  events: [],
  gate: {
    verdict: 'valid',
    checks: [
      {
        name: 'rate us-east → us-west',
        expected: 40e6,
        measured: 39247499.99358282,
        tolerance: 2e6,
        unit: 'bit/s',
        ok: true,
      },
      {
        name: 'steps that missed their pace',
        expected: null,
        measured: 0,
        tolerance: 0,
        unit: 'steps',
        ok: true,
      },
    ],
  },
};

const manifest: RunManifest = {
  meshbeat: '0.1.0',
  id: '20261122-223839-diloco',
  scenario: 'diloco',
  seed: 1,
  startedAt: '2026-11-22T22:38:39.012Z',
  endedAt: '2026-11-22T22:39:23.544Z',
  tunnel: null,
  fabric: 'netns',
  fabricReason: 'genuine packets are possible here',
  wanDriver: 'tun',
  captureKind: 'tcpdump',
  outcome: 'done',
  gate: summary.gate,
  host: { platform: 'linux', kernel: '6.18.44', cores: 2, node: 'v20.20.2' },
  files: [
    {
      name: 'trace.jsonl',
      bytes: 653658,
      sha256: '64866e5639c7b38e5fafb619f2fb636c802483c3dffb95a165f4c4655f6ea176',
    },
  ],
};

const header: TraceHeader = {
  type: 'header',
  version: 1,
  originNs: '1795386137820886612',
  nodes: [{ rank: 0, name: 'us-east', address: '10.77.0.1' }],
};

const operation = { type: 'operation', node: 'us-west', rank: 1, round: 0 } as const;
const compute: TraceOperation = {
  ...operation,
  ...{ id: 0, kind: 'compute', stream: 'compute', start: 11.667355, end: 15.66798 },
};
const send: TraceOperation = {
  ...operation,
  ...{ id: 2, kind: 'send', stream: 'send:2', peer: 2, bytes: 63420, start: 15.677728, end: 15.677852 },
};

const control: TraceControl = {
  ...{ type: 'control', node: 'us-west', rank: 1, peer: 0, kind: 'heartbeat', habit: 'lighthouse heartbeat' },
  ...{ exchanges: 41, sentBytes: 3321, receivedBytes: 2640, start: 10.131663, end: 14.131071 },
};

const metrics: MetricsLine = {
  time: 45.057486,
  node: 'us-west',
  rank: 1,
  egressPackets: 30790,
  egressBytes: 32761186,
  ingressPackets: 31019,
  ingressBytes: 32777346,
  queuedBytes: 0,
  droppedPackets: 0,
  lostPackets: 0,
  steps: 48,
  loss: 3.0090065,
};

const verification: VerificationDocument = {
  ...{ meshbeat: '0.1.0', scenario: 'diloco', seed: 1, nodes: 4, fabric: 'netns' },
  ...{ startedAt: '2026-11-26T11:00:00.000Z', durationSeconds: 61.5, verdict: 'unfaithful' },
  checks: [
    {
      ...{ property: 'UDP rate', path: 'us-east → us-west', set: 40e6, measured: 39.9e6 },
      ...{ least: 39.2e6, most: 40.4e6, unit: 'bit/s', ok: true, attempts: 1, note: '' },
    },
  ],
  unmeasured: [{ property: 'loss', path: 'all', reason: 'this fabric carries byte streams' }],
  host: manifest.host,
};

const schemas: Record<RunDocument, z.ZodType> = {
  manifest: runManifestSchema,
  summary: runSummarySchema,
  trace: traceLineSchema,
  metrics: metricsLineSchema,
  verification: verificationSchema,
};
const published = new Map(RUN_DOCUMENTS.map((name) => [name, z.fromJSONSchema(runJsonSchema(name))]));

/** What both validators say, of the document as it is in a file. */
function verdicts(name: RunDocument, document: object): (boolean | undefined)[] {
  const read: unknown = JSON.parse(JSON.stringify(document));
  return [schemas[name].safeParse(read).success, published.get(name)?.safeParse(read).success];
}

const without = (document: object, key: string): object =>
  Object.fromEntries(Object.entries(document).filter(([name]) => name !== key));

describe('the schemas of the run directory', () => {
  it.each<[string, RunDocument, object]>([
    ['a manifest', 'manifest', manifest],
    [
      'the manifest of a run that broke off',
      'manifest',
      { ...manifest, captureKind: null, outcome: 'interrupted', gate: { verdict: 'invalid', checks: [] } },
    ],
    ['a summary', 'summary', summary],
    ['a summary without capture and heartbeat', 'summary', { ...summary, heartbeat: null, capture: null }],
    ['the header of a trace', 'trace', header],
    ['work in a trace', 'trace', compute],
    ['a transfer in a trace', 'trace', send],
    ['control traffic in a trace', 'trace', control],
    ['a line of metrics', 'metrics', metrics],
    ['a line of metrics before the first step', 'metrics', { ...metrics, steps: 0, loss: null }],
    ['a verification', 'verification', verification],
    [
      'a verification in which nothing came of a measurement',
      'verification',
      { ...verification, checks: [{ ...verification.checks[0], measured: null, ok: false }] },
    ],
    ['a field of a later version', 'summary', { ...summary, price: 12 }],
  ])('take %s', (_, name, document) => {
    expect(verdicts(name, document)).toEqual([true, true]);
  });

  it.each<[string, RunDocument, object]>([
    ['a hash that is cut', 'manifest', { ...manifest, files: [{ name: 'a', bytes: 1, sha256: 'abc' }] }],
    ['a date that is none', 'manifest', { ...manifest, startedAt: 'yesterday' }],
    ['a kind of capture that is not known', 'manifest', { ...manifest, captureKind: 'wireshark' }],
    ['a verdict that is not known', 'summary', { ...summary, gate: { verdict: 'maybe', checks: [] } }],
    ['a share above 1', 'summary', { ...summary, utilization: 1.2 }],
    ['a number as text', 'summary', { ...summary, durationSeconds: '44' }],
    // JSON has no NaN: it becomes null on the way into a file.
    ['a figure that was not a number', 'summary', { ...summary, durationSeconds: NaN }],
    ['half a heartbeat', 'summary', { ...summary, heartbeat: { periodSeconds: 5 } }],
    ['the header of another format', 'trace', { ...header, version: 2 }],
    ['an origin as a double', 'trace', { ...header, originNs: 1.795e18 }],
    ['an operation that is not known', 'trace', { ...compute, kind: 'think' }],
    ['a transfer without its bytes', 'trace', without(send, 'bytes')],
    ['a habit that goes to nobody', 'trace', without(control, 'peer')],
    ['a transfer without its peer', 'trace', without(send, 'peer')],
    ['a summary among the lines of a trace', 'trace', summary],
    ['a network that is neither', 'verification', { ...verification, verdict: 'valid' }],
    ['half a packet', 'metrics', { ...metrics, egressPackets: 0.5 }],
    ['fewer than no bytes', 'metrics', { ...metrics, queuedBytes: -1 }],
  ])('refuse %s', (_, name, document) => {
    expect(verdicts(name, document)).toEqual([false, false]);
  });

  it.each<[RunDocument, object]>([
    ['manifest', manifest],
    ['summary', summary],
    ['trace', header],
    ['trace', send],
    ['metrics', metrics],
    ['verification', verification],
  ])('miss no field of %s', (name, document) => {
    for (const key of Object.keys(document)) {
      expect([key, ...verdicts(name, without(document, key))]).toEqual([key, false, false]);
    }
  });

  it.each(RUN_DOCUMENTS)('describe every field of %s', (name) => {
    const fields = fieldsOf(runJsonSchema(name));
    expect(fields.length).toBeGreaterThan(10);
    const silent = fields.filter(([, { description, const: only }]) => !description && only === undefined);
    expect(silent.map(([field]) => field)).toEqual([]);
  });
});

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Every property at any depth. */
function fieldsOf({ properties = {}, items, anyOf = [], oneOf = [] }: JsonSchema): [string, JsonSchema][] {
  const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null;
  const own = Object.entries(properties).flatMap(([key, value]): [string, JsonSchema][] =>
    isSchema(value) ? [[key, value]] : [],
  );
  const inner = [...own.map(([, schema]) => schema), items, ...anyOf, ...oneOf];
  return [...own, ...inner.flatMap((schema) => (isSchema(schema) ? fieldsOf(schema) : []))];
}
