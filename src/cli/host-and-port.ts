/** `HOST:PORT`, as options give it. */
import { InputError } from '../errors.js';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Reads an option's `HOST:PORT`; an IPv6 address stands in brackets. Anything else is an InputError. */
export function hostAndPortOption(option: string): (text: string) => HostAndPort {
  return (text) => {
    const [, six, host = six, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:]+)):(\d{1,5})$/.exec(text) ?? [];
    if (host !== undefined && Number(port) >= 1 && Number(port) <= 65535) return { host, port: Number(port) };
    throw new InputError(
      `${option}: found "${text}"; allowed: HOST:PORT with a port from 1 to 65535, e.g. "127.0.0.1:8471"`,
    );
  };
}

/** The same as text. */
export const hostAndPortText = ({ host, port }: HostAndPort): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
