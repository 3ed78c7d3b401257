/**
 * The end of a run on one page: the heartbeat as measured beside what the schedule had promised, what came
 * of the training, where the capture is, and the gate's checks with its verdict in the last line.
 *
 * A pure function of summary.json: it measures nothing and judges nothing, with one exception. A run that
 * broke off is called invalid here, whatever was checked before it did.
 */
import Table from 'cli-table3';
import pc from 'picocolors';
import { leftOutTexts } from '../../persona/index.js';
import type { AnySummary, GateCheck, ProgramSummary, RunSummary } from '../../run/files.js';
import { bytesText, percentText, quantityText, secondsText } from '../text.js';

export interface ReportOptions {
  /** The run directory. */
  readonly directory: string;
  /** Why the run broke off, if it did. */
  readonly failure?: string;
  /** Whether to write ANSI colours; default no. */
  readonly colour?: boolean;
}

const NONE = '–';
const HASH_DIGITS_SHOWN = 12;

/** The page, ending in a newline; its last line begins with "gate valid" or "gate invalid: ". */
export function renderReport(
  summary: AnySummary,
  { directory, failure, colour = false }: ReportOptions,
): string {
  const colours = pc.createColors(colour);
  const reasons = [
    ...(failure === undefined ? [] : [`the run broke off: ${failure}`]),
    ...summary.gate.checks.filter(({ ok }) => !ok).map(reasonOf),
  ];
  const valid = summary.gate.verdict === 'valid' && failure === undefined;
  const why = reasons.length === 0 ? 'no check was made' : reasons.join('; ');
  const sections = [
    colours.bold(headline(summary)),
    heartbeatTable(summary),
    factsText(summary, directory),
    programsTable(summary.programs),
    checksTable(summary.gate.checks),
    valid ? colours.green('gate valid') : colours.red(`gate invalid: ${why}`),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function headline(summary: AnySummary): string {
  const { scenario, protocol, nodes, rounds, seed, fabric, tunnel, durationSeconds, programs } = summary;
  const training = protocol === null ? [] : [`${nodes} nodes, ${rounds} rounds of ${protocol}`];
  const beside = programs.length === 0 ? [] : [`${programs.length} programs`];
  const network = tunnel === null ? fabric : `${fabric} through ${tunnel}`;
  const run = [...training, ...beside, `seed ${seed}`, `fabric ${network}`].join(', ');
  return `${scenario}: ${run}, ${secondsText(durationSeconds)}`;
}

function heartbeatTable({ heartbeat, expected, rounds }: AnySummary): string {
  if (expected === null && heartbeat === null) return 'no heartbeat in the capture';
  const table = tableOf(
    ['heartbeat', 'measured', 'expected', 'deviation'],
    ['left', 'right', 'right', 'right'],
  );
  const row = (name: string, text: (value: number) => string, measured?: number, promised?: number): void => {
    table.push([
      name,
      measured === undefined ? NONE : text(measured),
      promised === undefined ? '' : text(promised),
      measured === undefined || promised === undefined ? '' : deviationText(measured, promised),
    ]);
  };
  row('period', secondsText, heartbeat?.periodSeconds, expected?.periodSeconds);
  row('CV of period', (cv) => cv.toFixed(4), heartbeat?.periodCv);
  row('bytes per burst and node', bytesText, heartbeat?.burstBytesPerNode, expected?.burstBytesPerNode);
  row('length of a burst', secondsText, heartbeat?.burstSeconds, expected?.burstSeconds);
  row('duty cycle', percentText, heartbeat?.dutyCycle, expected?.dutyCycle);
  row(expected === null ? 'bursts' : `bursts in ${rounds} rounds`, String, heartbeat?.count);
  const note = heartbeat === null ? '\nno heartbeat was found: no capture, or no regular bursts in it' : '';
  return table.toString() + note;
}

function factsText(summary: AnySummary, directory: string): string {
  const { capture, observations, control } = summary;
  const facts = [
    [
      'capture',
      capture === null
        ? 'none'
        : `${capture.file} (${capture.kind}), ${capture.packets} packets, ${bytesText(capture.bytes)}`,
    ],
    ...observations.map((seen) => ['seen at', observationText(seen)] as const),
    ...(control === null ? [] : [['control', controlText(control)] as const]),
    ...(summary.training === null ? [] : trainingFacts(summary)),
    ['directory', directory],
  ] as const;
  return facts.map(([name, text]) => `${name.padEnd(13)}${text}`).join('\n');
}

function trainingFacts({ training, utilization }: RunSummary): (readonly [string, string])[] {
  const { parameters, initialLoss, finalLoss, weightsSha256 } = training;
  const fall = initialLoss - finalLoss;
  return [
    [
      'loss',
      `${initialLoss.toFixed(3)} → ${finalLoss.toFixed(3)} nats per byte ` +
        `(${fall < 0 ? 'up' : 'down'} ${Math.abs(fall).toFixed(3)})`,
    ],
    ['weights', `${parameters} parameters, SHA-256 ${weightsSha256.slice(0, HASH_DIGITS_SHOWN)}…`],
    ['utilization', `${percentText(utilization)} of the time was compute`],
  ];
}

function programsTable(programs: readonly ProgramSummary[]): string {
  if (programs.length === 0) return '';
  const table = tableOf(['program', 'kind', 'ended'], ['left', 'left', 'left']);
  for (const { name, kind, stopped, status } of programs) {
    const ended = stopped ? 'when it was stopped' : `by itself, exit status ${status}`;
    table.push([name, kind, ended]);
  }
  return table.toString();
}

/** "exchange-us-east: 1234 packets, 1.2 MB, a period of 5.1 s". */
function observationText({ point, packets, bytes, heartbeat }: RunSummary['observations'][number]): string {
  const beat = heartbeat === null ? 'no heartbeat' : `a period of ${secondsText(heartbeat.periodSeconds)}`;
  return `${point}: ${packets} packets, ${bytesText(bytes)}, ${beat}`;
}

/** "as torchft: 1234 messages and transfers, 98.1 kB; without HTTP/2 PING, since …". */
function controlText({ persona, habits, leftOut }: NonNullable<RunSummary['control']>): string {
  const exchanges = habits.reduce((sum, habit) => sum + habit.exchanges, 0);
  const bytes = habits.reduce((sum, { sentBytes, receivedBytes }) => sum + sentBytes + receivedBytes, 0);
  const said = `as ${persona}: ${exchanges} messages and transfers, ${bytesText(bytes)}`;
  return [said, ...leftOutTexts(leftOut)].join('; ');
}

function checksTable(checks: readonly GateCheck[]): string {
  if (checks.length === 0) return '';
  const table = tableOf(
    ['gate', 'measured', 'expected', 'tolerance', 'ok'],
    ['left', 'right', 'right', 'right', 'left'],
  );
  for (const check of checks) {
    const { name, expected, measured, unit, ok } = check;
    const promised = expected === null ? '' : quantityText(expected, unit);
    table.push([name, quantityText(measured, unit), promised, toleranceText(check), ok ? 'yes' : 'NO']);
  }
  return table.toString();
}

function reasonOf(check: GateCheck): string {
  const { name, expected, measured, unit } = check;
  const promised = expected === null ? '' : `expected ${quantityText(expected, unit)} `;
  return `${name} was ${quantityText(measured, unit)} (${promised}${toleranceText(check)})`;
}

function toleranceText({ expected, tolerance, unit }: GateCheck): string {
  return `${expected === null ? 'at most' : '±'} ${quantityText(tolerance, unit)}`;
}

/** "+0.4 %". */
function deviationText(measured: number, expected: number): string {
  const percent = 100 * (measured / expected - 1);
  return Number.isFinite(percent) ? `${percent < 0 ? '-' : '+'}${Math.abs(percent).toFixed(1)} %` : '';
}

function tableOf(head: string[], colAligns: ('left' | 'right')[]): Table.Table {
  return new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
}
