/**
 * The directory in which a run leaves everything it found out: runs/<id>/, with runs/latest pointing at it.
 *
 * Files appear as the run goes, so that a killed run keeps what it had. docs/run-directory.md is the contract.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf, RunError } from '../errors.js';

export interface FileFacts {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export class RunDirectory {
  readonly id: string;
  readonly path: string;

  private constructor(id: string, folder: string) {
    this.id = id;
    this.path = folder;
  }

  /** Makes `parent`/<id>, where the id is the time and the scenario's name, and lets `parent`/latest point to it. */
  static create(parent: string, scenario: string, now = new Date()): RunDirectory {
    const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
    try {
      mkdirSync(parent, { recursive: true });
      for (let attempt = 0; ; attempt++) {
        const id = `${stamp}-${scenario}${attempt === 0 ? '' : `-${attempt}`}`;
        if (!makeNew(path.join(parent, id))) continue;
        pointTo(path.join(parent, 'latest'), id);
        return new RunDirectory(id, path.join(parent, id));
      }
    } catch (error) {
      throw new RunError(`can't make a run directory in ${parent}: ${messageOf(error)}`);
    }
  }

  /** Path of a file in the directory. */
  file(name: string): string {
    return path.join(this.path, name);
  }

  /** Writes a whole file; half a file, of a disk that is full, is not left there. */
  write(name: string, content: string | Uint8Array): void {
    try {
      writeFileSync(this.file(name), content);
    } catch (error) {
      rmSync(this.file(name), { force: true });
      throw new RunError(`can't write ${this.file(name)}: ${messageOf(error)}`);
    }
  }

  writeJson(name: string, content: object): void {
    this.write(name, JSON.stringify(content, null, 2) + '\n');
  }

  /** All files there and in its folders now, with size and SHA-256, by name. */
  async files(): Promise<FileFacts[]> {
    const names = readdirSync(this.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(this.path, path.join(entry.parentPath, entry.name)))
      .sort();
    return Promise.all(
      names.map(async (name) => {
        const hash = createHash('sha256');
        await pipeline(createReadStream(this.file(name)), hash);
        return { name, bytes: statSync(this.file(name)).size, sha256: hash.digest('hex') };
      }),
    );
  }
}

/** False if it exists. */
function makeNew(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Replaces a link in one step, so that two runs starting at once leave one of the two, never none. */
function pointTo(link: string, target: string): void {
  const temporary = `${link}.${process.pid}`;
  symlinkSync(target, temporary);
  renameSync(temporary, link);
}
