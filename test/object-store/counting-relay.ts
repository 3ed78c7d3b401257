/** A relay of TCP that counts: what a client and a server really say to each other. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export class CountingRelay {
  readonly port: number;
  /** Bytes since the last reset, by direction, and connections that were made. */
  toServer = 0;
  fromServer = 0;
  connections = 0;
  readonly #close: () => void;

  private constructor(port: number, close: () => void) {
    this.port = port;
    this.#close = close;
  }

  static async to(target: number): Promise<CountingRelay> {
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      relay.connections++;
      const there = connect(target, '127.0.0.1');
      for (const [one, other] of [
        [client, there],
        [there, client],
      ] as const) {
        sockets.add(one);
        one.on('error', () => undefined).on('close', () => other.destroy());
      }
      client.on('data', (data) => {
        relay.toServer += data.length;
        there.write(data);
      });
      there.on('data', (data) => {
        relay.fromServer += data.length;
        client.write(data);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const relay = new CountingRelay((server.address() as AddressInfo).port, () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return relay;
  }

  reset(): void {
    this.toServer = this.fromServer = this.connections = 0;
  }

  close(): void {
    this.#close();
  }
}
