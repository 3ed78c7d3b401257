/** The page that `meshbeat inspect` prints: a report, made readable. It computes nothing of its own. */
import Table from 'cli-table3';
import pc from 'picocolors';
import type { CaptureReport, FlowReport, HostReport } from '../traffic/index.js';
import type { Expected } from './locate.js';
import { bytesText, secondsText } from './text.js';

/** Larger hosts and flows come first; the rest is told by its number. */
const MAX_HOSTS_SHOWN = 32;
const MAX_FLOWS_SHOWN = 12;
const BLOCKS = ' ▁▂▃▄▅▆▇█';

/**
 * @param expected what the run's schedule promised, if the capture is of a run.
 * @param colour whether to write ANSI colours.
 */
export function inspectPage(report: CaptureReport, expected: Expected | undefined, colour: boolean): string {
  const { bold, dim, yellow } = pc.createColors(colour);
  const sections = [
    factsText(report, bold, dim),
    warnings(report)
      .map((warning) => yellow(`warning: ${warning}`))
      .join('\n'),
    hostsTable(report),
    flowsTable(report),
    heartbeatText(report, expected, bold),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

type Style = (text: string) => string;

function factsText({ capture, ...report }: CaptureReport, bold: Style, dim: Style): string {
  const start =
    capture.firstNs === undefined ? [] : [new Date(Number(capture.firstNs / 1_000_000n)).toISOString()];
  const facts = [
    `${capture.format}${capture.compression === 'none' ? '' : `, compressed by ${capture.compression}`}, ${bytesText(capture.bytes)} on disk`,
    `${capture.packets} packets`,
    `${bytesText(report.bytes)} on the wire`,
    secondsText(report.durationSeconds),
    ...start.map((text) => `from ${text}`),
  ];
  const sources = capture.interfaces.map(
    ({ name, linkType }) => `${name ?? 'interface'} (link type ${linkType})`,
  );
  return `${bold(capture.file)}\n${facts.join(dim(' · '))}\n${sources.slice(0, 8).join(dim(' · '))}`;
}

/** What keeps the figures below from being the whole truth. */
function warnings({ capture, ...report }: CaptureReport): string[] {
  const { truncatedAt, drops } = capture;
  const { undecodedPackets, evictedFlows, evictedHosts } = report;
  return [
    truncatedAt === undefined
      ? ''
      : `the capture is cut off at byte ${truncatedAt}; all before it is counted here`,
    drops === undefined || drops.dropped === 0 ? '' : `the capturing side lost ${drops.dropped} packets`,
    undecodedPackets === 0 ? '' : `${undecodedPackets} packets could not be decoded`,
    evictedFlows.flows === 0
      ? ''
      : `${evictedFlows.flows} small flows (${bytesText(evictedFlows.bytes)}) were left out to bound memory`,
    evictedHosts === 0 ? '' : `${evictedHosts} small hosts were left out to bound memory`,
  ].filter((warning) => warning !== '');
}

function hostsTable({ hosts }: CaptureReport): string {
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

function flowsTable({ flows }: CaptureReport): string {
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

function heartbeatText(
  { heartbeat: report }: CaptureReport,
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
