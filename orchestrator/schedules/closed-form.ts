/**
 * What each node sends in a round, by formula: one entry per protocol, made of the closed forms of its exchanges
 * (src/schedule/closed-form.ts). `meshbeat schedule` shows it beside the bytes that the schedule itself comes to, and
 * a test holds the two together.
 */
import { encodedBytes, isSparse } from '../../src/compression/index.js';
import type {
  CollectiveName,
  CompressionSettings,
  PipelineProtocol,
  Protocol,
} from '../../src/scenario/schema.js';
import {
  allGatherBytes,
  butterflyBytes,
  gossipBytes,
  halvingDoublingBytes,
  hierarchicalBytes,
  parameterServerBytes,
  ringBytes,
  type SentBytes,
} from '../../src/schedule/closed-form.js';
import type { Range } from '../../src/schedule/operation.js';
import { fragmentRanges } from '../../src/training/fragments.js';
import { parameterLayout } from '../../src/training/model.js';
import { embeddingRange, stageRanges } from '../../src/training/stage-layout.js';
import { chunkSlices, slicesOf } from '../collectives/divide.js';
import { encodingOf } from './compression.js';
import { drawPairs } from './pairs.js';
import { boundaryOf, tokenBytes } from './pipeline/boundary.js';
import type { RoundRequest } from './request.js';

export interface ClosedForm {
  /** The formula, for one node, in V, the bytes of the model's buffer as it is sent. */
  readonly text: string;
  /** Payload bytes that each rank sends. */
  readonly bytesByRank: readonly number[];
}

type ProtocolOf<Kind> = Extract<Protocol, { kind: Kind }>;

const forms: {
  readonly [Kind in Protocol['kind']]: (request: RoundRequest<ProtocolOf<Kind>>) => ClosedForm;
} = {
  ddp: (request) => reductionOf(request),
  diloco(request) {
    const form = reductionOf(request);
    // Overlapped, a round exchanges what the one before has found.
    const idle = request.protocol.overlap === 'eager' && request.round === 0;
    return idle ? { ...form, bytesByRank: form.bytesByRank.map(() => 0) } : form;
  },
  streaming(request) {
    const { protocol, model } = request;
    const forms = fragmentRanges(model, protocol).map((ranges) => reductionOf(request, ranges));
    return {
      text: `${forms[0]!.text}, over the ${protocol.fragments} fragments`,
      bytesByRank: summed(forms.map(({ bytesByRank }) => bytesByRank)),
    };
  },
  noloco({ protocol, parameterCount, worldSize, seed, round }) {
    const { compression } = protocol;
    const slices = slicesOf({ offset: 0, length: parameterCount }, elementsOf(protocol.slice));
    const pseudoGradient = encodedSize(compression, slices);
    const text = compression.kind === 'none' ? '2·V' : `V + V as ${compression.kind}`;
    const pairs = drawPairs(worldSize, seed, round);
    return {
      text: worldSize % 2 === 0 ? text : `${text}, but for one that rests`,
      bytesByRank: gossipBytes(4 * parameterCount, pseudoGradient, worldSize, pairs),
    };
  },
  'object-store'({ protocol, model, worldSize }) {
    const object = encodedSize(protocol.compression, parameterLayout(model));
    return {
      text: `V${encodedAs(protocol.compression)}, to the object store`,
      bytesByRank: Array<number>(worldSize).fill(object),
    };
  },
  pipeline: (request) => pipelineOf(request),
};

/**
 * The closed form of one round.
 *
 * @throws InputError as `compileRound`.
 */
export function closedFormOf(request: RoundRequest): ClosedForm {
  const form = forms[request.protocol.kind] as (request: RoundRequest) => ClosedForm;
  return form(request);
}

/** A sum of one range over all members. */
interface Reduction {
  readonly protocol: {
    readonly slice: number;
    readonly collective: CollectiveName;
    readonly compression: CompressionSettings;
  };
  readonly parameterCount: number;
  /** By member. */
  readonly regions: readonly string[];
}

function reductionOf(
  { protocol, parameterCount, regions }: Reduction,
  ranges?: readonly Range[],
): ClosedForm {
  const { collective, compression, slice } = protocol;
  const reduced = ranges ?? [{ offset: 0, length: parameterCount }];
  const count = regions.length;
  const encoding = encodingOf(compression);
  if (isSparse(encoding))
    return {
      text: `V·(N−1)${encodedAs(compression)}`,
      bytesByRank: allGatherBytes(encodedSize(compression, reduced), count),
    };
  const slices = chunkSlices(reduced, count, elementsOf(slice)).flat();
  const { text, bytesByRank } = collectiveForms[collective](encodedSize(compression, slices), regions);
  return { text: `${text}${encodedAs(compression)}`, bytesByRank };
}

