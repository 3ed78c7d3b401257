/**
 * Verification: measures a live network property by property and holds each figure against what was set.
 *
 * It is the thorough sibling of the gate's probes (orchestrator/probe.ts), which every run makes in seconds; both take
 * what is right from expected.ts. Here the measuring is done by instruments of its own in the nodes' places, with
 * nobody training.
 *
 * A machine that others use spoils a figure now and then, and of many intervals that hold 99 times of 100 one will be
 * left by chance. So a measurement that fails is repeated, and the check says how often; a network that is wrong fails
 * every time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RunError } from '../errors.js';
import { hostsOf, type Topology } from '../scenario/topology.js';
import { jitterQuantile } from '../scenario/weather.js';
import type { Fabric } from '../wan/fabric.js';
import { ETHERNET_BYTES, expectedRate, expectedRoundTrip, queueSeconds } from './expected.js';
import { Instrument } from './instrument.js';
import { ECHO_BYTES } from './instrument-protocol.js';
import {
  latenessCheck,
  overfillChecks,
  pathName,
  roundTripChecks,
  sharingChecks,
  tcpRateCheck,
  trainChecks,
  type FidelityCheck,
} from './judge.js';
import { disjointPaths, type PathEnds } from './paths.js';
import { isClean, pathNames, planOf, type LinkPlan, type Unmeasured } from './plan.js';
import { ratesTogether, type FlowRates } from './stream.js';
import { readOverfill, readTrain } from './train.js';

/** How much is measured. */
export interface Thoroughness {
  /** Echoes for each pair. */
  readonly echoes: number;
  /** Datagrams of a train that shows the weather. */
  readonly packets: number;
  /** Seconds for which a rate is measured, TCP's beginning not counted. */
  readonly rateSeconds: number;
  /** How often a measurement is made at most before it counts as failed. */
  readonly attempts: number;
}

export const THOROUGH: Thoroughness = { echoes: 250, packets: 50_000, rateSeconds: 3, attempts: 3 };
export const QUICK: Thoroughness = { echoes: 60, packets: 4000, rateSeconds: 1.5, attempts: 3 };

export interface VerifyOptions {
  readonly fabric: Fabric;
  /** What was set; the fabric's own topology, unless a test has another opinion. */
  readonly topology: Topology;
  readonly thoroughness: Thoroughness;
  /** Says what is being measured, for people. */
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface VerifiedCheck extends FidelityCheck {
  /** How often it was measured; the last counts. */
  readonly attempts: number;
}

export interface Verification {
  readonly checks: readonly VerifiedCheck[];
  readonly unmeasured: readonly Unmeasured[];
}

/** Pairs whose round trips are measured at the same time: echoes are few and small. */
const ROUND_TRIPS_AT_ONCE = 4;
/** Between echoes, seconds; more where they would catch up with each other. */
const ECHO_SPACING = 0.004;
const LONGEST_ECHO_SPACING = 0.1;
/** On a connection there is one at a time, so fewer: of those that datagrams would be. */
const STREAM_ECHO_SHARE = 0.2;
const FEWEST_STREAM_ECHOES = 10;
/** A relay of byte streams runs on Node's timers, which tick in milliseconds. */
const STREAM_TICKS = 0.001;
const TRAINS_AT_ONCE = 2;
/** Of a train that shows the weather: datagrams a second, share of the path's rate at most, bytes of the IP packet. */
const TRAIN_PACE = 8000;
const TRAIN_SHARE = 0.4;
const TRAIN_BYTES = 64;
/** Sum of the rates that are filled at the same time, bit/s: more would measure this machine. */
const RATES_AT_ONCE = 100e6;
/** Of what is sent where weather was set, this share is sent where none was. */
const CALM_SHARE = 0.2;
/** How much faster than the link a train is that overfills its queue. */
const OVERDRIVE = 2;
/** What TCP gets to find its window, seconds and round trips. */
const WARM_UP_SECONDS = 0.5;
const WARM_UP_ROUND_TRIPS = 15;
/** A rate is measured for so many round trips at least: each hole that TCP mends takes one or two. */
const RATE_ROUND_TRIPS = 40;
/** Beyond the time at which the last of what was sent should have come, seconds. */
const PATIENCE = 0.2;

/** Ends its instruments, whatever happens; the fabric is the caller's. Rejects with the reason when it is aborted. */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const { fabric, signal } = options;
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(new RunError(String(signal.reason)));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
  aborted.catch(() => undefined);
  const instruments = await Promise.all(fabric.placements.map((placement) => Instrument.start(placement)));
  try {
    return await Promise.race([new Verifier(options, instruments).verify(), aborted]);
  } finally {
    await Promise.all(instruments.map((instrument) => instrument.close()));
  }
}

