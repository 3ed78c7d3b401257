/** docs/known-patterns.md as text: scores in, Markdown out. */
import { bytesText, secondsText } from '../../src/cli/text.js';
import { figure } from '../../src/detection/patterns/index.js';
import { table } from '../markdown.js';
import { answerOf } from './answer.js';
import type { Result, Row } from './results.js';
import { VIEWS, type PlannedRun, type View } from './runs.js';

export interface Chapter {
  readonly planned: PlannedRun;
  /** Undefined if it was never run. */
  readonly result: Result | undefined;
}

/** One that was run. */
export interface Measured {
  readonly planned: PlannedRun;
  readonly result: Result;
}

const INTRODUCTION = `# Known patterns

<!-- Written by \`npm run patterns\`: change scripts/patterns/, not this page. -->

Does today's ISP detection see training? Rules that are in use or published are held against real runs here: training, plain
and through WireGuard, and two kinds of ordinary traffic beside it. \`meshbeat match\` does the same to any capture or
file of flow records:

\`\`\`sh
meshbeat match runs/latest                       # every packet
meshbeat match capture.pcapng --sample 1:100     # as a router that looks at one of 100
meshbeat match flows.json                        # flow records, of whoever has no packets
meshbeat match runs/latest --points              # what each observation point of the run would find
meshbeat match capture.pcapng --through vxlan    # between the hosts inside a tunnel
meshbeat match growing.pcapng --follow           # until Ctrl-C, then judged
meshbeat match capture.pcapng --all --json       # all patterns, for programs
\`\`\`

What a pattern looks at matters more than its formula. _Connections_ are what Zeek logs and RITA reads: a connection starts
once, however long it lasts. _Flow records_ are what routers export: long flows cut at the active timeout. _Bursts_ are
what neither tells: stretches in which one host sends another much, within whatever flow. Tools of today are given
connections or records; the rows on bursts show what the same formulas would do if somebody gave them bursts.`;

export function pageOf(chapters: readonly Chapter[]): string {
  const measured = chapters.flatMap(({ planned, result }): Measured[] =>
    result === undefined ? [] : [{ planned, result }],
  );
  if (measured.length === 0) return `${INTRODUCTION}\n\nNothing has been run yet: \`npm run patterns\`.`;
  return [
    INTRODUCTION,
    '## The answer',
    ...answerOf(measured),
    '## The runs',
    runsTable(measured),
    ...VIEWS.flatMap((view) => viewChapter(view, measured)),
    notes(),
  ].join('\n\n');
}

function runsTable(measured: readonly Measured[]): string {
  const rows = measured.map(({ planned, result }) => {
    const { heartbeat } = result;
    return [
      planned.name,
      `\`${result.command}\``,
      secondsText(result.durationSeconds),
      `${result.packets}`,
      bytesText(result.bytes),
      heartbeat === null
        ? 'none'
        : `${secondsText(heartbeat.periodSeconds)}, CV ${heartbeat.periodCv.toFixed(2)}, ${bytesText(heartbeat.burstBytesPerNode)} a node`,
      ...VIEWS.slice(0, 2).map(({ name }) => samplesText(result, name)),
      result.verdict,
    ];
  });
  const head = [
    'run',
    'command',
    'length',
    'packets',
    'bytes',
    'heartbeat',
    'samples per burst',
    'at 1:100',
    'gate',
  ];
  const invalid = measured.filter(({ result }) => result.verdict === 'invalid');
  const caveat =
    invalid.length === 0
      ? ''
      : '\n\nThe gate calls a run invalid if the network was not as set, packets were late or the machine was too busy. ' +
        'Such a capture holds real traffic all the same, of a slightly other network:\n\n' +
        invalid
          .map(({ planned, result }) => `- ${planned.name}: ${result.reasons.join('; ') || 'no reason kept'}`)
          .join('\n');
  return `${table(head, rows)}\n\nSamples per burst are those of a pair of hosts in one direction, on average.${caveat}`;
}

function samplesText(result: Result, view: string): string {
  const samples = result.views[view]?.samplesPerBurst ?? null;
  return samples === null ? '–' : figure(samples);
}

