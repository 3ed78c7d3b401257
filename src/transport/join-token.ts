/**
 * The join token: what a node must hold to take part in a run, in one line of text.
 *
 * Think of it as a letter of introduction that serves both ways. Its first half says by which certificate
 * authority the orchestrator is known, so that a node can tell the right one from a stranger before it says
 * anything; its second half is the secret by which the orchestrator knows the node. Both are made anew for each
 * run. How the first half is checked is in control-credentials.ts; here are only the text and its file.
 *
 * A token is a secret: no message here ever quotes one, not even a wrong one.
 */
import { createHash, randomBytes, timingSafeEqual, X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { InputError, messageOf, RunError } from '../errors.js';
import { certificateHash } from './certificates.js';

/** There is no such file: it may not have been written yet. */
export class MissingTokenError extends InputError {}

export interface JoinToken {
  /** SHA-256 of the DER of the authority's certificate, base64url: 43 characters. */
  readonly authorityHash: string;
  /** 24 random bytes, base64url: 32 characters. What a node says in its hello. */
  readonly secret: string;
}

const SECRET_BYTES = 24;
// Of fixed lengths, because base64url has "-" and "_" among its letters.
const FORM = /^meshbeat-1-([\w-]{43})-([\w-]{32})$/;
const ALLOWED = 'a join token, meshbeat-1-HASH-SECRET of 87 characters, as meshbeat orchestrate writes it';

/** A new secret for the orchestrator whose authority has this certificate (PEM). */
export function newJoinToken(authorityPem: string): JoinToken {
  return {
    authorityHash: certificateHash(new X509Certificate(authorityPem).raw),
    secret: randomBytes(SECRET_BYTES).toString('base64url'),
  };
}

/** `meshbeat-1-HASH-SECRET`; {@link parseJoinToken} reads it back. */
export const joinTokenText = ({ authorityHash, secret }: JoinToken): string =>
  `meshbeat-1-${authorityHash}-${secret}`;

/**
 * Reads a token.
 *
 * @param place where the text was given, for the message: a file or an option
 * @throws InputError if it is none; the message tells the length of what was found and nothing else of it
 */
export function parseJoinToken(text: string, place: string): JoinToken {
  const [, authorityHash = '', secret = ''] = FORM.exec(text) ?? [];
  if (isBase64url(authorityHash) && isBase64url(secret)) return { authorityHash, secret };
  const found = text === '' ? 'nothing' : `${text.length} characters of another form`;
  throw new InputError(`${place}: found ${found}; allowed: ${ALLOWED}`);
}

/** Whether the text is what encoding some bytes gives: a last letter with stray bits is not. */
const isBase64url = (text: string): boolean =>
  text !== '' && Buffer.from(text, 'base64url').toString('base64url') === text;

/** Whether two secrets are equal, in a time that tells nothing of where, or in which length, they differ. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(left!, right!);
}

/**
 * Reads a token from its file; white space around it does not count.
 *
 * @throws InputError naming the file if it can't be read or holds no token
 */
export function readJoinTokenFile(file: string): JoinToken {
  return parseJoinToken(readText(file).trim(), file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new MissingTokenError(`${file}: found no such file; allowed: a file with ${ALLOWED}`);
    throw new InputError(`${file}: can't be read (${messageOf(error)}); allowed: a file with ${ALLOWED}`);
  }
}

/**
 * Writes a token for nodes to find, whole or not at all. Everyone who can reach the file may read it (mode 0444),
 * since node containers need not run as our user: the folder it lies in is what keeps others out.
 *
 * @throws RunError naming the file if it can't be written
 */
export function writeJoinTokenFile(file: string, token: JoinToken): void {
  const temporary = `${file}.${process.pid}`;
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, joinTokenText(token) + '\n', { flag: 'wx', mode: 0o400 });
    chmodSync(temporary, 0o444); // In a step of its own: the mode of a new file is subject to the umask.
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new RunError(`can't write the join token to ${file}: ${messageOf(error)}`);
  }
}

/** Removes the file if it still holds this token, and not one that another orchestrator has put there since. */
export function removeJoinTokenFile(file: string, token: JoinToken): void {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return; // Gone already, or not ours to read.
  }
  if (sameSecret(text.trim(), joinTokenText(token))) rmSync(file, { force: true });
}
