/**
 * Loopback addresses of one's own: a block of 127/8 in which every node has an address.
 *
 * On one shared address each node would need a port of its own, and a port found free is not free when it is
 * bound a moment later. Linux routes all of 127/8 to loopback, so each node gets 127.BLOCK.x.y and all use
 * the same fixed port. Fabrics that run at the same time share the machine: each claims a block, and
 * holds its claim by listening on the block's last address until it is closed.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { RunError } from '../../errors.js';

/** 127.0 belongs to the system, low numbers to habit. */
const FIRST_BLOCK = 77;
const LAST_BLOCK = 126;

export class LoopbackBlock {
  readonly #block: number;
  readonly #claim: Server;

  private constructor(block: number, claim: Server) {
    this.#block = block;
    this.#claim = claim;
  }

  /**
   * Claims a block in which `port` is free.
   *
   * @throws RunError where loopback has one address only, or the port is taken in all blocks.
   */
  static async claim(port: number): Promise<LoopbackBlock> {
    for (let block = FIRST_BLOCK; block <= LAST_BLOCK; block++) {
      const claim = createServer((socket) => socket.destroy());
      try {
        claim.listen({ host: `127.${block}.255.254`, port, exclusive: true });
        await once(claim, 'listening');
        return new LoopbackBlock(block, claim);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === 'EADDRINUSE') continue;
        throw code === 'EADDRNOTAVAIL' ? noLoopbackNetwork(block) : error;
      }
    }
    throw new RunError(
      `TCP port ${port}, on which nodes serve each other, is taken on every address from 127.${FIRST_BLOCK}.0.0 to ` +
        `127.${LAST_BLOCK}.255.255; end the program that listens on it`,
    );
  }

  /** Address of a rank. */
  addressOf(rank: number): string {
    return `127.${this.#block}.${(rank + 1) >> 8}.${(rank + 1) & 255}`;
  }

  /** Gives the block up. */
  async release(): Promise<void> {
    await new Promise((resolve) => this.#claim.close(resolve));
  }
}

function noLoopbackNetwork(block: number): RunError {
  return new RunError(
    `the threads fabric gives every node a loopback address of its own (127.${block}.x.y), and this system has only ` +
      '127.0.0.1. Linux has them all; macOS has those that are added by hand (ifconfig lo0 alias ADDRESS)',
  );
}
