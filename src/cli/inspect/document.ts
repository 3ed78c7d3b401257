/**
 * What `meshbeat inspect --json` prints: one document for programs, and its schema (`meshbeat schema --of inspection`).
 *
 * Base units throughout (bytes, seconds, bit/s); times count from the first packet; what could not be measured is
 * null. `version` grows when a key goes away or changes its meaning; new keys come without that, so readers
 * must let them pass.
 */
import { z } from 'zod';
import type { Inspection } from './gather.js';

/** Of the document. */
const VERSION = 1;
/** A document of more flows than this would not be read by anyone, nor fit a string at some point. */
const MAX_FLOWS_LISTED = 10_000;

const number = (what: string) => z.number().describe(what);
const orNull = (what: string) => z.number().nullable().describe(what);

const beatShape = {
  isBeat: z
    .boolean()
    .describe('Whether pValue is at most beats.significance and the period can be resolved.'),
  periodSeconds: orNull(
    'Median interval between burst starts, missed ones allowed for; null with fewer than 4.',
  ),
  periodCv: orNull('Standard deviation of the intervals over their mean.'),
  pValue: orNull('Chance that bursts whose pauses have no memory keep time as well.'),
  binSeconds: number('Width of the bins in which the bursts were found.'),
  bursts: number('How many.'),
  burstSeconds: number('Mean length.'),
  dutyCycle: orNull('Share of the time from the first start to the last that is in bursts.'),
  burstBytes: number('Mean bytes of a burst, both ways.'),
  burstBytesCv: number('Their standard deviation over their mean.'),
  upBytes: number('Mean bytes of a burst that the host, or the source, sent.'),
  downBytes: number('Mean bytes of a burst that it received.'),
  symmetry: number('The smaller of the two over the larger.'),
  samplesPerBurst: number('Packets of a burst that sampling leaves, on average.'),
  otherWidths: z
    .array(
      z.looseObject({
        binSeconds: z.number(),
        bursts: z.number(),
        periodSeconds: z.number().nullable(),
        pValue: z.number().nullable(),
      }),
    )
    .describe('What was found in bins of other widths.'),
};

const lead = z
  .looseObject({
    address: z.string().describe('Who begins first.'),
    lagSeconds: number('Median time until the next begins.'),
    consistency: number('Share of bursts in which it is first.'),
    bursts: number('Bursts without a tie.'),
    pValue: number('Chance that order by lot has a leader as constant.'),
  })
  .nullable();

const end = z.looseObject({ address: z.string(), port: z.number() });

const beats = z
  .looseObject({
    hosts: z.array(
      z.looseObject({
        address: z.string(),
        degree: number('Peers that take part in a burst, on average.'),
        ...beatShape,
      }),
    ),
    pairs: z.array(z.looseObject({ source: z.string(), destination: z.string(), lead, ...beatShape })),
    flows: z.array(z.looseObject({ protocol: z.string(), source: end, destination: end, ...beatShape })),
    groups: z.array(
      z.looseObject({
        hosts: z.array(z.string()),
        pairs: number('Pairs of its hosts that beat.'),
        degree: number('Others that a host exchanges beats with, on average.'),
        synchrony: z
          .looseObject({
            share: number('Share of pairs whose bursts start together, on average.'),
            pValue: number('Chance that pairs shifted at random start together as often.'),
          })
          .nullable(),
        lead,
        ...beatShape,
      }),
    ),
    tested: number('Hosts, pairs and flows whose bursts were tested.'),
    significance: number('Largest pValue of a beat.'),
    leastPeriodSeconds: number('Periods below this are hidden by flow records; 0 for packets.'),
  })
  .describe('Heartbeats one by one; only subjects with bursts are listed.');

const host = z.looseObject({
  address: z.string(),
  name: z.string().nullable(),
  sentPackets: z.number(),
  sentBytes: z.number(),
  receivedPackets: z.number(),
  receivedBytes: z.number(),
  egressRates: z.array(z.number()).describe('Mean egress in equal slices of the whole time, bit/s.'),
});

/** The document. */
export const inspectionSchema = z.looseObject({
  format: z.literal('meshbeat inspection'),
  version: z.literal(VERSION),
  kind: z.string().describe('capture, or the kind of flow file.'),
  capture: z.looseObject({}).nullable().describe('Facts of the capture; null for a flow file.'),
  flowFile: z.looseObject({}).nullable().describe('Facts of the flow file; null for a capture.'),
  sampling: z
    .looseObject({ rate: z.number(), method: z.string(), seed: z.number() })
    .describe('How packets were sampled by this command; samplingRate has what was sampled in all.'),
  through: z.array(z.string()).describe('Tunnels that were seen through.'),
  recordSeconds: number('Longest flow record; 0 for packets.'),
  packets: z.number(),
  bytes: z.number(),
  samplingRate: number('One of so many packets was observed.'),
  durationSeconds: z.number(),
  binSeconds: z.number(),
  hosts: z.array(host),
  flows: z.array(z.looseObject({ protocol: z.string(), source: end, destination: end })),
  flowCount: number(`Of all flows; at most ${MAX_FLOWS_LISTED} are listed, those with the most bytes.`),
  heartbeat: z
    .looseObject({ heartbeat: z.looseObject({}).nullable(), reason: z.string().nullable() })
    .describe('The one heartbeat of the mesh, as summary.json has it.'),
  beats,
  expected: z.looseObject({}).optional().describe("What a run's schedule promised."),
});

/** The inspection as plain data. */
export function documentOf({
  source,
  report,
  beats,
  sampling,
  through,
  recordSeconds,
  expected,
}: Inspection): object {
  return {
    format: 'meshbeat inspection',
    version: VERSION,
    kind: source.kind,
    capture: source.kind === 'capture' ? captureFacts(source.capture) : null,
    flowFile: source.kind === 'capture' ? null : source,
    sampling,
    through,
    recordSeconds,
    ...report,
    flows: report.flows.slice(0, MAX_FLOWS_LISTED),
    flowCount: report.flows.length,
    beats,
    ...(expected === undefined ? {} : { expected }),
  };
}

type Capture = Extract<Inspection['source'], { kind: 'capture' }>['capture'];

function captureFacts({ firstNs, lastNs, names, ...facts }: Capture): object {
  return {
    ...facts,
    firstNs: firstNs?.toString() ?? null,
    lastNs: lastNs?.toString() ?? null,
    names: Object.fromEntries(names),
  };
}
