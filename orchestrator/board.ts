/**
 * The board: how the run stands, for whoever looks.
 *
 * Think of the board in a station hall. Events are called out as they happen; the board keeps of them what
 * a traveller wants to know now: where each node is, how fast it sends, how many rounds are done, how long
 * it will take. The terminal reads it and a web page can, for a snapshot is plain JSON. The board draws
 * nothing, and has no clock: all it knows of time comes with the events, so the same events always leave
 * the same board.
 *
 * The times of trace operations count from the trace's origin, which no event tells. But the first
 * operation of all starts as training begins, and so gives the zero of `elapsedSeconds`.
 */
import type { Topology } from '../src/scenario/topology.js';
import type { GateCheck } from '../src/run/files.js';
import type { Lateness, NodeCounters } from '../src/wan/fabric.js';
import type { RunEvent } from '../src/run/events.js';
import { HISTORY_BIN_SECONDS, RateMeter } from './rate-meter.js';

/** What of the scenario the board must know. */
export interface RunFacts {
  readonly scenario: string;
  readonly protocol: string;
  readonly fabric: string;
  readonly rounds: number;
  readonly stepsPerRound: number;
  /** Seconds of one inner step. */
  readonly pace: number;
  /** Period that the schedule promises, seconds; the time left is reckoned with it until one is measured. */
  readonly expectedPeriodSeconds?: number;
  /** Of a run without rounds: how long it lasts once it has begun, seconds. */
  readonly durationSeconds?: number;
}

export type Phase = 'joining' | 'computing' | 'synchronizing' | 'done';

export interface NodeSnapshot {
  readonly rank: number;
  readonly name: string;
  readonly region: string;
  /** Rates of the node's links as configured, bit/s. */
  readonly uplink: number;
  readonly downlink: number;
  readonly phase: Phase;
  readonly roundsDone: number;
  /** Inner steps done, over all rounds. */
  readonly steps: number;
  /** Training loss of the last step, nats per byte; null before the first, and where a node has none. */
  readonly loss: number | null;
  /** Rates between the last two samples, bit/s. */
  readonly rateUp: number;
  readonly rateDown: number;
  /** To each rank between the last two samples, by rank, bit/s. */
  readonly rateTo: readonly number[];
  /** Uplink rates of the last 30 s, bit/s, oldest first, one per `historyBinSeconds`. */
  readonly rateUpHistory: readonly number[];
  /** Bytes waiting in the uplink and the downlink queue. */
  readonly queuedBytes: number;
  /** Packets that found a queue full, and packets lost on a path, since the start. */
  readonly dropped: number;
  readonly lost: number;
  readonly overruns: number;
}

/** A round that all nodes have finished. */
export interface FinishedRound {
  /** Counting from 0. */
  readonly round: number;
  /** When the last node finished it, seconds since training began. */
  readonly endSeconds: number;
  /** Mean time from one round's end to the next's up to this one; null for the first. */
  readonly periodSeconds: number | null;
  /** Mean over nodes of the training loss of the round's last step; null without steps. */
  readonly meanLoss: number | null;
  /** Payload bytes of all slices that all nodes sent in it. */
  readonly sentBytes: number;
}

/** How the run stands; plain JSON. */
export interface BoardSnapshot {
  /** Name of the run's directory; null before the run. */
  readonly run: string | null;
  readonly scenario: string;
  readonly protocol: string;
  readonly fabric: string;
  /** What is going on, for people. */
  readonly stage: string;
  readonly nodes: readonly NodeSnapshot[];
  readonly rounds: number;
  /** Rounds that all nodes have finished. */
  readonly roundsDone: number;
  readonly stepsPerRound: number;
  /** Mean over nodes of their last training losses, nats per byte; null before the first. */
  readonly meanLoss: number | null;
  /** Since training began, as of the last event that tells the time; null before. Stands still at the end. */
  readonly elapsedSeconds: number | null;
  /** Until the last round is done; null before training. */
  readonly secondsLeft: number | null;
  /** Mean time from one round's end to the next's; null before two are done. */
  readonly periodSeconds: number | null;
  /** What the schedule promises; null where that is not known. */
  readonly expectedPeriodSeconds: number | null;
  /** How late shaped packets leave, over all nodes, since the start; null as long as none was measured. */
  readonly lateness: Lateness | null;
  /** How the gate stands; null before the first check. */
  readonly gate: { readonly checks: readonly GateCheck[]; readonly final: boolean } | null;
  /** Inner steps that missed their pace, over all nodes. */
  readonly overruns: number;
  /** The last {@link FINISHED_ROUNDS_KEPT} of them, oldest first. */
  readonly finishedRounds: readonly FinishedRound[];
  readonly historyBinSeconds: number;
}