const RING = '2·V·(N−1)/N';

const collectiveForms: {
  readonly [Name in CollectiveName]: (
    bytes: number,
    regions: readonly string[],
  ) => { readonly text: string; readonly bytesByRank: SentBytes };
} = {
  ring: (bytes, { length }) => ({ text: RING, bytesByRank: ringBytes(bytes, length) }),
  butterfly: (bytes, { length }) => ({ text: RING, bytesByRank: butterflyBytes(bytes, length) }),
  'halving-doubling'(bytes, { length }) {
    const bytesByRank = halvingDoublingBytes(bytes, length);
    if (Number.isInteger(Math.log2(length))) return { text: RING, bytesByRank };
    const power = 2 ** Math.floor(Math.log2(length));
    return {
      text: `2·V·(P−1)/P with P = ${power}; V beyond P, and V more for each who takes that in`,
      bytesByRank,
    };
  },
  'parameter-server': (bytes, { length }) => ({
    text: 'V·(N−1) from the hub, V from others',
    bytesByRank: parameterServerBytes(bytes, length),
  }),
  hierarchical: (bytes, regions) => ({
    text: '2·V·(R−1)/R + V·(m−1) from the first of m in each of R regions, V from others',
    bytesByRank: hierarchicalBytes(bytes, regions),
  }),
};

/**
 * In each of H steps m microbatches of A bytes cross each boundary between stages, both ways; the first and the last
 * node of a pipeline send each other the E bytes of their embedding's gradient; and the replicas exchange what they
 * hold, in each step or, with `outer`, once, when the first tells the last the embedding's sum too.
 */
function pipelineOf(request: RoundRequest<PipelineProtocol>): ClosedForm {
  const { protocol, worldSize, model, batch, regions: regionOf, parameterCount } = request;
  const { stages: positions, chunks, microbatches, innerSteps, outer } = protocol;
  const boundary = boundaryOf(protocol, model, batch);
  const activations = encodedBytes(boundary.encoding, boundary.elements);
  const embedding = 4 * embeddingRange(model).length;
  const stages = positions * chunks;
  const exchanges = outer === undefined ? innerSteps : 1;
  const replicas = worldSize / positions;

  const bytesByRank = Array.from({ length: worldSize }, (_, rank) => {
    const [replica, position] = [Math.floor(rank / positions), rank % positions];
    const [isFirst, isLast] = [position === 0, position === positions - 1];
    // Of its stages, only the first of all sends nothing back, and only the last of all nothing on.
    const hops = 2 * chunks - (isFirst ? 1 : 0) - (isLast ? 1 : 0);
    const tokens = isLast ? 0 : tokenBytes(boundary);
    const step = microbatches * (hops * activations + tokens) + (isFirst || isLast ? embedding : 0);
    const told = outer !== undefined && isFirst ? embedding : 0;
    const regions = Array.from({ length: replicas }, (_, one) => regionOf[one * positions + position]!);
    const exchanged = Array.from({ length: chunks }, (_, chunk) => {
      const stage = chunk * positions + position;
      const held = stageRanges(model, { stage, stages });
      // With `outer` the embedding is the first stage's to exchange.
      const ranges =
        outer === undefined || stage === 0
          ? held
          : held.filter(({ offset }) => offset !== embeddingRange(model).offset);
      return reductionOf({ protocol, parameterCount, regions }, ranges).bytesByRank[replica]!;
    });
    return innerSteps * step + told + exchanges * exchanged.reduce((sum, bytes) => sum + bytes, 0);
  });
  const between = 'H·m·A at each boundary and way';
  const replicaText = reductionOf({
    protocol,
    parameterCount,
    regions: Array<string>(replicas).fill(''),
  }).text;
  return {
    text: replicas === 1 ? between : `${between}; between replicas ${replicaText} of what is held`,
    bytesByRank,
  };
}

const elementsOf = (slice: number): number => Math.floor(slice / Float32Array.BYTES_PER_ELEMENT);

function encodedSize(compression: CompressionSettings, slices: readonly Range[]): number {
  const encoding = encodingOf(compression);
  return slices.reduce((sum, { length }) => sum + encodedBytes(encoding, length), 0);
}

const encodedAs = ({ kind }: CompressionSettings): string => (kind === 'none' ? '' : `, V as ${kind}`);

function summed(lists: readonly (readonly number[])[]): number[] {
  return lists.reduce<number[]>((sum, list) => list.map((bytes, rank) => bytes + (sum[rank] ?? 0)), []);
}
