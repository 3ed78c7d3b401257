/**
 * Writes down one rank's part of a round: gives operations their ids and slices their numbers, so that who
 * compiles a protocol only says what follows what.
 */
import { encodedBytes, FLOAT32, type Encoding } from '../../src/compression/index.js';
import type {
  BufferName,
  ComputeOperation,
  DeviceOperation,
  GetOperation,
  Operation,
  Part,
  PutOperation,
  Range,
  RecvOperation,
  Scratch,
} from '../../src/schedule/operation.js';

type Draft<T> = T extends Operation ? Omit<T, 'id' | 'stream'> : never;

/** What there is to say of a transfer. */
export interface TransferDraft {
  readonly peer: number;
  readonly range: Range;
  readonly after: readonly number[];
  /** Default: the reduction buffer. */
  readonly buffer?: BufferName;
  /** Default: float32. */
  readonly encoding?: Encoding;
}

export class PartBuilder {
  readonly rank: number;
  readonly #operations: Operation[] = [];
  readonly #sent = new Map<number, number>();
  readonly #received = new Map<number, number>();
  #activationElements = 0;
  #contributionBytes = 0;

  constructor(rank: number) {
    this.rank = rank;
  }

  /** The id that the next operation will have. */
  get nextId(): number {
    return this.#operations.length;
  }

  /** Adds work of the compute stream; its id. */
  device(draft: Draft<DeviceOperation>): number {
    return this.#add({ ...draft, id: this.nextId, stream: 'compute' });
  }

  /** Adds inner steps, perhaps none, that end in the pseudo-gradient of some ranges; its id. */
  innerSteps(steps: Pick<ComputeOperation, 'firstStep' | 'steps' | 'contribution'>): number {
    return this.device({ kind: 'compute', work: 'inner-steps', after: [], ...steps });
  }

  /** Adds a send; its id. With `settle` the sender keeps what the receiver will read. */
  send({ settle = false, ...draft }: TransferDraft & { readonly settle?: boolean }): number {
    const { peer } = draft;
    return this.#add({
      kind: 'send',
      id: this.nextId,
      stream: `send:${peer}`,
      ...transfer(draft, this.#sent),
      settle,
    });
  }

  /** Adds a receive; its id. */
  recv({ into, ...draft }: TransferDraft & { readonly into: RecvOperation['into'] }): number {
    const { peer } = draft;
    return this.#add({
      kind: 'recv',
      id: this.nextId,
      stream: `recv:${peer}`,
      ...transfer(draft, this.#received),
      into,
    });
  }

  put(draft: Draft<PutOperation>): number {
    return this.#add({ ...draft, id: this.nextId, stream: 'put' });
  }

  get(draft: Draft<GetOperation>): number {
    return this.#add({ ...draft, id: this.nextId, stream: `get:${draft.owner}` });
  }

  /** Reserves so many elements of the activations buffer; the first one. */
  activations(elements: number): number {
    const first = this.#activationElements;
    this.#activationElements += elements;
    return first;
  }

  /** Reserves so many bytes of the contributions buffer; the first one. */
  contribution(bytes: number): number {
    const first = this.#contributionBytes;
    this.#contributionBytes += bytes;
    return first;
  }

  part(): Part {
    const scratch: Scratch = {
      activationElements: this.#activationElements,
      contributionBytes: this.#contributionBytes,
    };
    return { rank: this.rank, operations: this.#operations, scratch };
  }

  #add(operation: Operation): number {
    this.#operations.push(operation);
    return operation.id;
  }
}

function transfer(draft: TransferDraft, counts: Map<number, number>) {
  const { peer, range, after, buffer = 'reduction', encoding = FLOAT32 } = draft;
  const sequence = counts.get(peer) ?? 0;
  counts.set(peer, sequence + 1);
  const { offset, length } = range;
  return { peer, after, sequence, buffer, offset, length, encoding, bytes: encodedBytes(encoding, length) };
}
