/**
 * Looks for secrets where there should be none: in logs, in `docker inspect`, in run directories, in the layers
 * of an image.
 *
 * What counts is the form of the thing itself, long enough to be one: a program that merely knows the words
 * "BEGIN PRIVATE KEY", or a manual with `_authToken=…` in it, is not a leak. A finding never quotes the secret.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Finding {
  readonly kind: string;
  /** Where it begins, in characters. */
  readonly at: number;
  /** Its first characters, which give nothing away. */
  readonly begins: string;
}

const KINDS: ReadonlyMap<string, RegExp> = new Map([
  ['private key', /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:\s|\\n|\\r)+[A-Za-z0-9+/]{40}/g],
  ['join token', /meshbeat-1-[\w-]{43}-[\w-]{32}/g],
  ['npm token', /_(?:authToken|auth|password)\s*=\s*["']?[A-Za-z0-9+/_=-]{20,}/g],
  // A name and a password before the host, neither of them a placeholder such as ${USER} or <password>.
  ['password in a URL', /\b(?:https?|ftp):\/\/[\w.%+-]{2,64}:[\w.%+~!-]{4,128}@[a-z\d-]+(?:\.[a-z\d-]+)+/gi],
]);
/** Manuals, examples and specifications use these. */
const EXAMPLES =
  /@(?:[\w.-]+\.)?(?:example\.(?:com|org|net)|host\.com|domain\.com)|\/\/(?:user(?:name)?|foo|a):/i;

/** Secrets in a text or in bytes. */
export function secretsIn(content: string | Uint8Array): Finding[] {
  const text =
    typeof content === 'string'
      ? content
      : Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  return [...KINDS].flatMap(([kind, pattern]) =>
    [...text.matchAll(pattern)]
      .filter(([found]) => !EXAMPLES.test(found))
      .map(({ 0: found, index }) => ({ kind, at: index, begins: found.slice(0, 10) })),
  );
}

export interface FileFinding extends Finding {
  readonly file: string;
}

/** Secrets in a file; what gzip has packed is unpacked. */
export function secretsInFile(file: string): FileFinding[] {
  return secretsIn(unpacked(readFileSync(file))).map((finding) => ({ ...finding, file }));
}

/** Secrets in all files below a folder. */
export function secretsInFolder(folder: string): FileFinding[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return files.flatMap(({ parentPath, name }) => secretsInFile(join(parentPath, name)));
}

const unpacked = (bytes: Buffer): Buffer =>
  bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
