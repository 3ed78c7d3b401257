/** Join tokens: text there and back, files, and that no message gives a secret away. */
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InputError, RunError } from '../../src/errors.js';
import { CertificateAuthority, certificateHash } from '../../src/transport/certificates.js';
import {
  joinTokenText,
  newJoinToken,
  parseJoinToken,
  readJoinTokenFile,
  removeJoinTokenFile,
  sameSecret,
  writeJoinTokenFile,
  type JoinToken,
} from '../../src/transport/join-token.js';
import { scratchFolder } from '../support/files.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const tokens: fc.Arbitrary<JoinToken> = fc.record({
  authorityHash: bytes(32).map((hash) => Buffer.from(hash).toString('base64url')),
  secret: bytes(24).map((secret) => Buffer.from(secret).toString('base64url')),
});
const someToken = (): JoinToken => fc.sample(tokens, 1)[0]!;

/** What the call throws; no throw fails the test. */
function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** Fails if eight characters of the text in a row, enough to be no chance, stand in the message. */
function expectNothingOf(text: string, message: string): void {
  for (let at = 0; at + 8 <= text.length; at++) expect(message).not.toContain(text.slice(at, at + 8));
}

describe('text', () => {
  test('any token is read back, hyphens and underscores included', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const text = joinTokenText(token);
        expect(text).toMatch(/^meshbeat-1-[\w-]{76}$/);
        expect(parseJoinToken(text, 'here')).toEqual(token);
      }),
    );
    const hyphens = { authorityHash: '-'.repeat(42) + '8', secret: '-'.repeat(32) };
    expect(parseJoinToken(joinTokenText(hyphens), 'here')).toEqual(hyphens);
  });

  test('no other text is a token, and none is quoted', () => {
    const spoil = fc.constantFrom<(text: string) => string>(
      (text) => text.slice(1),
      (text) => text.slice(0, -1),
      (text) => `${text}A`,
      (text) => ` ${text}`,
      (text) => `${text}\n`,
      (text) => text.replace('meshbeat-1-', 'meshbeat-2-'),
      (text) => text.replace('meshbeat-1-', ''),
      (text) => text.slice(0, -4) + '+/==',
      // Bits that the 43rd letter of 32 bytes has none for.
      (text) => text.slice(0, 53) + 'B' + text.slice(54),
    );
    fc.assert(
      fc.property(tokens, spoil, (token, change) => {
        const text = change(joinTokenText(token));
        const error = thrownBy(() => parseJoinToken(text, '--token-file'));
        expect(error).toBeInstanceOf(InputError);
        expect(error.message).toMatch(/^--token-file: found \d+ characters of another form; allowed: /);
        expectNothingOf(token.authorityHash, error.message);
        expectNothingOf(token.secret, error.message);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void thrownBy(() => parseJoinToken(text, 'here'))));
  });

  test('a new token names the authority and has a secret of its own', async () => {
    const authority = await CertificateAuthority.create();
    const [one, two] = [newJoinToken(authority.certificate), newJoinToken(authority.certificate)];
    expect(one.authorityHash).toBe(certificateHash(new X509Certificate(authority.certificate).raw));
    expect(two.authorityHash).toBe(one.authorityHash);
    expect(two.secret).not.toBe(one.secret);
    expect(parseJoinToken(joinTokenText(one), 'here')).toEqual(one);
    const other = await CertificateAuthority.create();
    expect(newJoinToken(other.certificate).authorityHash).not.toBe(one.authorityHash);
  });

  test('secrets are the same exactly if they are equal, of whatever length', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(sameSecret(a, a)).toBe(true);
        expect(sameSecret(a, b)).toBe(a === b);
        expect(sameSecret(a, `${a}x`)).toBe(false);
      }),
    );
  });
});

describe('file', () => {
  const parent = scratchFolder();
  let folder: string;
  let file: string;
  let umask: number;
  let tests = 0;

  beforeEach(() => {
    folder = path.join(parent, String(tests++));
    mkdirSync(folder);
    file = path.join(folder, 'token');
    umask = process.umask();
  });
  afterEach(() => void process.umask(umask));

  test('is readable by all whatever the umask, replaces an older one, and leaves nothing beside it', () => {
    process.umask(0o077);
    writeJoinTokenFile(file, someToken());
    const token = someToken();
    writeJoinTokenFile(file, token);
    expect(readJoinTokenFile(file)).toEqual(token);
    expect(statSync(file).mode & 0o777).toBe(0o444);
    expect(readFileSync(file, 'utf8')).toBe(joinTokenText(token) + '\n');
    expect(readdirSync(folder)).toEqual(['token']);
  });

  test('is removed, unless another orchestrator has put its own there', () => {
    const [mine, theirs] = [someToken(), someToken()];
    writeJoinTokenFile(file, theirs);
    removeJoinTokenFile(file, mine);
    expect(readJoinTokenFile(file)).toEqual(theirs);
    removeJoinTokenFile(file, theirs);
    expect(readdirSync(folder)).toEqual([]);
    removeJoinTokenFile(file, theirs); // Gone already: nothing to do.
  });

  test('may have white space around the token', () => {
    const token = someToken();
    writeFileSync(file, `\r\n  ${joinTokenText(token)} \r\n`);
    expect(readJoinTokenFile(file)).toEqual(token);
  });

  test.each([
    ['nothing', '', /token: found nothing; allowed: a join token/],
    ['white space', ' \n', /token: found nothing; allowed: a join token/],
    ['another text', 'hunter2hunter2', /token: found 14 characters of another form; allowed: a join token/],
  ])('that holds %s is refused by name', (_, content, message) => {
    writeFileSync(file, content);
    const error = thrownBy(() => readJoinTokenFile(file));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('hunter2');
  });

  test('that is missing or a folder is refused by name', () => {
    for (const [place, found] of [
      [file, `${file}: found no such file; allowed: a file with a join token`],
      [folder, `${folder}: can't be read (EISDIR`],
    ] as const) {
      const error = thrownBy(() => readJoinTokenFile(place));
      expect(error).toBeInstanceOf(InputError);
      expect(error.message.startsWith(found)).toBe(true);
    }
  });

  test('that can not be written is an error that names it and not the token', () => {
    mkdirSync(file); // A folder with something in it can't be replaced, not even by root.
    writeFileSync(path.join(file, 'full'), '');
    const token = someToken();
    const error = thrownBy(() => writeJoinTokenFile(file, token));
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toContain(`can't write the join token to ${file}: `);
    expectNothingOf(token.secret, error.message);
    expect(readdirSync(folder)).toEqual(['token']);
  });
});
