/** A capture as tshark sees it: a judge that shares no code with us. */
import { execFileSync } from 'node:child_process';

/**
 * The given fields of each packet that a display filter lets pass; names are resolved from the file alone.
 *
 * @param decodeAs what tshark can't know, e.g. "tcp.port==8470,http2"
 */
export function tsharkFields(
  file: string,
  filter: string,
  fields: readonly string[],
  decodeAs: readonly string[] = [],
): string[][] {
  const hints = decodeAs.flatMap((hint) => ['-d', hint]);
  const shown = fields.flatMap((field) => ['-e', field]);
  return rows(['-n', '-r', file, ...hints, '-Y', filter, '-T', 'fields', ...shown]);
}

/** Address and name of the hosts that the capture's name records give. */
export function tsharkHosts(file: string): string[][] {
  return rows(['-r', file, '-q', '-z', 'hosts']).filter(([first = '']) => /^\d/.test(first));
}

function rows(words: readonly string[]): string[][] {
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
  const output = execFileSync('tshark', words, { encoding: 'utf8', stdio, maxBuffer: 2 ** 28 });
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}
