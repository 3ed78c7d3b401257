/**
 * Somebody who has come in through the door: a control stream, and what its first word said.
 *
 * A guest can be told things and be listened to, and it can go, of itself or because it is sent away. It has
 * no rank yet; that comes with its seat.
 */
import type * as grpc from '@grpc/grpc-js';
import type { Hello__Output } from '../proto/types/meshbeat/control/v1/Hello.js';
import type { NodeMessage__Output } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { OrchestratorMessage } from '../proto/types/meshbeat/control/v1/OrchestratorMessage.js';

export type GuestStream = grpc.ServerDuplexStream<NodeMessage__Output, OrchestratorMessage>;

export class Guest {
  readonly hello: Hello__Output;
  /** Resolves when its stream has ended, however. */
  readonly gone: Promise<void>;
  readonly #stream: GuestStream;
  #isGone = false;

  private constructor(stream: GuestStream, hello: Hello__Output) {
    this.hello = hello;
    this.#stream = stream;
    this.gone = new Promise((resolve) => {
      const leave = (): void => {
        this.#isGone = true;
        resolve();
      };
      stream.once('cancelled', leave).once('error', leave).once('end', leave).once('close', leave);
    });
    // It has said all it had to say, and waits to know that it was heard.
    stream.once('end', () => stream.end());
  }

  /** The guest behind a stream whose first message this is; undefined if that is no hello. */
  static from(stream: GuestStream, first: NodeMessage__Output): Guest | undefined {
    const { hello } = first;
    return hello === null || hello === undefined ? undefined : new Guest(stream, hello);
  }

  /** What to call it in messages to people. */
  get label(): string {
    const { name, address } = this.hello;
    return [name, address].filter((part) => part !== '').join(' at ') || 'somebody without a name';
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  tell(message: OrchestratorMessage): void {
    if (!this.#isGone) this.#stream.write(message);
  }

  /** Called with everything it says from now on. */
  onMessage(listener: (message: NodeMessage__Output) => void): void {
    this.#stream.on('data', listener);
  }

  end(): void {
    if (!this.#isGone) this.#stream.end();
  }
}