class Verifier {
  readonly #options: VerifyOptions;
  readonly #instruments: readonly Instrument[];
  #numbers = 0;

  constructor(options: VerifyOptions, instruments: readonly Instrument[]) {
    this.#options = options;
    this.#instruments = instruments;
  }

  async verify(): Promise<Verification> {
    const { fabric, topology, progress } = this.#options;
    const plan = planOf(topology, fabric.packetLevel);
    const checks: VerifiedCheck[] = [];
    const measure = async <T>(
      what: string,
      groups: readonly (readonly T[])[],
      one: (item: T) => Promise<FidelityCheck[]>,
    ): Promise<void> => {
      let done = 0;
      const all = groups.flat().length;
      for (const group of groups) {
        progress(`${what}: ${done} of ${all}`);
        checks.push(...(await Promise.all(group.map((item) => this.#untilGood(() => one(item))))).flat());
        done += group.length;
      }
    };
    await measure('round trips', disjointPaths(plan.roundTrips, ROUND_TRIPS_AT_ONCE, { paths: [] }), (pair) =>
      this.#roundTrip(pair),
    );
    await measure('weather', disjointPaths(plan.trains, TRAINS_AT_ONCE, topology), (path) =>
      this.#train(path),
    );
    await measure('rates', this.#groups(plan.rates), (link) => this.#rate(link));
    await measure('queues', this.#groups(plan.overfills), ({ paths }) => this.#overfill(paths[0]!));
    await measure(
      'shared queues',
      plan.shared.map((link) => [link]),
      (link) => this.#shared(link),
    );
    const lateness = fabric.lateness();
    if (lateness.count > 0) checks.push({ ...latenessCheck(lateness), attempts: 1 });
    return { checks, unmeasured: plan.unmeasured };
  }

  /** Measures again while a check fails. */
  async #untilGood(measure: () => Promise<FidelityCheck[]>): Promise<VerifiedCheck[]> {
    for (let attempts = 1; ; attempts++) {
      const checks = await measure();
      if (attempts === this.#options.thoroughness.attempts || checks.every(({ ok }) => ok))
        return checks.map((check) => ({ ...check, attempts }));
    }
  }

  /** Links that can be filled at the same time: no host in two of them, and not too much in all. */
  #groups(links: readonly LinkPlan[]): LinkPlan[][] {
    const groups: LinkPlan[][] = [];
    const hostsIn = ({ paths }: LinkPlan): number[] => paths.flatMap(({ from, to }) => [from, to]);
    for (const link of links) {
      const group = groups.find(
        (one) =>
          one.reduce((sum, { rate }) => sum + rate, link.rate) <= RATES_AT_ONCE &&
          !one.flatMap(hostsIn).some((host) => hostsIn(link).includes(host)),
      );
      if (group) group.push(link);
      else groups.push([link]);
    }
    return groups;
  }

  #instrument(rank: number): Instrument {
    return this.#instruments[rank]!;
  }

  async #roundTrip({ from, to }: PathEnds): Promise<FidelityCheck[]> {
    const { fabric, topology, thoroughness } = this.#options;
    const { echoes } = thoroughness;
    const jitters = [topology.paths[from]![to]!.jitter, topology.paths[to]![from]!.jitter];
    // On a path order is kept, so an echo that comes close behind a late one would be late with it.
    const span = Math.max(
      ...jitters.map((jitter) => jitterQuantile(jitter, 0.999) - jitterQuantile(jitter, 0)),
    );
    const spacing = Math.min(LONGEST_ECHO_SPACING, Math.max(ECHO_SPACING, span));
    if (!fabric.packetLevel) {
      const count = Math.max(FEWEST_STREAM_ECHOES, Math.round(echoes * STREAM_ECHO_SHARE));
      const times = await this.#instrument(from).streamEcho({ peer: to, count, spacing });
      return roundTripChecks(topology, [from, to], times, { bytes: 0, ticks: STREAM_TICKS });
    }
    const patience = expectedRoundTrip(topology, from, to).quantile(0.999) + PATIENCE;
    const times = await this.#instrument(from).echo({ peer: to, count: echoes, spacing, patience });
    return roundTripChecks(topology, [from, to], times, { bytes: ECHO_BYTES, ticks: 0 });
  }

  async #train(path: PathEnds): Promise<FidelityCheck[]> {
    const { topology, thoroughness } = this.#options;
    const { from, to } = path;
    const rate = expectedRate(topology, from, to);
    const fitting = (TRAIN_SHARE * rate) / (8 * (TRAIN_BYTES + ETHERNET_BYTES));
    const before = await this.#instrument(to).counters();
    const share = isClean(topology, path) ? CALM_SHARE : 1;
    const order = {
      peer: to,
      train: this.#numbers++,
      packets: Math.round(share * thoroughness.packets),
      bytes: TRAIN_BYTES,
      pace: Math.min(TRAIN_PACE, fitting),
    };
    const departures = await this.#instrument(from).train(order);
    await this.#quiet(path);
    const arrivals = await this.#instrument(to).trainArrivals(from, order.train);
    const after = await this.#instrument(to).counters();
    return trainChecks(topology, [from, to], readTrain(departures, arrivals), {
      overflowed: after.overflowed - before.overflowed,
      damaged: after.damaged - before.damaged,
    });
  }

  /** Payload rates of flows that run at the same time. */
  async #flows(paths: readonly PathEnds[]): Promise<FlowRates> {
    const { topology, thoroughness } = this.#options;
    const roundTrip = Math.max(...paths.map(({ from, to }) => expectedRoundTrip(topology, from, to).mean));
    const warmUp = Math.max(WARM_UP_SECONDS, WARM_UP_ROUND_TRIPS * roundTrip);
    const flows = paths.map((path) => ({ ...path, flow: this.#numbers++ }));
    const seconds = warmUp + Math.max(thoroughness.rateSeconds, RATE_ROUND_TRIPS * roundTrip);
    await Promise.all(flows.map(({ from, to, flow }) => this.#instrument(from).stream(to, flow, seconds)));
    const arrivals = await Promise.all(
      flows.map(({ to, flow }) => this.#instrument(to).streamArrivals(flow)),
    );
    await Promise.all(paths.map((path) => this.#quiet(path)));
    return ratesTogether(arrivals, warmUp);
  }

  async #rate({ property, name, rate, paths }: LinkPlan): Promise<FidelityCheck[]> {
    const { topology } = this.#options;
    const through = paths.length === 1 ? pathName(topology, paths[0]!.from, paths[0]!.to) : name;
    return [tcpRateCheck(topology, property, through, rate, await this.#flows(paths))];
  }

  async #shared({ property, name, rate, paths }: LinkPlan): Promise<FidelityCheck[]> {
    const { topology } = this.#options;
    const rates = await this.#flows(paths);
    return [
      tcpRateCheck(topology, property, name, rate, rates),
      ...sharingChecks(pathNames(topology, paths), rates),
    ];
  }

  async #overfill(path: PathEnds): Promise<FidelityCheck[]> {
    const { topology, thoroughness } = this.#options;
    const { from, to } = path;
    const rate = expectedRate(topology, from, to);
    const frame = topology.mtu + ETHERNET_BYTES;
    const filling = queueSeconds(topology.queue, rate) / (OVERDRIVE - 1);
    const pace = (OVERDRIVE * rate) / (8 * frame);
    const order = {
      peer: to,
      train: this.#numbers++,
      packets: Math.ceil(pace * (filling + thoroughness.rateSeconds)),
      bytes: topology.mtu,
      pace,
    };
    const departures = await this.#instrument(from).train(order);
    await this.#quiet(path);
    const arrivals = await this.#instrument(to).trainArrivals(from, order.train);
    return overfillChecks(topology, [from, to], readOverfill(departures, arrivals, { frame, rate }));
  }

  /** Waits until what was sent has come, or never will. */
  async #quiet({ from, to }: PathEnds): Promise<void> {
    const { topology } = this.#options;
    const hosts = hostsOf(topology);
    const queues =
      queueSeconds(topology.queue, hosts[from]!.uplink) + queueSeconds(topology.queue, hosts[to]!.downlink);
    const seconds = queues + expectedRoundTrip(topology, from, to).quantile(0.99) + PATIENCE;
    await sleep(1000 * seconds);
  }
}
