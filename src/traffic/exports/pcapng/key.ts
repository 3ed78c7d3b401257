/**
 * The key that anonymizes: 32 bytes, from a file or from an environment variable, raw or as 64 hexadecimal digits. No
 * message ever has any of it.
 */
import { readFileSync } from 'node:fs';
import { InputError, messageOf } from '../../../errors.js';
import { KEY_BYTES } from './crypto-pan.js';

const allowed = `${KEY_BYTES} bytes, or ${2 * KEY_BYTES} hexadecimal digits (openssl rand -hex ${KEY_BYTES} makes some)`;

/** @throws InputError when the file can't be read or holds no key. */
export function keyOfFile(option: string, file: string): Uint8Array {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw new InputError(
      `${option}: ${file} cannot be read (${messageOf(error)}); allowed: a file of ${allowed}`,
    );
  }
  const key = keyOf(content);
  if (key !== undefined) return key;
  throw new InputError(`${option}: found ${content.length} bytes in ${file}; allowed: ${allowed}`);
}

/** @throws InputError when there is no such variable or it holds no key. */
export function keyOfVariable(
  option: string,
  name: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Uint8Array {
  const value = environment[name];
  if (value === undefined) {
    throw new InputError(
      `${option}: found no environment variable ${name}; allowed: one that holds ${allowed}`,
    );
  }
  const key = keyOf(Buffer.from(value, 'latin1'));
  if (key !== undefined) return key;
  throw new InputError(`${option}: found ${value.length} characters in ${name}; allowed: ${allowed}`);
}

function keyOf(content: Buffer): Uint8Array | undefined {
  const text = content.toString('latin1').trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  return content.length === KEY_BYTES ? content : undefined;
}
