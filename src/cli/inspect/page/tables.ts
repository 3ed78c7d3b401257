/** The page's tables: the mesh's heartbeat beside what was promised, and the heartbeats one by one. */
import { escapeXml } from '../../../svg.js';
import type { Beat, Lead } from '../../../traffic/beats/index.js';
import { bytesText, percentText, secondsText } from '../../text.js';
import type { Inspection } from '../gather.js';
import { pText } from '../../inspect-text.js';
import { shortened } from './plot.js';

/** Rows of each kind. */
const MAX_ROWS = 16;
const MAX_NAMES = 6;

export function meshTable({ report, expected }: Inspection): string {
  const { heartbeat } = report.heartbeat;
  if (heartbeat === null) return '';
  const rows: [string, string, string | undefined][] = [
    ['period', secondsText(heartbeat.periodSeconds), text(expected?.periodSeconds, secondsText)],
    ['CV of the period', heartbeat.periodCv.toFixed(4), undefined],
    [
      'bytes per burst and node',
      bytesText(heartbeat.burstBytesPerNode),
      text(expected?.burstBytesPerNode, bytesText),
    ],
    ['length of a burst', secondsText(heartbeat.burstSeconds), text(expected?.burstSeconds, secondsText)],
    ['duty cycle', percentText(heartbeat.dutyCycle), text(expected?.dutyCycle, percentText)],
    ['bursts', String(heartbeat.count), undefined],
  ];
  const isExpected = expected !== undefined;
  const head = `<tr><th></th><th>measured</th>${isExpected ? '<th>expected</th>' : ''}</tr>`;
  const body = rows
    .map(
      ([name, measured, promised]) =>
        `<tr><td>${name}</td><td>${measured}</td>${isExpected ? `<td>${promised ?? ''}</td>` : ''}</tr>`,
    )
    .join('');
  return `<div class="narrow"><table>${head}${body}</table></div>`;
}

function text(value: number | undefined, words: (value: number) => string): string | undefined {
  return value === undefined ? undefined : words(value);
}

interface Row {
  readonly who: string;
  readonly beat: Beat;
  readonly more: string;
}

export function beatsTable({ beats, names, report }: Inspection): string {
  const nameOf = (address: string): string => shortened(names.get(address) ?? address, 40);
  const kinds: [string, Row[]][] = [
    [
      'Groups',
      beats.groups.map((group) => ({
        who: `${group.hosts.length} hosts: ${group.hosts.slice(0, MAX_NAMES).map(nameOf).join(', ')}${group.hosts.length > MAX_NAMES ? ', …' : ''}`,
        beat: group,
        more: [
          `${group.pairs} pairs, degree ${+group.degree.toPrecision(3)}`,
          ...(group.synchrony === null
            ? []
            : [`${percentText(group.synchrony.share)} start together (p ${pText(group.synchrony.pValue)})`]),
          ...leadText(group.lead, nameOf),
        ].join('; '),
      })),
    ],
    [
      'Pairs',
      beats.pairs.map((pair) => ({
        who: `${nameOf(pair.source)} ↔ ${nameOf(pair.destination)}`,
        beat: pair,
        more: leadText(pair.lead, nameOf).join(''),
      })),
    ],
    [
      'Hosts',
      beats.hosts.map((host) => ({
        who: nameOf(host.address),
        beat: host,
        more: `${+host.degree.toPrecision(3)} peers in a burst`,
      })),
    ],
    [
      'Flows',
      beats.flows.map((flow) => ({
        who: `${flow.protocol} ${nameOf(flow.source.address)}:${flow.source.port} → ${nameOf(flow.destination.address)}:${flow.destination.port}`,
        beat: flow,
        more: '',
      })),
    ],
  ];
  const isSampled = report.samplingRate > 1;
  const columns = [
    '',
    'period',
    'CV',
    'p',
    'bursts',
    'length',
    'duty',
    'bytes per burst',
    'CV',
    'up',
    'down',
    'even',
    ...(isSampled ? ['samples'] : []),
  ];
  const body = kinds
    .filter(([, rows]) => rows.length > 0)
    .map(([kind, rows]) => {
      const sorted = [...rows].sort((a, b) => Number(b.beat.isBeat) - Number(a.beat.isBeat));
      const hidden = rows.length - MAX_ROWS;
      const more = hidden > 0 ? ` (${MAX_ROWS} of ${rows.length})` : '';
      return (
        `<tr class="kind"><th colspan="${columns.length}">${kind}${more}</th></tr>` +
        sorted
          .slice(0, MAX_ROWS)
          .map((row) => rowText(row, isSampled))
          .join('')
      );
    })
    .join('');
  const asked = `${beats.tested} hosts, pairs and flows had bursts enough to be tested; at 1 % one of a hundred passes without a beat. Those that beat are ticked. Even is the smaller of bytes up and down over the larger. Up is from the host, or from the first of two.`;
  if (body === '') return `<h2>Heartbeats one by one</h2><p class="note">Nobody has bursts.</p>`;
  return (
    `<h2>Heartbeats one by one</h2><p class="note">${asked}</p><div class="scroll"><table><tr>` +
    `${columns.map((column) => `<th>${column}</th>`).join('')}</tr>${body}</table></div>`
  );
}

function rowText({ who, beat, more }: Row, isSampled: boolean): string {
  const cells = [
    beat.periodSeconds === null ? '–' : secondsText(beat.periodSeconds),
    beat.periodCv === null ? '–' : beat.periodCv.toFixed(2),
    beat.pValue === null ? '–' : pText(beat.pValue),
    String(beat.bursts),
    secondsText(beat.burstSeconds),
    beat.dutyCycle === null ? '–' : percentText(beat.dutyCycle),
    bytesText(beat.burstBytes),
    beat.burstBytesCv.toFixed(2),
    bytesText(beat.upBytes),
    bytesText(beat.downBytes),
    percentText(beat.symmetry),
    ...(isSampled ? [String(+beat.samplesPerBurst.toPrecision(3))] : []),
  ];
  return `<tr${beat.isBeat ? ' class="beats"' : ''}><td>${beat.isBeat ? '✓ ' : ''}${escapeXml(who)}${more === '' ? '' : `<br><span class="more">${escapeXml(more)}</span>`}</td>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

function leadText(lead: Lead | null, nameOf: (address: string) => string): string[] {
  if (lead === null) return [];
  return [
    `${nameOf(lead.address)} first in ${percentText(lead.consistency)} by ${secondsText(lead.lagSeconds)} (p ${pText(lead.pValue)})`,
  ];
}
