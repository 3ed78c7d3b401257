/**
 * One node's control traffic: does what the habits of the scenario's persona say, in the node's own network.
 *
 * Think of it as the small talk of a node. It answers from the start (responder.ts); it does the opening habits
 * when told; it opens the lines it will need; and from the first round on it keeps its beats and makes its
 * remarks, until the node is told to finish. Then it only listens. A line that breaks before that breaks the run,
 * as it would break the system whose persona this is.
 */
import type { Socket } from 'node:net';
import type { ControlTally } from '../../proto/types/meshbeat/control/v1/ControlTally.js';
import type { RunError } from '../../src/errors.js';
import {
  bytesOf,
  carriedHabits,
  isOpening,
  type CarriedHabit,
  type Heartbeat,
  type JoinDownload,
  type Persona,
  type Remark,
  type TrainingHabit,
} from '../../src/persona/index.js';
import { Random } from '../../src/random.js';
import { pathRate, type Scenario, type Topology } from '../../src/scenario/index.js';
import { parameterCount } from '../../src/training/model.js';
import type { Placement } from '../../src/wan/fabric.js';
import { Beat } from './beat.js';
import { download, flood, type Own } from './bulk.js';
import { Datagrams } from './datagrams.js';
import { Line, type ControlAddress } from './line.js';
import { Responder } from './responder.js';
import { Tallies, type Tally } from './tally.js';
import { targetsOf, type Speaker } from './targets.js';

export interface ChatterOptions {
  readonly persona: Persona;
  readonly rank: number;
  readonly scenario: Pick<Scenario, 'seed' | 'control' | 'model'>;
  readonly topology: Topology;
  readonly placement: Pick<Placement, 'control' | 'packetLevel'>;
}

/** Says one message of a habit to one of its targets. */
type Say = () => void;

export class Chatter {
  readonly #options: ChatterOptions;
  readonly #speaker: Speaker;
  readonly #addresses: readonly ControlAddress[];
  readonly #habits: readonly CarriedHabit[];
  readonly #responder: Responder;
  readonly #datagrams: Datagrams | undefined;
  readonly #tallies = new Tallies();
  /** By peer: what TCP habits share. */
  readonly #lines = new Map<number, Line[]>();
  /** Connections of transfers. */
  readonly #transfers = new Set<Socket>();
  #beats: readonly Beat[] | undefined;
  #over = false;
  #closed = false;

