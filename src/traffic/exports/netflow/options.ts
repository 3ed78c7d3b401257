/** Options of `meshbeat export` that the formats of this folder share, and those of anything sent in datagrams. */
import { InputError } from '../../../errors.js';
import type { FormatOption } from '../format.js';

/** A whole number as an option; anything else is an InputError that names the option. */
export function wholeNumber(option: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InputError(`${option}: found "${text}"; allowed: a whole number from ${least} to ${most}`);
  };
}

/** Over UDP: what IPv6's smallest MTU of 1280 leaves would be 1232, and Ethernet's 1452; this is a usual choice. */
const DATAGRAM_BYTES = 1400;
/** In a file nothing is lost by long messages, and less is written. */
const FILE_MESSAGE_BYTES = 32_768;

export const messageBytes: FormatOption<number | undefined> = {
  flags: '--message-bytes <n>',
  description: `longest message (default: ${DATAGRAM_BYTES} to a collector, ${FILE_MESSAGE_BYTES} in a file)`,
  parse: wholeNumber('--message-bytes', 512, 65_000),
  otherwise: undefined,
};

/** The longest message, as it was given or as it suits the outlet. */
export function messageBytesFor(given: number | undefined, isCollector: boolean): number {
  return given ?? (isCollector ? DATAGRAM_BYTES : FILE_MESSAGE_BYTES);
}

export const domain: FormatOption<number> = {
  flags: '--domain <n>',
  description: 'observation domain, or source id (default: 1)',
  parse: wholeNumber('--domain', 0, 0xffffffff),
  otherwise: 1,
};

export const templateEvery: FormatOption<number> = {
  flags: '--template-every <messages>',
  description: 'send templates again to a collector after so many messages, and after 30 s (default: 20)',
  parse: wholeNumber('--template-every', 1, 1_000_000),
  otherwise: 20,
};
export const TEMPLATE_SECONDS = 30;
