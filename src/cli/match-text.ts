/** What `meshbeat match` found, for people: facts of the traffic, a table of patterns, and the sum of it in words. */
import Table from 'cli-table3';
import pc from 'picocolors';
import { figure } from '../detection/patterns/index.js';
import type { Finding, Look, Verdict } from '../detection/patterns/index.js';
import { bytesText, secondsText } from './text.js';

export interface PageOptions {
  /** Patterns without anything to look at, too. */
  readonly showsAll: boolean;
  readonly hasColor: boolean;
}

const ON: Readonly<Record<Verdict['on'], string>> = {
  connections: 'starts of connections',
  records: 'starts of flow records',
  bursts: 'starts of bursts',
  day: 'a day of these bursts',
  hosts: 'load of hosts',
  graph: 'who talks to whom',
  packets: 'packets with payload',
};

const SUBJECTS: Readonly<Record<Verdict['on'], string>> = {
  connections: 'pairs',
  records: 'pairs',
  bursts: 'pairs',
  day: 'pairs',
  hosts: 'hosts',
  graph: 'graph',
  packets: 'capture',
};

export function matchPage(seen: Look, { showsAll, hasColor }: PageOptions): string {
  const { bold, red, green, dim } = pc.createColors(hasColor);
  const names = seen.input.kind === 'capture' ? seen.input.capture.names : new Map<string, string>();
  // A tool that could not be run is always told; a test that needs more starts is only on request.
  const shown = seen.verdicts.filter(
    ({ examined, on, note }) => showsAll || examined > 0 || on === 'packets' || note?.startsWith('not run'),
  );
  const table = new Table({
    head: ['pattern', 'looks at', 'score', 'threshold', 'fires', 'on', 'strongest', 'why'],
    style: { head: [], border: [], compact: true },
    colWidths: [24, 14, 9, 16, 7, 9, 19, 50],
    wordWrap: true,
  });
  for (const verdict of shown) {
    const [strongest] = verdict.findings;
    table.push([
      bold(verdict.title),
      ON[verdict.on],
      strongest === undefined ? '–' : figure(strongest.score),
      verdict.threshold,
      strongest === undefined ? dim('–') : verdict.fires ? red('yes') : green('no'),
      verdict.examined === 0 ? '–' : `${verdict.firing} of ${verdict.examined} ${SUBJECTS[verdict.on]}`,
      strongest === undefined ? '' : named(strongest.subject, names),
      whyOf(verdict, strongest),
    ]);
  }
  const hidden = seen.verdicts.length - shown.length;
  const parts = [facts(seen), ...warnings(seen), table.toString()];
  if (hidden > 0) parts.push(dim(`${hidden} patterns had too little to look at; --all shows them`));
  parts.push(bold(sumOf(seen.verdicts)));
  return parts.join('\n\n');
}

function whyOf({ note }: Verdict, strongest: Finding | undefined): string {
  return [strongest?.why, note].filter((part) => part !== undefined && part !== null).join('; ');
}

/** With names for addresses, where the capture has them. */
function named(subject: string, names: ReadonlyMap<string, string>): string {
  return subject
    .split(' → ')
    .map((address) => names.get(address) ?? address)
    .join(' → ');
}

function facts(seen: Look): string {
  const { input, sampling } = seen;
  const sampled =
    seen.samplingRate === 1
      ? 'every packet'
      : sampling.rate > 1
        ? `one of ${sampling.rate} packets (${sampling.method})`
        : `one of ${seen.samplingRate} packets, by the exporter`;
  const perBurst =
    seen.samplesPerBurst === null ? '' : `; ${figure(seen.samplesPerBurst)} samples per burst and pair`;
  const isCapture = input.kind === 'capture';
  const counts = isCapture ? `${input.capture.packets} packets` : `${input.kind}`;
  const view = seen.onlyRecords ? 'flow records only' : `${seen.packets} IP packets looked at`;
  return [
    `${input.file}: ${bytesText(input.bytes)}, ${counts}, ${secondsText(seen.to - seen.from)}; ${view}`,
    `${sampled}${perBurst}; ${seen.connections} connections in ${seen.records} flow records`,
  ].join('\n');
}

function warnings({ input, leftOut }: Look): string[] {
  return [
    ...(input.truncatedAt === undefined
      ? []
      : [`the file is cut off at byte ${input.truncatedAt}; all before it is looked at`]),
    ...(leftOut === 0 ? [] : [`${leftOut} small pairs, hosts or records were left out to bound memory`]),
  ];
}

function sumOf(verdicts: readonly Verdict[]): string {
  const firing = verdicts.filter(({ fires }) => fires);
  const examined = verdicts.filter((verdict) => verdict.examined > 0).length;
  if (firing.length === 0) return `none of ${examined} patterns fires`;
  return `${firing.length} of ${examined} patterns ${firing.length === 1 ? 'fires' : 'fire'}`;
}
