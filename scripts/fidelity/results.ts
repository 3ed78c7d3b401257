/** docs/fidelity.json: what was measured for docs/fidelity.md, part by part. */
import { z } from 'zod';
import { verificationSchema } from '../../src/run/files.js';

/** Of the run with eight nodes: a slower pace, since two cores can't train for eight at the scenario's own. */
export const EIGHT_NODES = [
  '--nodes',
  '8',
  '--set',
  'pace=1200ms',
  '--set',
  'outerPace=1s',
  '--set',
  'rounds=4',
];

export const PARTS = ['verify', 'run', 'iperf3', 'bench'] as const;

export const resultsSchema = z.object({
  verify: verificationSchema.optional(),
  /** Lateness in a run of eight nodes that train: of the gate, seconds. */
  run: z
    .object({ nodes: z.number(), latenessP99: z.number(), verdict: z.string(), failed: z.array(z.string()) })
    .optional(),
  /** iperf3's figure over verify's. */
  iperf3: z.object({ tcp: z.number(), udp: z.number() }).optional(),
  /** What `npm run bench -- --only shaper` printed. */
  bench: z.string().optional(),
});

export type Results = z.output<typeof resultsSchema>;