const ON: Readonly<Record<Row['on'], string>> = {
  connections: 'connections',
  records: 'flow records',
  bursts: 'bursts',
  day: 'a day of bursts',
  hosts: 'hosts',
  graph: 'graph',
  packets: 'payload',
};

const VIEW_WORDS: Readonly<Record<string, string>> = {
  all: 'All that is on the wire. A day is made of the bursts by repeating them until 24 hours are full.',
  sampled: 'What a router that samples would see; bytes and packets are multiplied, as collectors do.',
  records:
    'An active timeout of 60 s and an idle one of 15 s: the finest that ISPs commonly set. A run of a minute is one or two records.',
  'short-records':
    'The same cut with time compressed, as the runs are: a day of training at 60 s a record has as many records in a ' +
    'beat of some minutes as these have in a beat of some seconds.',
  'slow-day':
    'The bursts stretched to a hundred times their time, so that a beat of 5 s is one of 8 minutes, as real training has ' +
    'it, and repeated until a day is full. It supposes that the training goes on so.',
};

function viewChapter(view: View, measured: readonly Measured[]): string[] {
  const rowsOf = ({ result }: Measured): readonly Row[] => result.views[view.name]?.rows ?? [];
  const all = new Map(measured.flatMap((one) => rowsOf(one)).map((row) => [row.pattern, row]));
  const order = ['connections', 'records', 'bursts', 'day', 'hosts', 'graph', 'packets'];
  const shown = [...all.values()].sort((a, b) => order.indexOf(a.on) - order.indexOf(b.on));
  const lines = shown.map((row) => [
    row.title,
    ON[row.on],
    row.threshold.startsWith('p') ? 'p ≤ 0.01 / pairs' : row.threshold,
    ...measured.map((one) => cellOf(rowsOf(one).find(({ pattern }) => pattern === row.pattern))),
  ]);
  return [
    `## ${view.title}`,
    `\`meshbeat match RUN ${view.words}\`. ${VIEW_WORDS[view.name] ?? ''}`,
    table(['pattern', 'on', 'threshold', ...measured.map(({ planned }) => planned.name)], lines),
  ];
}

/** "**yes** 1 (4/4)": the strongest score, and of how many pairs how many fire. */
function cellOf(row: Row | undefined): string {
  if (row === undefined) return '–';
  if (row.score === null) return row.why;
  const share = row.examined > 1 ? ` (${row.firing}/${row.examined})` : '';
  return `${row.fires ? '**yes**' : 'no'} ${figure(row.score)}${share}`;
}

function notes(): string {
  return `## What the patterns are

Scores are those of the strongest pair or host, and behind them stands how many of those with a score fire. – means that
there was too little to look at. All scores, and the reason of each in words, are in
[known-patterns.json](known-patterns.json).

- **RITA v5** is its beacon score to the digit: all 128 of its own test vectors are reproduced (\`test/fixtures/rita\`). It
  begins to rate a pair at 0.5; 0.75 is medium, 0.9 high. RITA looks at connections; it cuts what it is given, 24 hours at
  most, into 24 bins, so a run of a minute has bins of 2.5 s. It would leave out connections within a network, which is
  not done here.
- **RITA, long connections**: an hour open in all. Runs of a minute cannot reach it. A tunnel that stays open does, and so
  does every VPN.
- **Fisher's g, Walker, periodogram of starts, Lomb-Scargle, BAYWATCH** ask for a period. A probability fires below 0.01
  divided by the number of pairs, so that a whole network is a false alarm once in a hundred looks. With fewer than some
  fourteen bursts no regularity is significant for Fisher and Walker.
- **FastNetMon** as its package ships it (20,000 packets/s or 1,000 Mbit/s of a host, averaged over 5 s), and with the low
  thresholds that guides begin with (1,000 packets/s, 50 Mbit/s, 3,500 flows/s). The score is the share of the threshold
  that is reached. Uplinks of these runs are of 40 Mbit/s, those of a data centre are not.
- **Dispersion graph** (Iliofotou): peer-to-peer if hosts have more than 2.8 neighbours on average and more than 1 % of
  them both open and accept connections.
- **nDPI** fires if it gives a flow a risk; \`ndpiReader\` is run on the packets.`;
}
