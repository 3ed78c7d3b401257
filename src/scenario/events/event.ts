/**
 * What a scenario may have happen to its network while it runs, and how that is written.
 *
 * An event is one line, in the manner of Kollaps: when, what, to whom. Names in it are those of regions and of
 * nodes (or other hosts); a region's name stands for all who are in it. Here is the data, and the text of it;
 * parse.ts reads such text, timeline.ts unrolls events into single changes.
 *
 *     at 20 s partition [us-east] | [eu-west, us-west]
 *     at 30 s heal
 *     from 10 s to 30 s flap us-east--eu-west every 2 s
 *     at 40 s set us-east.uplink 10 Mbit/s
 *     at 40 s set us-east--eu-west.delay 90 ms
 *     at 15 s crash us-west for 5 s
 *     from 10 s to 60 s churn [us-east, us-west] every 10 s for 2 s
 *
 * Times are seconds after time zero, which is when training starts.
 */
import { formatDuration, formatProbability, formatRate } from '../units.js';

export const LINK_PROPERTIES = ['uplink', 'downlink'] as const;
/** Of an access link. */
export type LinkProperty = (typeof LINK_PROPERTIES)[number];

export const PATH_PROPERTIES = ['delay', 'jitter', 'loss', 'duplicate', 'reorder', 'corrupt'] as const;
/** Of the way between two access links. */
export type PathProperty = (typeof PATH_PROPERTIES)[number];

interface Instant {
  readonly at: number;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Two regions or hosts, and what lies between them. */
export type NamePair = readonly [string, string];

/** Nothing passes any more between those of different groups; whoever is in none is untouched. */
export interface PartitionEvent extends Instant {
  readonly kind: 'partition';
  readonly groups: readonly (readonly string[])[];
}

/** Ends partitions and flaps: those between these groups, or all if there are none. */
export interface HealEvent extends Instant {
  readonly kind: 'heal';
  readonly groups: readonly (readonly string[])[];
}

/** What lies between two is down for `every` seconds, then up for as long, and so on; up at the end. */
export interface FlapEvent extends Span {
  readonly kind: 'flap';
  readonly pair: NamePair;
  readonly every: number;
}

/** Another rate, bit/s, from then on. */
export interface SetLinkEvent extends Instant {
  readonly kind: 'set-link';
  readonly name: string;
  readonly property: LinkProperty;
  readonly value: number;
}

/** Another delay, or jitter (the half-width of a uniform one), seconds, or another probability, in both directions. */
export interface SetPathEvent extends Instant {
  readonly kind: 'set-path';
  readonly pair: NamePair;
  readonly property: PathProperty;
  readonly value: number;
}

/** Hosts go down for `outage` seconds, all at once. */
export interface CrashEvent extends Instant {
  readonly kind: 'crash';
  readonly names: readonly string[];
  readonly outage: number;
}

/** Every `every` seconds one of them, drawn by lot, goes down for `outage` seconds. */
export interface ChurnEvent extends Span {
  readonly kind: 'churn';
  readonly names: readonly string[];
  readonly every: number;
  readonly outage: number;
}

export type ScenarioEvent =
  PartitionEvent | HealEvent | FlapEvent | SetLinkEvent | SetPathEvent | CrashEvent | ChurnEvent;

/** A property's value as text with its unit. */
function valueText(property: LinkProperty | PathProperty, value: number): string {
  switch (property) {
    case 'uplink':
    case 'downlink':
      return formatRate(value);
    case 'delay':
    case 'jitter':
      return formatDuration(value);
    case 'loss':
    case 'duplicate':
    case 'reorder':
    case 'corrupt':
      return formatProbability(value);
  }
}

const groupText = (names: readonly string[]): string => `[${names.join(', ')}]`;
const groupsText = (groups: readonly (readonly string[])[]): string => groups.map(groupText).join(' | ');

/** The event as text; reads back as the same event. */
export function formatEvent(event: ScenarioEvent): string {
  const time = formatDuration;
  switch (event.kind) {
    case 'partition':
      return `at ${time(event.at)} partition ${groupsText(event.groups)}`;
    case 'heal':
      return `at ${time(event.at)} heal${event.groups.length > 0 ? ` ${groupsText(event.groups)}` : ''}`;
    case 'flap':
      return `from ${time(event.from)} to ${time(event.to)} flap ${event.pair.join('--')} every ${time(event.every)}`;
    case 'set-link':
      return `at ${time(event.at)} set ${event.name}.${event.property} ${valueText(event.property, event.value)}`;
    case 'set-path':
      return `at ${time(event.at)} set ${event.pair.join('--')}.${event.property} ${valueText(event.property, event.value)}`;
    case 'crash': {
      const who = event.names.length === 1 ? event.names[0]! : groupText(event.names);
      return `at ${time(event.at)} crash ${who} for ${time(event.outage)}`;
    }
    case 'churn':
      return (
        `from ${time(event.from)} to ${time(event.to)} churn ${groupText(event.names)} ` +
        `every ${time(event.every)} for ${time(event.outage)}`
      );
  }
}