  private constructor(options: ChatterOptions, responder: Responder, datagrams: Datagrams | undefined) {
    const { persona, rank, scenario, topology, placement } = options;
    this.#options = options;
    this.#speaker = { rank, worldSize: topology.nodes.length, seed: scenario.seed };
    const { peers } = controlOf(placement);
    this.#addresses = topology.nodes.map(({ name }, peer) => ({ ...peers[peer]!, name }));
    this.#habits = carriedHabits(persona, {
      control: scenario.control,
      datagrams: placement.packetLevel,
    }).carried;
    this.#responder = responder;
    this.#datagrams = datagrams;
  }

  /** Starts to answer. @throws RunError if the control port is taken */
  static async start(options: ChatterOptions): Promise<Chatter> {
    const { placement } = options;
    const { listen } = controlOf(placement);
    const responder = await Responder.listen(listen);
    try {
      const datagrams = placement.packetLevel ? await Datagrams.listen(listen) : undefined;
      return new Chatter(options, responder, datagrams);
    } catch (error) {
      responder.close();
      throw error;
    }
  }

  /** Carries out an opening habit; resolves when this node is through with it. */
  async open(index: number): Promise<void> {
    const habit = this.#habits.find((carried) => carried.index === index)?.habit;
    if (habit === undefined || !isOpening(habit)) throw new RangeError(`no opening habit ${index}`);
    const targets = targetsOf(habit, this.#speaker);
    const tallyOf = (peer: number): Tally => this.#tallies.of(index, peer);
    if (habit.kind === 'download') return this.#join(habit, targets, tallyOf);
    const [seconds, connections] = [habit.seconds.value, habit.connections.value];
    for (const peer of targets) {
      const window = holdingOf(this.#options.topology, this.#speaker.rank, peer);
      await flood(this.#addresses[peer]!, { seconds, connections, window }, tallyOf(peer), this.#own);
    }
  }

  /**
   * Opens the lines on which habits of training will speak.
   *
   * @param onBreak called when one breaks before finish()
   */
  async connect(onBreak: (error: RunError) => void): Promise<void> {
    const wanted = new Map<number, number>();
    for (const { habit } of this.#trainingHabits())
      if (habit.transport === 'tcp')
        for (const peer of targetsOf(habit, this.#speaker))
          wanted.set(peer, Math.max(wanted.get(peer) ?? 0, habit.connections?.value ?? 1));
    const broken = (error: RunError): void => {
      if (!this.#over) onBreak(error);
    };
    const open = async ([peer, count]: readonly [number, number]): Promise<void> => {
      const address = this.#addresses[peer]!;
      this.#lines.set(
        peer,
        await Promise.all(Array.from({ length: count }, () => Line.open(address, broken))),
      );
    };
    await Promise.all([...wanted].map(open));
  }

  /** Training begins: so do the heartbeats. From the second call on nothing happens. */
  begin(): void {
    if (this.#over) return;
    this.#beats ??= this.#trainingHabits().flatMap(({ index, habit }) =>
      habit.kind === 'heartbeat' ? this.#heartbeats(index, habit) : [],
    );
  }

  /** Training has come to a point at which some habits have something to say. */
  remark(at: Remark['at']): void {
    if (this.#over) return;
    for (const { index, habit } of this.#trainingHabits()) {
      if (habit.kind !== 'remark' || habit.at !== at) continue;
      const times = habit.times?.value ?? 1;
      for (const peer of targetsOf(habit, this.#speaker)) {
        const says = this.#saysTo(peer, index, habit);
        for (let time = 0; time < times; time++) says[time % says.length]!();
      }
    }
  }

  /** Stops speaking, goes on answering; what was said. */
  finish(): ControlTally[] {
    this.#over = true;
    for (const beat of this.#beats ?? []) beat.stop();
    return this.#tallies.report();
  }

  /** Ends all connections and stops to answer. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.finish();
    for (const lines of this.#lines.values()) for (const line of lines) line.close();
    for (const socket of this.#transfers) socket.destroy();
    this.#datagrams?.close();
    this.#responder.close();
  }

  readonly #own: Own = (socket) => {
    this.#transfers.add(socket);
    socket.once('close', () => this.#transfers.delete(socket));
  };

  #trainingHabits(): CarriedHabit<TrainingHabit>[] {
    return this.#habits.flatMap(({ index, habit }) => (isOpening(habit) ? [] : [{ index, habit }]));
  }

  async #join(
    habit: JoinDownload,
    sources: readonly number[],
    tallyOf: (peer: number) => Tally,
  ): Promise<void> {
    const { rank, worldSize } = this.#speaker;
    const joins = habit.joiners === 'last' ? rank === worldSize - 1 : rank > 0;
    if (!joins) return;
    const model = Float32Array.BYTES_PER_ELEMENT * parameterCount(this.#options.scenario.model);
    const bytes = Math.ceil(model / sources.length);
    const request = bytesOf(habit.request, worldSize);
    await Promise.all(
      sources.map((peer) => download(this.#addresses[peer]!, { request, bytes }, tallyOf(peer), this.#own)),
    );
  }

  /** Each connection to each target has a beat, and none is in step with another. */
  #heartbeats(index: number, habit: Heartbeat): Beat[] {
    const { rank, seed } = this.#speaker;
    const period = 1000 * habit.period.value;
    return targetsOf(habit, this.#speaker).flatMap((peer) =>
      this.#saysTo(peer, index, habit).map((say, line) => {
        const phase = new Random(seed, `phase of rank ${rank}: ${habit.name}, peer ${peer}, line ${line}`);
        return new Beat(performance.now() + phase.uniform() * period, period, say);
      }),
    );
  }

  /** The ways in which a habit can speak to a peer: one for each of its connections, or by datagram. */
  #saysTo(peer: number, index: number, habit: TrainingHabit): Say[] {
    const { worldSize } = this.#speaker;
    const tally = this.#tallies.of(index, peer);
    const request = bytesOf(habit.request, worldSize);
    const response = bytesOf(habit.response, worldSize);
    if (habit.transport === 'udp')
      return [() => this.#datagrams?.say(this.#addresses[peer]!, request, response, tally)];
    const lines = (this.#lines.get(peer) ?? []).slice(0, habit.connections?.value ?? 1);
    return lines.map((line) => () => line.say(request, response, tally));
  }
}

/** What a flood may have waiting in queues, seconds: it keeps the link busy, and is soon over after the end. */
const FLOOD_QUEUE_SECONDS = 0.1;

/** Bytes that keep a path busy: what it holds there and back, and a little in its queue. */
function holdingOf(topology: Topology, from: number, to: number): number {
  const { paths } = topology;
  const rate = pathRate(topology, from, to);
  const roundTrip = paths[from]![to]!.delay + paths[to]![from]!.delay;
  return (rate * (roundTrip + FLOOD_QUEUE_SECONDS)) / 8;
}

function controlOf({ control }: Pick<Placement, 'control'>): NonNullable<Placement['control']> {
  if (control === undefined) throw new Error('the fabric was built without a control port');
  return control;
}