export const FINISHED_ROUNDS_KEPT = 100;

type Event<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** A round that some nodes have yet to finish. */
interface OpenRound {
  nodesLeft: number;
  /** By the trace's clock. */
  end: number;
  sentBytes: number;
  readonly losses: number[];
}

export class Board {
  readonly #facts: RunFacts;
  readonly #nodes: NodeState[];
  readonly #openRounds = new Map<number, OpenRound>();
  #stage = 'starting';
  #run: string | null = null;
  #lateness: Lateness | null = null;
  #gate: BoardSnapshot['gate'] = null;
  #roundsDone = 0;
  #finishedRounds: FinishedRound[] = [];
  /** When the first round ended, seconds since training began. */
  #firstEnd: number | undefined;
  /** When training began: seconds since 1970, and by the trace's clock. */
  #trainingTime: number | undefined;
  #trainingStart = Infinity;
  #elapsed = 0;

  constructor(topology: Topology, facts: RunFacts) {
    this.#facts = facts;
    this.#nodes = topology.nodes.map((node) => new NodeState(node, facts));
  }

  /** Takes an event in. Events of one node must come in the order in which they happened. */
  apply(event: RunEvent): void {
    switch (event.type) {
      case 'run':
        this.#run = event.id;
        return;
      case 'stage':
        this.#stage = event.text;
        return;
      case 'training':
        this.#stage = 'training';
        this.#trainingTime = event.time;
        for (const node of this.#nodes) node.phase = 'computing';
        return;
      case 'ended':
        this.#stage = event.failure === null ? 'done' : `broke off: ${event.failure}`;
        return;
      case 'step':
        this.#nodes[event.rank]?.step(event);
        return;
      case 'round':
        this.#round(event);
        return;
      case 'sample':
        this.#sample(event);
        return;
      case 'network':
        this.#stage = `training; last event: ${event.event}`;
        return;
      case 'rewound':
        for (const round of this.#openRounds.keys()) if (round >= event.round) this.#openRounds.delete(round);
        for (const node of this.#nodes) node.rewind(event.round);
        return;
      case 'gate':
        this.#gate = { checks: event.checks, final: event.final };
        return;
    }
  }

  /** A copy: later events do not change it. */
  snapshot(): BoardSnapshot {
    const training = this.#trainingTime !== undefined;
    const { scenario, protocol, fabric, expectedPeriodSeconds = null } = this.#facts;
    return {
      run: this.#run,
      scenario,
      protocol,
      fabric,
      stage: this.#stage,
      nodes: this.#nodes.map((node) => node.snapshot()),
      rounds: this.#facts.rounds,
      roundsDone: this.#roundsDone,
      stepsPerRound: this.#facts.stepsPerRound,
      meanLoss: mean(this.#nodes.flatMap(({ loss }) => loss ?? [])),
      elapsedSeconds: training ? this.#elapsed : null,
      secondsLeft: training ? this.#secondsLeft() : null,
      periodSeconds: this.#finishedRounds.at(-1)?.periodSeconds ?? null,
      expectedPeriodSeconds,
      lateness: this.#lateness,
      gate: this.#gate,
      overruns: this.#nodes.reduce((sum, { overruns }) => sum + overruns, 0),
      finishedRounds: [...this.#finishedRounds],
      historyBinSeconds: HISTORY_BIN_SECONDS,
    };
  }

  #round({ rank, round, operations }: Event<'round'>): void {
    const node = this.#nodes[rank];
    if (node === undefined) return;
    node.roundDone(round);
    let open = this.#openRounds.get(round);
    if (open === undefined) {
      open = { nodesLeft: this.#nodes.length, end: -Infinity, sentBytes: 0, losses: [] };
      this.#openRounds.set(round, open);
    }
    for (const { kind, start, end, bytes = 0 } of operations) {
      this.#trainingStart = Math.min(this.#trainingStart, start);
      open.end = Math.max(open.end, end);
      if (kind === 'send' || kind === 'put') open.sentBytes += bytes;
    }
    if (node.loss !== null) open.losses.push(node.loss);
    if (--open.nodesLeft === 0) this.#finishRound(round, open);
  }

  /** Rounds end in their order, as no node starts one before it has ended the one before. */
  #finishRound(round: number, { end, sentBytes, losses }: OpenRound): void {
    this.#openRounds.delete(round);
    this.#roundsDone++;
    const endSeconds = Math.max(0, end - this.#trainingStart);
    this.#firstEnd ??= endSeconds;
    const intervals = this.#roundsDone - 1;
    const periodSeconds = intervals === 0 ? null : (endSeconds - this.#firstEnd) / intervals;
    const finished = { round, endSeconds, periodSeconds, meanLoss: mean(losses), sentBytes };
    this.#finishedRounds = [...this.#finishedRounds, finished].slice(-FINISHED_ROUNDS_KEPT);
    this.#elapsed = this.#allDone ? endSeconds : Math.max(this.#elapsed, endSeconds);
  }

  #sample({ time, counters, lateness }: Event<'sample'>): void {
    this.#lateness = lateness.count === 0 ? null : lateness;
    this.#nodes.forEach((node, rank) => {
      const ofNode = counters[rank];
      if (ofNode !== undefined) node.sample(time, ofNode);
    });
    if (this.#trainingTime === undefined || this.#allDone) return;
    this.#elapsed = Math.max(this.#elapsed, time - this.#trainingTime);
  }

  get #allDone(): boolean {
    const { rounds, durationSeconds } = this.#facts;
    return durationSeconds === undefined ? this.#roundsDone >= rounds : this.#elapsed >= durationSeconds;
  }

  /** The rounds still to end come one period apart, the next of them one period after the last. */
  #secondsLeft(): number {
    const { rounds, stepsPerRound, pace, expectedPeriodSeconds = stepsPerRound * pace } = this.#facts;
    const { durationSeconds } = this.#facts;
    if (durationSeconds !== undefined) return Math.max(0, durationSeconds - this.#elapsed);
    const last = this.#finishedRounds.at(-1);
    const period = last?.periodSeconds ?? last?.endSeconds ?? expectedPeriodSeconds;
    const end = (last?.endSeconds ?? 0) + (rounds - this.#roundsDone) * period;
    return Math.max(0, end - this.#elapsed);
  }
}

/** One node's row of the board. */
class NodeState {
  readonly #node: Topology['nodes'][number];
  readonly #facts: RunFacts;
  readonly #up = new RateMeter();
  readonly #down = new RateMeter();
  /** By rank that is sent to. */
  readonly #to: RateMeter[] = [];
  #counters: Pick<NodeCounters, 'queuedBytes' | 'dropped' | 'lost'> = { queuedBytes: 0, dropped: 0, lost: 0 };
  #roundsDone = 0;
  #steps = 0;
  phase: Phase = 'joining';
  loss: number | null = null;
  overruns = 0;

  constructor(node: Topology['nodes'][number], facts: RunFacts) {
    this.#node = node;
    this.#facts = facts;
  }

  step({ step, loss, overrunSeconds }: Event<'step'>): void {
    this.#steps = step + 1;
    this.loss = loss ?? null;
    if (overrunSeconds > 0) this.overruns++;
    this.phase = this.#steps % this.#facts.stepsPerRound === 0 ? 'synchronizing' : 'computing';
  }

  rewind(round: number): void {
    this.#roundsDone = round;
    this.#steps = round * this.#facts.stepsPerRound;
    this.phase = 'computing';
  }

  roundDone(round: number): void {
    this.#roundsDone = round + 1;
    this.phase = this.#roundsDone >= this.#facts.rounds ? 'done' : 'computing';
  }

  sample(time: number, counters: NodeCounters): void {
    const { egressBytes, egressBytesTo, ingressBytes, queuedBytes, dropped, lost } = counters;
    this.#up.read(time, egressBytes);
    this.#down.read(time, ingressBytes);
    egressBytesTo.forEach((bytes, rank) => (this.#to[rank] ??= new RateMeter()).read(time, bytes));
    this.#counters = { queuedBytes, dropped, lost };
  }

  snapshot(): NodeSnapshot {
    const { rank, name, region, uplink, downlink } = this.#node;
    return {
      rank,
      name,
      region,
      uplink,
      downlink,
      phase: this.phase,
      roundsDone: this.#roundsDone,
      steps: this.#steps,
      loss: this.loss,
      rateUp: this.#up.rate,
      rateDown: this.#down.rate,
      rateTo: this.#to.map((meter) => meter.rate),
      rateUpHistory: this.#up.history(),
      ...this.#counters,
      overruns: this.overruns,
    };
  }
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
