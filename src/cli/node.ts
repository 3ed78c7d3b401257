/**
 * `meshbeat node`: one GPU node of a run that an orchestrator elsewhere conducts.
 *
 * It logs what becomes of it, and has a Prometheus endpoint of its own.
 */
import { Command } from 'commander';
import { startMetricsServer } from '../../orchestrator/metrics-server.js';
import type { HttpServer } from '../http-server.js';
import { latenessOf } from '../wan/meters.js';
import { NodeMetrics } from '../../nodes/node-metrics.js';
import { joinMesh } from '../../nodes/join.js';
import type { NodeWatcher } from '../../nodes/watcher.js';
import { hostAndPortOption, hostAndPortText, type HostAndPort } from './host-and-port.js';
import { listenForInterruption } from './interruption.js';
import { startLog } from './log.js';
import { integerOption, rateText } from './text.js';

/** Where the containers of docker-compose.yml find the token. */
export const TOKEN_FILE = '/run/meshbeat/join-token';

/** How long connections to peers have to close in order, ms. */
const FAREWELL_MS = 500;

interface NodeFlags {
  readonly join: HostAndPort;
  readonly tokenFile: string;
  readonly interface?: string;
  readonly metrics?: number;
}

export function nodeCommand(): Command {
  return new Command('node')
    .description('join a run as one GPU node, with a network shaper of its own (in a container)')
    .requiredOption('--join <host:port>', 'the orchestrator', hostAndPortOption('--join'))
    .option('--token-file <file>', 'holds the join token', TOKEN_FILE)
    .option(
      '--interface <name>',
      'the network interface on the mesh; default: the one that is not the orchestrator’s',
    )
    .option('--metrics <port>', 'serve Prometheus metrics on this port', integerOption('--metrics', 1, 65535))
    .action(node);
}

async function node(flags: NodeFlags): Promise<void> {
  const interruption = listenForInterruption();
  const log = startLog();
  const metrics = new NodeMetrics();
  let server: HttpServer | undefined;
  try {
    if (flags.metrics !== undefined)
      server = await startMetricsServer(() => metrics, { host: '0.0.0.0', port: flags.metrics });
    await joinMesh({
      orchestrator: flags.join,
      tokenFile: flags.tokenFile,
      ...(flags.interface === undefined ? {} : { interface: flags.interface }),
      watcher: watcherOf(log, metrics, hostAndPortText(flags.join)),
      onWaiting: (reason) => log(`waiting: ${reason}`),
      signal: interruption.signal,
    });
  } finally {
    await server?.close();
    interruption.close();
    // The kernel would bid peers that are gone already a farewell for minutes; nothing else is left.
    setTimeout(() => process.exit(), FAREWELL_MS).unref();
  }
}

/** Puts what matters into words, and all of it into figures. */
function watcherOf(log: (line: string) => void, metrics: NodeMetrics, orchestrator: string): NodeWatcher {
  let loss: number | undefined;
  let rounds = 0;
  return {
    admitted: () => log(`${orchestrator} has let us in; waiting until all nodes are there`),
    welcomed: ({ rank, topology, scenario, run }) => {
      metrics.join({ run, topology, rank });
      const { name, region, address, uplink, downlink } = topology.nodes[rank]!;
      rounds = scenario.rounds;
      const rates = `${rateText(uplink)} up, ${rateText(downlink)} down`;
      log(`run ${run}: rank ${rank} of ${topology.nodes.length}, ${name} in ${region}, ${address}, ${rates}`);
    },
    ready: () => log('ready: the shaper runs, the model is compiled'),
    happened: (event) => {
      metrics.apply(event);
      if (event.type === 'step') loss = event.loss;
      else
        log(
          `round ${event.round + 1}/${rounds} done${loss === undefined ? '' : `, training loss ${loss.toFixed(3)}`}`,
        );
    },
    metered: (counters, lateness) => metrics.meter(counters, latenessOf([lateness])),
    finished: (sha256) => log(`done; final weights ${sha256}`),
  };
}
