/** docs/background.md as text: data in, Markdown out. */
import { bytesText, percentText, secondsText } from '../../src/cli/text.js';
import type { ProgramsScenario } from '../../src/scenario/index.js';
import { table } from '../markdown.js';
import type { Result } from './results.js';

/** All there is to say of one scenario. */
export interface Chapter {
  /** Of its file, without the ending. */
  readonly name: string;
  readonly scenario: ProgramsScenario;
  /** The head of the file, by paragraphs. */
  readonly comment: readonly string[];
  /** Undefined if it was never run. */
  readonly result: Result | undefined;
}

const INTRODUCTION = `# Background traffic

<!-- Written by \`npm run background\`: change scripts/background/ or the comments in scenarios/background/, not this page. -->

What else is on a network, by the programs themselves: not models of a backup or a video call, but rsync and ffmpeg of
Debian, each in a network namespace behind a shaped link. A detector that takes one of these for training has raised
a false alarm. Several look much like it: bursts at a fixed period, from many hosts at once, or a full mesh of equal flows.

\`\`\`sh
meshbeat run scenarios/background/rsync.yaml     # half a minute; then look into runs/latest/capture.pcapng
meshbeat run scenarios/mixed.yaml                # training, with a backup and a call beside it
\`\`\`

Each file runs for 30 s and needs the programs that its scripts name. How a node is made to run a program is told in
[scenarios.md](scenarios.md#programs). Which address is of what kind, and when it was there, stands in \`trace.jsonl\`
([run-directory.md](run-directory.md#tracejsonl)), so that a capture is labelled as it is made. All figures are of the runs
below. A heartbeat is what \`meshbeat inspect\` finds in the capture, with the same settings as for training.`;

export function pageOf(chapters: readonly Chapter[]): string {
  return [INTRODUCTION, overview(chapters), ...chapters.map(chapterText)].join('\n\n');
}

/** All scenarios in one table. */
function overview(chapters: readonly Chapter[]): string {
  const rows = chapters.map(({ name, scenario, result }) => [
    `[${name}](#${name})`,
    scenario.description,
    ...(result === undefined
      ? ['not run', '', '', '', '']
      : [
          `${result.capture?.packets ?? 0}`,
          bytesText(result.capture?.bytes ?? 0),
          `${result.connections.pairs}`,
          heartbeatText(result),
          result.verdict,
        ]),
  ]);
  return table(['scenario', 'what it is', 'packets', 'bytes', 'pairs', 'heartbeat', 'gate'], rows);
}

function heartbeatText({ heartbeat }: Result): string {
  if (heartbeat === null) return 'none';
  return `every ${secondsText(heartbeat.periodSeconds)}, CV ${heartbeat.periodCv.toFixed(3)}`;
}

function chapterText({ name, comment, result }: Chapter): string {
  const head = [`## ${name}`, ...comment];
  if (result === undefined) return [...head, 'It has not been run yet.'].join('\n\n');
  const { heartbeat, connections, protocols, capture, latenessP99 } = result;
  const facts = [
    `By tshark: ${protocols.map(({ name: protocol, packets, bytes }) => `${protocol} ${bytesText(bytes)} in ${packets} packets`).join('; ')}.`,
    `Connections: ${connections.tcp} over TCP, ${connections.udp} flows of UDP, between ${connections.pairs} pairs of hosts.`,
    heartbeat === null
      ? 'No regular bursts were found.'
      : `Heartbeat: every ${secondsText(heartbeat.periodSeconds)}, CV ${heartbeat.periodCv.toFixed(4)}, ` +
        `${bytesText(heartbeat.burstBytesPerNode)} per burst and host, duty cycle ${percentText(heartbeat.dutyCycle)}.`,
    `Gate: ${result.verdict}, on fabric ${result.fabric}, captured by ${capture?.kind ?? 'nobody'}; ` +
      `99 of 100 packets at most ${secondsText(latenessP99)} late.`,
  ];
  return [
    ...head,
    facts.map((fact) => `- ${fact}`).join('\n'),
    `![Egress of every host of ${name} over time, as captured](images/background/${name}.svg)`,
  ].join('\n\n');
}
