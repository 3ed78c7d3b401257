/**
 * What a run on this machine serves over HTTP while it goes on: the web page, the metrics, each if asked for.
 *
 * Both listen on 127.0.0.1. Inside a user namespace they listen on the launcher's Unix sockets instead, and
 * it is the launcher's ports that people are told (../rootless.ts).
 */
import type { BoardSnapshot } from '../../../orchestrator/board.js';
import type { RunListener } from '../../run/events.js';
import { startMetricsServer, type MetricsSource } from '../../../orchestrator/metrics-server.js';
import { startWebServer, WEB_PORT, type WebServer } from '../../../orchestrator/web/server.js';
import type { HttpServer, Listen } from '../../http-server.js';
import { doorsFromLauncher, type PortName, type Ports } from '../rootless.js';

/** Ports to try from the default one on, where the user named none. */
const WEB_PORT_TRIES = 20;

export interface PortFlags {
  readonly metrics?: number;
  /** True without a port: the default one, or the next that is free. */
  readonly web?: number | true;
}

export interface Servers {
  /** Where what is, for people. */
  readonly lines: readonly string[];
  readonly apply: RunListener;
  /** Ends all servers. */
  close(): Promise<void>;
}

/** Where a run is to serve what its flags ask for. */
export function portsOf({ metrics, web }: PortFlags): Ports {
  const host = '127.0.0.1';
  return {
    ...(web === undefined
      ? {}
      : { web: web === true ? { host, port: WEB_PORT, tries: WEB_PORT_TRIES } : { host, port: web } }),
    ...(metrics === undefined ? {} : { metrics: { host, port: metrics } }),
  };
}

/**
 * Opens the servers; the caller must close them.
 *
 * @throws RunError if one can't listen; then none stays open.
 */
export async function openServers(
  ports: Ports,
  sources: { readonly snapshot: () => BoardSnapshot; readonly metrics: MetricsSource },
): Promise<Servers> {
  const doors = doorsFromLauncher();
  const listenFor = (name: PortName): Listen | undefined => doors?.[name] ?? ports[name];
  const lines: string[] = [];
  const open: HttpServer[] = [];
  const close = async (): Promise<void> => void (await Promise.all(open.map((server) => server.close())));
  let page: WebServer | undefined;
  try {
    const webListen = listenFor('web');
    if (webListen !== undefined) {
      open.push((page = await startWebServer({ listen: webListen, ...sources })));
      lines.push(`watch it live: ${doors?.web?.url ?? reachable(page.url)}`);
    }
    const metricsListen = listenFor('metrics');
    if (metricsListen !== undefined) {
      const server = await startMetricsServer(sources.metrics, metricsListen);
      open.push(server);
      const door = doors?.metrics;
      lines.push(`metrics: ${door === undefined ? server.url : `${door.url}/metrics`}`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { lines, apply: (event) => page?.apply(event), close };
}

/** A server that listens on all addresses is shown by the name that works on its own machine. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//localhost:');
}
