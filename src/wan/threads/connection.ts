/**
 * A relayed connection: two loopback sockets and the two ends that play TCP between them.
 *
 *     program of the dialer ── socket ── Endpoint ══ WAN ══ Endpoint ── socket ── program of the target
 *
 * The dialer's connect() succeeds at once, for loopback answers by itself. All else waits for the modelled
 * handshake: the target is connected to when the SYN has reached it, and the dialer's first byte leaves
 * one round trip after it dialed. If nobody listens there, the dialer sees its connection reset after that
 * round trip.
 */
import { connect, type Socket } from 'node:net';
import { Endpoint, type Surroundings } from './endpoint.js';

export interface Call {
  readonly from: number;
  readonly to: number;
  /** Socket to the dialer, paused. */
  readonly socket: Socket;
  /** Where the target's program listens. */
  readonly target: { readonly host: string; readonly port: number };
  /** Port of the dialer in the capture. */
  readonly dialerPort: number;
  /** Initial sequence numbers of the dialer and of the target. */
  readonly initialSequences: readonly [number, number];
}

export class Connection {
  readonly #call: Call;
  readonly #dialer: Endpoint;
  readonly #target: Endpoint;
  readonly #whenOver: () => void;
  /** Sockets not yet closed. */
  #open = 1;

  constructor(call: Call, around: Surroundings, whenOver: () => void) {
    this.#call = call;
    this.#whenOver = whenOver;
    const closed = (): void => this.#closeOne();
    const { from, to, dialerPort, target } = call;
    const [dialerSequence, targetSequence] = call.initialSequences;
    this.#dialer = new Endpoint(
      { rank: from, peerRank: to, dialer: true, port: dialerPort, initialSequence: dialerSequence },
      around,
      { dialed: () => undefined, closed },
    );
    this.#target = new Endpoint(
      { rank: to, peerRank: from, dialer: false, port: target.port, initialSequence: targetSequence },
      around,
      { dialed: (at) => this.#connect(at), closed },
    );
    Endpoint.join(this.#dialer, this.#target);
    this.#dialer.attach(call.socket);
    this.#dialer.dial();
  }

  #closeOne(): void {
    this.#open--;
    if (this.#open === 0) this.#whenOver();
  }

  #connect(dialedAt: number): void {
    this.#open++;
    const socket = connect({ ...this.#call.target, allowHalfOpen: true });
    this.#target.attach(socket);
    socket.once('connect', () => this.#target.accept(dialedAt));
  }

  /** Ends both sockets at once. */
  destroy(): void {
    this.#dialer.destroy();
    this.#target.destroy();
  }
}
