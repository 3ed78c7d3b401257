/**
 * What each observer sees: the capture of the bridge, analysed whole, and cut into the captures of the scenario's
 * observation points, each analysed by itself. One reading of the file does for all.
 */
import type { PcapngOptions } from '../../capture/index.js';
import { Portion, readCapture } from '../../capture/index.js';
import type { ObservationSummary } from '../../run/files.js';
import { hostsOf, observationPoints, type AnyScenario, type Topology } from '../../scenario/index.js';
import { TrafficAnalyzer, type CaptureReport } from '../../traffic/index.js';

export interface ObservationsOptions {
  /** The capture of the bridge. */
  readonly capture: string;
  readonly scenario: AnyScenario;
  readonly topology: Topology;
  /** Path of a file of the run. */
  readonly fileOf: (name: string) => string;
  readonly comment: string;
  /** Addresses whose packets are no part of the heartbeat of the whole. */
  readonly beatless: ReadonlySet<string>;
}

export interface Observations {
  /** Of all packets. */
  readonly report: CaptureReport;
  /** In the order of the scenario's points. */
  readonly observations: readonly ObservationSummary[];
}

/**
 * Analyses a run's capture and writes `capture-NAME.pcapng` for each point.
 *
 * @throws RunError when the capture can't be read or a file can't be written
 */
export async function observe({
  capture,
  scenario,
  topology,
  fileOf,
  comment,
  beatless,
}: ObservationsOptions): Promise<Observations> {
  const hosts = hostsOf(topology);
  const names: PcapngOptions['names'] = new Map(hosts.map(({ address, name }) => [address, name]));
  const watchers = observationPoints(scenario.capture.points, topology, scenario.seed).map((point) => {
    const file = `capture-${point.name}.pcapng`;
    const portion = new Portion({
      file: fileOf(file),
      interface: point.name,
      addresses: point.hosts.map((position) => hosts[position]!.address),
      comment: `${comment}; cut from the capture of the bridge: what ${point.name} sees`,
      names,
    });
    // An observer does not know who trains and who runs a program.
    return { point, file, portion, analyzer: new TrafficAnalyzer() };
  });
  const whole = new TrafficAnalyzer({ beatless });
  try {
    const info = await readCapture(capture, (packet) => {
      whole.packet(packet);
      for (const { portion, analyzer } of watchers) if (portion.packet(packet)) analyzer.packet(packet);
    });
    return {
      report: { ...whole.finish(info.names), capture: info },
      observations: watchers.map(({ point, file, analyzer }) => {
        const { packets, bytes, heartbeat } = analyzer.finish(names);
        return {
          ...{
            point: point.name,
            kind: point.kind,
            hosts: point.hosts.map((position) => hosts[position]!.name),
          },
          ...{ file, packets, bytes, heartbeat: heartbeat.heartbeat ?? null },
        };
      }),
    };
  } finally {
    for (const { portion } of watchers) portion.close();
  }
}
