/**
 * `meshbeat schedule`: see a run before it runs. Draws one round as a Gantt chart and tells its bytes, in
 * closed form and as framed for the wire, and the heartbeat to expect. Nothing is sent and nothing trained;
 * times come from the simulator, whose assumptions src/simulation/timeline.ts states.
 */
import Table from 'cli-table3';
import { Command } from 'commander';
import pc from 'picocolors';
import { forecast, type Forecast } from '../../orchestrator/schedules/forecast.js';
import { InputError } from '../errors.js';
import { loadScenario, topologyOf } from '../scenario/index.js';
import type { Scenario } from '../scenario/schema.js';
import type { Topology } from '../scenario/topology.js';
import { bytesPerRank, ringBytesPerRank, type RankBytes } from '../schedule/bytes.js';
import { gantt } from '../schedule/gantt.js';
import { parameterCount } from '../training/model.js';
import { bytesText, integerOption, rateText, secondsText } from './text.js';

/** More nodes than this are summed up in one line. */
const MAX_NODES_SHOWN = 16;
const DEFAULT_COLUMNS = 100;

interface ScheduleFlags {
  readonly set: string[];
  readonly seed?: number;
  readonly nodes?: number;
  readonly round?: number;
  readonly json?: true;
  readonly width?: number;
}

export function scheduleCommand(): Command {
  return new Command('schedule')
    .description('draw one round of a scenario as a Gantt chart, with its bytes and expected times')
    .argument('<scenario>', 'a scenario file (YAML)')
    .option('--set <path=value>', 'override a value of the scenario; may be repeated', collect, [])
    .option('--seed <n>', 'seed', integerOption('--seed', 0, 0xffffffff))
    .option(
      '--nodes <n>',
      'draw so many nodes, in the mix that the scenario has',
      integerOption('--nodes', 2, 1024),
    )
    .option(
      '--round <n>',
      'round to draw, counting from 0 (default: 1)',
      integerOption('--round', 0, 100_000),
    )
    .option(
      '--width <columns>',
      'columns to draw in (default: the terminal)',
      integerOption('--width', 60, 1000),
    )
    .option('--json', 'print one JSON document instead')
    .action((file: string, flags: ScheduleFlags) => {
      const scenario = loadScenario(file, {
        sets: flags.set,
        ...(flags.seed === undefined ? {} : { seed: flags.seed }),
        nodes: flags.nodes,
      });
      const view = viewOf(scenario, flags.round);
      const text = flags.json
        ? JSON.stringify(documentOf(view), null, 2)
        : pageOf(view, {
            width: flags.width ?? process.stdout.columns ?? DEFAULT_COLUMNS,
            colour: process.stdout.isTTY === true && pc.isColorSupported,
          });
      process.stdout.write(`${text}\n`);
    });
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** Everything there is to show, before it is text. */
interface View {
  readonly scenario: Scenario;
  readonly topology: Topology;
  readonly parameters: number;
  readonly bufferBytes: number;
  readonly forecast: Forecast;
  readonly bytes: readonly RankBytes[];
}

/** The first round starts in step and is no example; the default is the one after it, if there is one. */
function viewOf(scenario: Scenario, round = Math.min(1, scenario.rounds - 1)): View {
  if (round >= scenario.rounds) {
    throw new InputError(
      `--round: found ${round}; allowed: 0 to ${scenario.rounds - 1}, for the scenario has ${scenario.rounds} rounds`,
    );
  }
  const topology = topologyOf(scenario);
  const parameters = parameterCount(scenario.model);
  const { protocol, pace, outerPace, transport } = scenario;
  const { tls } = transport;
  const request = { protocol, topology, parameterCount: parameters, round, pace, outerPace, tls };
  const result = forecast(request);
  return {
    scenario,
    topology,
    parameters,
    bufferBytes: parameters * Float32Array.BYTES_PER_ELEMENT,
    forecast: result,
    bytes: bytesPerRank(result.schedule),
  };
}

/** For `--json`: base units (bytes, seconds, bit/s); times count from the start of the round. */
function documentOf({ scenario, topology, parameters, bufferBytes, forecast, bytes }: View): object {
  const origin = forecast.timed.reduce((least, { start }) => Math.min(least, start), Infinity);
  return {
    scenario: scenario.name,
    protocol: scenario.protocol.kind,
    round: forecast.schedule.round,
    worldSize: topology.nodes.length,
    parameters,
    bufferBytes,
    closedFormBytesPerNode: ringBytesPerRank(bufferBytes, topology.nodes.length),
    expected: forecast.heartbeat,
    nodes: topology.nodes.map(({ rank, name, region, uplink, downlink }) => ({
      rank,
      name,
      region,
      uplink,
      downlink,
      ...bytes[rank],
      wireBytes: forecast.wireBytes[rank],
    })),
    operations: forecast.timed.map(({ rank, operation, start, end }) => ({
      node: topology.nodes[rank]?.name,
      rank,
      ...operation,
      start: start - origin,
      end: end - origin,
    })),
  };
}

interface PageOptions {
  readonly width: number;
  readonly colour: boolean;
}

function pageOf(view: View, { width, colour }: PageOptions): string {
  const { scenario, topology, parameters, bufferBytes, forecast } = view;
  const { bold, dim } = pc.createColors(colour);
  const title = [
    bold(scenario.name),
    `${scenario.protocol.kind}, round ${forecast.schedule.round} of 0…${scenario.rounds - 1}`,
    `${topology.nodes.length} nodes`,
    `${parameters.toLocaleString('en-US')} parameters (V = ${bytesText(bufferBytes)})`,
  ].join(dim(' · '));
  const names = topology.nodes.map(({ name }) => name);
  const picture = gantt(forecast.timed, { names, width, colour, maxNodes: MAX_NODES_SHOWN });
  return [title, '', picture, '', bytesTable(view), '', heartbeatText(view, bold)].join('\n');
}

function bytesTable({ topology, bufferBytes, forecast, bytes }: View): string {
  const table = new Table({
    head: ['node', 'uplink', 'sent', '2·V·(N−1)/N', 'on the wire', 'messages'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  const closedForm = ringBytesPerRank(bufferBytes, topology.nodes.length);
  for (const { rank, name, uplink } of topology.nodes.slice(0, MAX_NODES_SHOWN)) {
    const { sentBytes = 0, sends = 0 } = bytes[rank] ?? {};
    table.push([
      name,
      rateText(uplink),
      bytesText(sentBytes),
      bytesText(closedForm),
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
    bytesText(closedForm * topology.nodes.length),
    bytesText(sum(forecast.wireBytes)),
    sum(bytes.map(({ sends }) => sends)),
  ]);
  return table.toString();
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
