/** A round for people: the page in the terminal, and its picture as a document of its own. */
import Table from 'cli-table3';
import pc from 'picocolors';
import { InputError } from '../../errors.js';
import { pictureOf, svgPicture, textPicture, type PictureOptions } from '../../schedule/drawing/index.js';
import { bytesText, rateText, secondsText } from '../text.js';
import type { View } from './view.js';

/** More nodes than this are summed up in one line. */
const MAX_NODES_SHOWN = 16;

/** Which part of the round to draw. */
export type Stretch = Pick<PictureOptions, 'from' | 'to' | 'transfers'>;

export interface PageOptions extends Stretch {
  readonly width: number;
  readonly colour: boolean;
}

export function pageOf(view: View, { width, colour, ...stretch }: PageOptions): string {
  const { bold, dim } = pc.createColors(colour);
  const [name, ...facts] = headline(view);
  const picture = pictureOf(view.forecast.timed, {
    ...stretch,
    names: namesOf(view),
    maxNodes: MAX_NODES_SHOWN,
  });
  return [
    [bold(name), ...facts].join(dim(' · ')),
    picture === undefined ? 'nothing is done in that time' : textPicture(picture, { width, colour }),
    ...(view.pipeline === undefined ? [] : [pipelineText(view.pipeline, bold)]),
    `${bytesTable(view)}\nclosed form: ${view.closedForm.text}`,
    heartbeatText(view, bold),
    ...eventsText(view, bold),
  ].join('\n\n');
}

/** The picture alone, with all nodes that a page could hold and the thin lanes of pipelines. */
export function svgOf(view: View, stretch: Stretch = {}): string {
  const [title, ...facts] = headline(view);
  const picture = pictureOf(view.forecast.timed, {
    transfers: true,
    ...stretch,
    names: namesOf(view),
    maxNodes: 64,
  });
  if (picture === undefined)
    throw new InputError('--from: found a time after the end of the round; allowed: an earlier one');
  return svgPicture(picture, { title, subtitle: facts.join(' · ') });
}

function namesOf({ topology }: View): string[] {
  return topology.nodes.map(({ name }) => name);
}

function headline({ scenario, topology, parameters, bufferBytes, forecast }: View): [string, ...string[]] {
  return [
    scenario.name,
    `${scenario.protocol.kind}, round ${forecast.schedule.round} of 0…${scenario.rounds - 1}`,
    `${topology.nodes.length} nodes`,
    `${parameters.toLocaleString('en-US')} parameters (V = ${bytesText(bufferBytes)})`,
  ];
}

function pipelineText(
  { actions, bubble }: NonNullable<View['pipeline']>,
  bold: (text: string) => string,
): string {
  const share = (value: number) => bold(`${(100 * value).toFixed(1)} %`);
  return `${actions}\nbubble   ${share(bubble.formula)} by formula, messages taking no time   ${share(bubble.simulated)} simulated, over these links`;
}

function bytesTable({ topology, closedForm, forecast, bytes }: View): string {
  const table = new Table({
    head: ['node', 'uplink', 'sent', 'closed form', 'on the wire', 'messages'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { rank, name, uplink } of topology.nodes.slice(0, MAX_NODES_SHOWN)) {
    const { sentBytes = 0, sends = 0 } = bytes[rank] ?? {};
    table.push([
      name,
      rateText(uplink),
      bytesText(sentBytes),
      bytesText(closedForm.bytesByRank[rank] ?? 0),
      bytesText(forecast.wireBytes[rank] ?? 0),
      sends,
    ]);
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const hidden = topology.nodes.length - MAX_NODES_SHOWN;
  table.push([
    hidden > 0 ? `all, with ${hidden} more` : 'all',
    '',
    bytesText(sum(bytes.map(({ sentBytes }) => sentBytes))),
    bytesText(sum(closedForm.bytesByRank)),
    bytesText(sum(forecast.wireBytes)),
    sum(bytes.map(({ sends }) => sends)),
  ]);
  return table.toString();
}

/** Nobody shall take these times for those of a run in which the network changes. */
function eventsText({ scenario: { events } }: View, bold: (text: string) => string): string[] {
  if (events.length === 0) return [];
  const count = events.length === 1 ? '1 event' : `${events.length} events`;
  return [
    `${bold('NOT SIMULATED')}   the scenario has ${count}; all times here are those of a network without`,
  ];
}

function heartbeatText({ forecast: { heartbeat } }: View, bold: (text: string) => string): string {
  const figures = [
    ['period', secondsText(heartbeat.periodSeconds)],
    ['burst', secondsText(heartbeat.burstSeconds)],
    ['duty cycle', `${(heartbeat.dutyCycle * 100).toFixed(1)} %`],
    ['burst per node', `${bytesText(heartbeat.burstBytesPerNode)} on the wire`],
  ] as const;
  const line = figures.map(([name, value]) => `${name} ${bold(value)}`).join('   ');
  return `expected heartbeat   ${line}\n(simulated: links kept full, nothing lost, acknowledgements counted; a burst is that of the whole mesh)`;
}
