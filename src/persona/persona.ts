/**
 * The words in which a system's manners on the wire are written down.
 *
 * A persona says how one real system would carry the same training: over how many connections, in pieces of
 * which size, by which collective, and what it says between the tensors to keep itself together. It is plain
 * data with the source of each number beside it, so it can be read against the system's own code. It is no
 * implementation of that system: the bytes of its control messages are noise, only their sizes, times and ways
 * are its own. What takes a persona on is elsewhere: src/scenario/persona.ts fills in a scenario's settings,
 * nodes/chatter/ has the habits.
 */
import type { CollectiveName, CompressionSettings, Persona as Choice, Protocol } from '../scenario/schema.js';

export type PersonaName = Exclude<Choice, 'none'>;

/** A number or a word as a system has it, and where it says so: file and constant, or how it was derived. */
export interface Figure<T = number> {
  readonly value: T;
  readonly source: string;
}

/** Bytes of a message: payload of TCP or UDP, with TLS records where the system has them. */
export interface Size extends Figure {
  /** What each node of the mesh adds, where a message lists them all. */
  readonly perNode?: number;
}

/** Whom a habit goes to. */
export type Target =
  /** Who keeps the system's books. It lives with rank 0 here, whose own habit then never meets the network. */
  | 'coordinator'
  | 'every-peer'
  /** Every peer, but each pair has it once: the lower rank begins. */
  | 'each-pair'
  /** So many peers, drawn anew for each node: its neighbours in an overlay. */
  | { readonly neighbours: Figure }
  /** So many nodes, the same for all: those that keep a key of a distributed hash table. */
  | { readonly keepers: Figure };

interface HabitBase {
  /** For people, and unique within a persona. */
  readonly name: string;
  /** Where the system does it. */
  readonly source: string;
  readonly to: Target;
}

interface ExchangeBase extends HabitBase {
  readonly transport: 'tcp' | 'udp';
  readonly request: Size;
  /** 0: there is no answer. */
  readonly response: Size;
  /** To each target: a heartbeat has a beat on each, remarks take them in turn; default 1. Habits share them. */
  readonly connections?: Figure;
}

/** A message at regular intervals. */
export interface Heartbeat extends ExchangeBase {
  readonly kind: 'heartbeat';
  /** Seconds. */
  readonly period: Figure;
}

/** A message whenever training comes to a certain point. */
export interface Remark extends ExchangeBase {
  readonly kind: 'remark';
  /** After an inner step; when a node begins to exchange; when its round is over. */
  readonly at: 'step' | 'exchange' | 'round';
  /** Messages each time; default 1. */
  readonly times?: Figure;
}

/** A flood of bytes before training, to measure bandwidth: one target after the other. */
export interface BandwidthProbe extends HabitBase {
  readonly kind: 'probe';
  /** For each target. */
  readonly seconds: Figure;
  readonly connections: Figure;
}

/** Whoever joins downloads the model before training; the targets give equal shares of it, all at once. */
export interface JoinDownload extends HabitBase {
  readonly kind: 'download';
  /** The last rank, as if it came to a run under way; or all but rank 0, which is where a run begins. */
  readonly joiners: 'last' | 'all-but-first';
  /** What asks for it. */
  readonly request: Size;
}

/** What a node does during training. */
export type TrainingHabit = Heartbeat | Remark;
/** What a node does before training, one habit after the other, in the order in which they are listed. */
export type OpeningHabit = BandwidthProbe | JoinDownload;
export type Habit = OpeningHabit | TrainingHabit;

/** Largest piece of a tensor that is sent at once. */
export interface Pieces {
  /** Bytes before compression. */
  readonly largest: Figure;
  /** At least so many pieces in each node's chunk of the model. */
  readonly perChunk?: Figure;
}

/** Absent settings are not the system's to prescribe. */
export interface Persona {
  readonly name: PersonaName;
  /** The system and the version that was read. */
  readonly system: string;
  /** Protocols it can carry. */
  readonly protocols: readonly Protocol['kind'][];
  readonly tls: Figure<boolean>;
  /** TCP connections for each direction of a pair. */
  readonly connections?: Figure;
  readonly collective?: Figure<CollectiveName>;
  readonly pieces?: Pieces;
  readonly compression?: Figure<CompressionSettings>;
  readonly habits: readonly Habit[];
}

/** A figure as data files write it. */
export const figure = <T>(value: T, source: string): Figure<T> => ({ value, source });

/** Bytes of a message in a mesh of so many nodes. */
export const bytesOf = ({ value, perNode = 0 }: Size, worldSize: number): number =>
  value + perNode * worldSize;

export const isOpening = (habit: Habit): habit is OpeningHabit =>
  habit.kind === 'probe' || habit.kind === 'download';

/** Whether a habit sends datagrams, which only a network of packets carries. */
export const isDatagram = (habit: Habit): boolean => 'transport' in habit && habit.transport === 'udp';
