/** Which runs are held against the patterns, and how their captures are looked at. */
import type { LookOptions } from '../../src/detection/patterns/index.js';
import { parseSamplingPlan } from '../../src/traffic/sampling/index.js';

export interface PlannedRun {
  readonly name: string;
  /** Under scenarios/. */
  readonly scenario: string;
  /** Values that are set otherwise than in the scenario. */
  readonly set: readonly string[];
  readonly kind: 'training' | 'background';
  /** In words, for the table. */
  readonly what: string;
}

/** Training for as many rounds as make about a minute; background of half a minute. */
export const RUNS: readonly PlannedRun[] = [
  ...training('diloco', 'DiLoCo', 'diloco.yaml', ['rounds=12']),
  ...training('ddp', 'DDP', 'ddp.yaml', ['rounds=36']),
  ...training('pipeline', 'pipeline', 'pipeline-1f1b.yaml', []),
  background('rsync', 'backups by rsync'),
  background('syncthing', 'Syncthing'),
];

/** Plain, and each two nodes through a WireGuard tunnel. */
function training(name: string, what: string, scenario: string, set: readonly string[]): PlannedRun[] {
  const common = { scenario, kind: 'training' as const };
  return [
    { ...common, name, set, what },
    { ...common, name: `${name}-wireguard`, set: [...set, 'tunnel=wireguard'], what: `${what}, WireGuard` },
  ];
}

function background(name: string, what: string): PlannedRun {
  return { name, scenario: `background/${name}.yaml`, set: [], kind: 'background', what };
}

export interface View {
  readonly name: string;
  readonly title: string;
  /** What `meshbeat match` is called with for the same. */
  readonly words: string;
  readonly options: LookOptions;
  /** Rows on a made-up day only. */
  readonly onlyDay?: true;
}

export const VIEWS: readonly View[] = [
  { name: 'all', title: 'Every packet', words: '--day 1', options: { dayStretch: 1 } },
  {
    name: 'sampled',
    title: 'One of 100 packets',
    words: '--sample 1:100,random --day 1',
    options: { sampling: parseSamplingPlan('1:100,random', 'scripts/patterns'), dayStretch: 1 },
  },
  {
    name: 'records',
    title: 'Flow records of 60 s, no packets',
    words: '--records',
    options: { onlyRecords: true },
  },
  {
    name: 'short-records',
    title: 'Flow records of 2 s, no packets',
    words: '--records --active-timeout "2 s"',
    options: { onlyRecords: true, activeTimeoutSeconds: 2 },
  },
  {
    name: 'slow-day',
    title: 'A day, a hundred times as slow',
    words: '--day 100',
    options: { dayStretch: 100 },
    onlyDay: true,
  },
];
