/** The page that `meshbeat inspect` prints: a report, made readable. It computes nothing of its own. */
import Table from 'cli-table3';
import pc from 'picocolors';
import type { FlowReport, HostReport, TrafficReport } from '../traffic/index.js';
import type { Beat } from '../traffic/beats/index.js';
import type { Expected } from './locate.js';
import { bytesText, percentText, secondsText } from './text.js';
import { warningsOf } from './inspect/gather.js';
import type { Inspection } from './inspect/gather.js';

/** Larger hosts and flows come first; the rest is told by its number. */
const MAX_HOSTS_SHOWN = 32;
const MAX_FLOWS_SHOWN = 12;
const BLOCKS = ' ▁▂▃▄▅▆▇█';

/** @param colour whether to write ANSI colours. */
export function inspectPage(inspection: Inspection, colour: boolean): string {
  const { bold, dim, yellow } = pc.createColors(colour);
  const { report, expected } = inspection;
  const sections = [
    `${bold(inspection.source.file)}\n${factsOf(inspection).join(dim(' · '))}\n${interfacesOf(inspection).join(dim(' · '))}`,
    warningsOf(inspection, bytesText)
      .map((warning) => yellow(`warning: ${warning}`))
      .join('\n'),
    hostsTable(report),
    flowsTable(report),
    beatsText(inspection, bold),
    heartbeatText(report, expected, bold),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

type Style = (text: string) => string;

/** Of the input as a whole: what it is, how much, how long, from when. */
export function factsOf({ source, report, through }: Inspection): string[] {
  const start =
    report.originNs === null ? [] : [new Date(Number(BigInt(report.originNs) / 1_000_000n)).toISOString()];
  const seen = through.length === 0 ? [] : [`seen through ${through.join(', ')}`];
  const what =
    source.kind === 'capture'
      ? `${source.capture.format}${source.capture.compression === 'none' ? '' : `, compressed by ${source.capture.compression}`}`
      : source.kind;
  return [
    `${what}, ${bytesText(source.bytes)} on disk`,
    source.kind === 'capture' ? `${source.capture.packets} packets` : `${source.records} flow records`,
    `${bytesText(report.bytes)} ${source.kind === 'capture' ? 'on the wire' : 'of IP packets'}`,
    secondsText(report.durationSeconds),
    ...start.map((text) => `from ${text}`),
    ...seen,
  ];
}

export function interfacesOf({ source }: Inspection): string[] {
  if (source.kind !== 'capture') return [];
  return source.capture.interfaces
    .map(({ name, linkType }) => `${name ?? 'interface'} (link type ${linkType})`)
    .slice(0, 8);
}

function hostsTable({ hosts }: TrafficReport): string {
  if (hosts.length === 0) return 'no IP traffic';
  const table = tableOf(
    ['host', 'address', 'up', 'down', 'peak Mbit/s', 'egress over time'],
    ['left', 'left', 'right', 'right', 'right', 'left'],
  );
  const shown = hosts.slice(0, MAX_HOSTS_SHOWN);
  const peak = Math.max(...shown.map(peakRate));
  for (const host of shown) {
    table.push([
      host.name ?? '',
      host.address,
      bytesText(host.sentBytes),
      bytesText(host.receivedBytes),
      (peakRate(host) / 1e6).toFixed(2),
      sparkline(host.egressRates, peak),
    ]);
  }
  return table.toString() + more(hosts.length - shown.length, 'hosts');
}

function peakRate({ egressRates }: HostReport): number {
  return Math.max(0, ...egressRates);
}

/** A row of blocks, as tall as the values are next to `peak`; anything above 0 shows. */
export function sparkline(values: readonly number[], peak: number): string {
  const top = BLOCKS.length - 1;
  return values
    .map((value) => BLOCKS[peak > 0 ? Math.min(top, Math.ceil((top * value) / peak)) : 0])
    .join('');
}

function flowsTable({ flows }: TrafficReport): string {
  if (flows.length === 0) return '';
  const table = tableOf(
    ['flow', 'from', 'to', 'payload →', 'payload ←', 'sent again', 'handshake', 'SYN→SYN-ACK', 'largest'],
    ['left', 'left', 'left', 'right', 'right', 'right', 'right', 'right', 'right'],
  );
  const shown = flows.slice(0, MAX_FLOWS_SHOWN);
  for (const flow of shown) {
    const { forward, backward } = flow;
    table.push([
      flow.protocol,
      endText(flow.source),
      endText(flow.destination),
      bytesText(forward.payloadBytes),
      bytesText(backward.payloadBytes),
      bytesText(forward.retransmittedBytes + backward.retransmittedBytes),
      timeText(flow.handshakeSeconds),
      timeText(flow.synAckSeconds),
      `${Math.max(forward.maxPacketBytes, backward.maxPacketBytes)} B`,
    ]);
  }
  return table.toString() + more(flows.length - shown.length, 'flows');
}

function endText({ address, name, port }: FlowReport['source']): string {
  const host = name ?? (address.includes(':') ? `[${address}]` : address);
  return port === 0 ? host : `${host}:${port}`;
}

function timeText(seconds: number | null): string {
  return seconds === null ? '–' : secondsText(seconds);
}

/** Subjects told in the text; the document and the page have more. */
const MAX_BEATS_SHOWN = 12;

/** Heartbeats of groups, pairs and hosts, briefly: those that are beats. */
function beatsText({ beats, names }: Inspection, bold: Style): string {
  const nameOf = (address: string): string => names.get(address) ?? address;
  const rows: [string, Beat, string][] = [
    ...beats.groups.map((group): [string, Beat, string] => [
      `group of ${group.hosts.length} hosts, ${group.pairs} pairs`,
      group,
      [
        `degree ${+group.degree.toPrecision(3)}`,
        ...(group.synchrony === null
          ? []
          : [`${percentText(group.synchrony.share)} in step, p ${pText(group.synchrony.pValue)}`]),
        ...(group.lead === null
          ? []
          : [`${nameOf(group.lead.address)} first in ${percentText(group.lead.consistency)}`]),
      ].join(', '),
    ]),
    ...beats.pairs.map((pair): [string, Beat, string] => [
      `${nameOf(pair.source)} ↔ ${nameOf(pair.destination)}`,
      pair,
      pair.lead === null
        ? ''
        : `${nameOf(pair.lead.address)} leads by ${secondsText(pair.lead.lagSeconds)} in ${percentText(pair.lead.consistency)}`,
    ]),
    ...beats.hosts.map((host): [string, Beat, string] => [
      nameOf(host.address),
      host,
      `${+host.degree.toPrecision(3)} peers`,
    ]),
  ];
  const beating = rows.filter(([, beat]) => beat.isBeat);
  const asked = `${beats.tested} hosts, pairs and flows were tested, each with a chance of 1 % to pass without a beat`;
  if (beats.tested === 0) return '';
  if (beating.length === 0) return `${bold('nobody beats by itself')}: ${asked}`;
  const table = tableOf(
    ['who beats', 'period', 'CV', 'p', 'duty', 'bytes per burst (CV)', 'even', 'samples', ''],
    ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
  );
  for (const [who, beat, more] of beating.slice(0, MAX_BEATS_SHOWN)) {
    table.push([
      who,
      secondsText(beat.periodSeconds ?? 0),
      (beat.periodCv ?? 0).toFixed(2),
      pText(beat.pValue ?? 1),
      percentText(beat.dutyCycle ?? 0),
      `${bytesText(beat.burstBytes)} (${beat.burstBytesCv.toFixed(2)})`,
      percentText(beat.symmetry),
      String(+beat.samplesPerBurst.toPrecision(3)),
      more,
    ]);
  }
  return `${table.toString()}${more(beating.length - MAX_BEATS_SHOWN, 'that beat')}\n${asked}`;
}

/** A chance, no finer than simulations tell. */
export function pText(pValue: number): string {
  return `${+pValue.toPrecision(2)}`;
}

function heartbeatText(
  { heartbeat: report }: TrafficReport,
  expected: Expected | undefined,
  bold: Style,
): string {
  const { heartbeat, reason, nodes } = report;
  if (heartbeat === null) return `${bold('no heartbeat')}: ${reason}`;
  const table = tableOf(['heartbeat', 'measured', 'expected'], ['left', 'right', 'right']);
  const row = (name: string, text: (value: number) => string, measured: number, promised?: number): void => {
    table.push([name, text(measured), promised === undefined ? '' : text(promised)]);
  };
  row('period', secondsText, heartbeat.periodSeconds, expected?.periodSeconds);
  row('CV of period', (cv) => cv.toFixed(4), heartbeat.periodCv);
  row('bytes per burst and node', bytesText, heartbeat.burstBytesPerNode, expected?.burstBytesPerNode);
  row('length of a burst', secondsText, heartbeat.burstSeconds, expected?.burstSeconds);
  row('duty cycle', (share) => `${(100 * share).toFixed(1)} %`, heartbeat.dutyCycle, expected?.dutyCycle);
  row('bursts', String, heartbeat.count);
  row('nodes', String, nodes.length);
  const note =
    expected === undefined
      ? ''
      : '\nbytes are those of whole frames, acknowledgements included; expected ones count Ethernet headers';
  return table.toString() + note;
}

function tableOf(head: string[], colAligns: ('left' | 'right')[]): Table.Table {
  return new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
}

function more(hidden: number, what: string): string {
  return hidden > 0 ? `\nand ${hidden} more ${what}` : '';
}
