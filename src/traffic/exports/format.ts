/**
 * What a format of `meshbeat export` is, and what it is given.
 *
 * A format eats flow records or packets, and turns them into bytes. Think of it as a funnel: the pipeline
 * (pipeline.ts) pours in at the top, an outlet (outlet.ts) takes what comes out, and the format knows neither what
 * file was read nor where its bytes go. Input is poured in synchronously, a chunk of a file at a time; between chunks
 * the pipeline awaits `drain`, and so a slow collector slows the reader. A format keeps no more than a bounded part of
 * what it was given.
 *
 * To add one: a file that calls {@link recordFormat} or {@link packetFormat}, and a line in index.ts.
 */
import type { Packet } from '../../capture/index.js';
import type { CaptureInfo } from '../../capture/index.js';
import type { SamplingMethod, SamplingPlan } from '../sampling/index.js';
import type { FlowRecord } from '../flows/record.js';
import type { Outlet } from './outlet.js';

/** How records are cut and what was sampled: the same for all formats. Seconds. */
export interface ExportSettings {
  readonly activeTimeoutSeconds: number;
  readonly idleTimeoutSeconds: number;
  /** One record for both directions of a conversation; else one for each. */
  readonly biflow: boolean;
  /** How packets were, or are to be, chosen; rate 1 where all were looked at. */
  readonly sampling: SamplingPlan;
}

/** What a format is opened with. */
export interface ExportContext {
  readonly settings: ExportSettings;
  readonly outlet: Outlet;
  /** The files that are read, where the format may tell of them: several when captures are merged. */
  readonly sources?: readonly string[];
}

/** Takes flow records; a record may be kept. */
export interface RecordSink {
  record(record: FlowRecord): void;
  /** Hands on what waits for more to come: called where none may come for long. */
  flush?(): void;
  /** Awaited between chunks of input: resolves when the sink can take more. */
  drain?(): Promise<void> | undefined;
  /** Writes what is left; the outlet is closed by whoever opened it. */
  finish(): Promise<void> | void;
}

/** Takes packets; a packet is valid during the call only. */
export interface PacketSink {
  packet(packet: Packet): void;
  drain?(): Promise<void> | undefined;
  /** @param facts of the file that was read. */
  finish(facts: CaptureInfo): Promise<void> | void;
  /** What the user should know of what was left out; asked for at the end. */
  note?(): string | undefined;
}

/** An option of one format, or of several: they share the object then. */
export interface FormatOption<T> {
  /** As commander wants it: "--mtu <bytes>"; without `<…>` it is a flag. */
  readonly flags: string;
  readonly description: string;
  /** @throws InputError that names the option. The text of a flag is ''. */
  readonly parse: (text: string) => T;
  /** Where the option is not given. */
  readonly otherwise: T;
}

/** Keys are the options' names in camel case: `mtu` of "--mtu", `templateEvery` of "--template-every". */
export type FormatOptions = Readonly<Record<string, FormatOption<unknown>>>;
type Values<O extends FormatOptions> = {
  readonly [K in keyof O]: O[K] extends FormatOption<infer T> ? T : never;
};

interface FormatFacts {
  /** As `--to` wants it. */
  readonly name: string;
  readonly summary: string;
  /** Where it can go; `collector` is UDP. */
  readonly to: readonly ('file' | 'collector')[];
  /** True where the format does its own sampling and wants all packets. */
  readonly samplesItself?: boolean;
  /** The method of sampling where the user names none. Default systematic. */
  readonly samplesBy?: SamplingMethod;
  /** Which way a record looks where the user doesn't say: two directions in one (biflow), or one. Default biflow. */
  readonly prefers?: 'biflow' | 'uniflow';
  /** False where the format has no place for a second direction, as NetFlow. Default true. */
  readonly canBiflow?: boolean;
}

/** The options' text as the command line has it: a string, or true for a flag that was given. */
export type GivenOptions = Readonly<Record<string, unknown>>;

interface Format<Sink> extends FormatFacts {
  readonly options: FormatOptions;
  readonly open: (context: ExportContext, given: GivenOptions) => Sink | Promise<Sink>;
}
export type RecordFormat = Format<RecordSink> & { readonly eats: 'records' };
export type PacketFormat = Format<PacketSink> & { readonly eats: 'packets' };
export type ExportFormat = RecordFormat | PacketFormat;

interface Definition<O extends FormatOptions, Sink> extends FormatFacts {
  readonly options: O;
  readonly open: (context: ExportContext, values: Values<O>) => Sink | Promise<Sink>;
}

/** A format that is written from flow records. */
export function recordFormat<O extends FormatOptions>(definition: Definition<O, RecordSink>): RecordFormat {
  return { ...withValues(definition), eats: 'records' };
}

/** A format that is written from packets. */
export function packetFormat<O extends FormatOptions>(definition: Definition<O, PacketSink>): PacketFormat {
  return { ...withValues(definition), eats: 'packets' };
}

function withValues<O extends FormatOptions, Sink>(definition: Definition<O, Sink>): Format<Sink> {
  const { open, ...facts } = definition;
  return { ...facts, open: (context, given) => open(context, valuesOf(definition.options, given)) };
}

function valuesOf<O extends FormatOptions>(options: O, given: GivenOptions): Values<O> {
  const values = Object.entries(options).map(([key, option]) => {
    const text = given[key];
    if (text === undefined) return [key, option.otherwise];
    return [key, option.parse(typeof text === 'string' ? text : '')];
  });
  return Object.fromEntries(values) as Values<O>;
}
