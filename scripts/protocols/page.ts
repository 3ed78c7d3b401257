/** docs/protocols.md as text: data in, Markdown out. */
import { bytesText, percentText, secondsText } from '../../src/cli/text.js';
import type { View } from '../../src/cli/schedule/view.js';
import { table } from '../markdown.js';
import { meanLoss, type Scenario } from '../../src/scenario/index.js';
import type { Result } from './results.js';
import { sectionOf, sections } from './sections.js';

/** All there is to say of one scenario. */
export interface Chapter {
  /** Of its file, without the ending. */
  readonly name: string;
  readonly scenario: Scenario;
  /** The head of the file, by paragraphs. */
  readonly comment: readonly string[];
  readonly closedForm: View['closedForm'];
  /** Undefined if it was never run. */
  readonly result: Result | undefined;
}

const INTRODUCTION = `# Protocols

<!-- Written by \`npm run protocols\`: change scripts/protocols/ or the comments in scenarios/, not this page. -->

Every way of training over the internet that meshbeat knows, with the heartbeat it has on the wire. Each chapter is
one scenario in \`scenarios/\`, which you can run as it is:

\`\`\`sh
meshbeat schedule scenarios/NAME.yaml     # draw it; --svg FILE for a picture as below
meshbeat run scenarios/NAME.yaml          # run it and capture it
\`\`\`

The upper picture of a chapter is the schedule as the simulator plays it, before anything was sent. The table and
the lower picture are of a real run: tensors that were trained on, packets that were captured. What the figures
mean, and what makes a run valid, is told in [heartbeat.md](heartbeat.md). Slices, collectives, fragments: the settings
are in [scenarios.md](scenarios.md).

Closed forms are in V, the bytes of the model as it is sent; N nodes; H inner steps to a round; m microbatches; A, the
bytes of a microbatch's activations.`;

export function pageOf(chapters: readonly Chapter[]): string {
  const bySection = sections.map((section) => ({
    section,
    members: chapters.filter(({ scenario }) => sectionOf(scenario) === section),
  }));
  const filled = bySection.filter(({ members }) => members.length > 0);
  return [
    INTRODUCTION,
    overview(filled.flatMap(({ members }) => members)),
    ...filled.flatMap(({ section, members }) => [
      `## ${section.title}\n\n${oneLine(section.introduction)}`,
      ...members.map(chapterText),
    ]),
  ].join('\n\n');
}

/** All scenarios in one table. */
function overview(chapters: readonly Chapter[]): string {
  const rows = chapters.map(({ name, scenario, result }) => {
    const beat = result?.heartbeat;
    return [
      `[${name}](#${name})`,
      scenario.description,
      ...(beat
        ? [
            secondsText(beat.periodSeconds),
            bytesText(beat.burstBytesPerNode),
            percentText(beat.dutyCycle),
            beat.periodCv.toFixed(3),
          ]
        : [result === undefined ? 'not run' : 'none', '', '', '']),
      result?.gate.verdict ?? '',
    ];
  });
  return table(['scenario', 'what it is', 'period', 'burst per node', 'duty cycle', 'CV', 'gate'], rows);
}

function chapterText({ name, scenario, comment, closedForm, result }: Chapter): string {
  return [
    `### ${name}`,
    ...comment,
    `![Schedule of ${name}: one round](images/protocols/${name}.svg)`,
    `Bytes that a node sends in a round, in closed form: ${closedForm.text}. Here: ${amounts(closedForm.bytesByRank)}.`,
    ...(result === undefined ? ['It has not been run yet.'] : measuredText(name, scenario, result)),
  ].join('\n\n');
}

/** "4.95 MB", or the least and the most. */
function amounts(bytes: readonly number[]): string {
  const [least, most] = [bytesText(Math.min(...bytes)), bytesText(Math.max(...bytes))];
  return least === most ? least : `${least} to ${most}`;
}

function measuredText(name: string, { wan }: Scenario, result: Result): string[] {
  const { heartbeat, expected, connections, gate, training, payload, capture } = result;
  const row = (
    what: string,
    text: (value: number) => string,
    measured?: number,
    promised?: number,
  ): string[] => [
    what,
    promised === undefined ? '' : text(promised),
    measured === undefined ? '–' : text(measured),
  ];
  const facts = [
    `Connections: ${connections.tcp} over TCP, at most ${connections.mostPerPair} between two hosts` +
      (connections.udp === 0 ? '.' : `; ${connections.udp} flows of UDP.`),
    ...(payload === null
      ? []
      : [`TCP payload: ${bytesText(payload.measured)}, by the schedules ${bytesText(payload.expected)}.`]),
    `Training: loss ${training.initialLoss.toFixed(2)} → ${training.finalLoss.toFixed(2)} nats per byte; devices at ` +
      `work ${percentText(result.utilization)} of the time; weights \`${training.weightsSha256.slice(0, 12)}…\`.`,
    `Gate: ${gate.verdict}${gate.failed.length === 0 ? '' : ` (${gate.failed.join('; ')})`}, on fabric ` +
      `${result.fabric}, captured by ${capture?.kind ?? 'nobody'}` +
      (meanLoss(wan.loss) > 0 ? `; ${percentText(meanLoss(wan.loss))} of packets lost on purpose.` : '.'),
  ];
  return [
    table(
      ['heartbeat', 'expected', 'measured'],
      [
        row('period', secondsText, heartbeat?.periodSeconds, expected.periodSeconds),
        row('CV of period', (cv) => cv.toFixed(4), heartbeat?.periodCv),
        row('bytes per burst and node', bytesText, heartbeat?.burstBytesPerNode, expected.burstBytesPerNode),
        row('length of a burst', secondsText, heartbeat?.burstSeconds, expected.burstSeconds),
        row('duty cycle', percentText, heartbeat?.dutyCycle, expected.dutyCycle),
        row(`bursts in ${result.rounds} rounds`, String, heartbeat?.count),
      ],
    ),
    ...(heartbeat === null ? ['No regular bursts were found in the capture.'] : []),
    facts.map((fact) => `- ${fact}`).join('\n'),
    `![Egress of every node of ${name} over time, as captured](images/protocols/${name}-egress.svg)`,
  ];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
