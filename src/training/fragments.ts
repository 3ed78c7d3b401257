/**
 * Which part of the model is which fragment of Streaming DiLoCo: a few whole layers, exchanged together.
 *
 * Fragments take layers in turn (`strided`: layer l goes to fragment l mod P) or as they lie (`sequential`). What
 * belongs to no layer goes with its neighbour: the embedding and the positions with the first layer, hence with
 * fragment 0 in both patterns; the final norm with the last one. So the fragments share out all parameters, and
 * none has a turn of its own for a mere embedding. The paper (Douillard et al., arXiv:2501.18512, section 2.2)
 * found strided fragments slightly better; it does not say where its embedding goes.
 */
import type { ModelShape, StreamingProtocol } from '../scenario/schema.js';
import type { Range } from '../schedule/operation.js';
import { parameterLayout } from './model.js';
import { joined } from './ranges.js';

/**
 * By fragment: its ranges of the flat parameters, as few as there can be, in ascending order.
 *
 * @throws RangeError if there are more fragments than layers.
 */
export function fragmentRanges(
  shape: ModelShape,
  { fragments, pattern }: Pick<StreamingProtocol, 'fragments' | 'pattern'>,
): Range[][] {
  const { layers } = shape;
  if (fragments > layers) throw new RangeError(`${fragments} fragments of a model of ${layers} layers`);
  const fragmentOf = (layer: number) =>
    pattern === 'strided' ? layer % fragments : Math.floor((layer * fragments) / layers);
  const ranges = Array.from({ length: fragments }, (): Range[] => []);
  for (const { name, offset, length } of parameterLayout(shape)) {
    const [, number] = /^layers\.(\d+)\./.exec(name) ?? [];
    const layer = number === undefined ? (name === 'norm' ? layers - 1 : 0) : Number(number);
    ranges[fragmentOf(layer)]?.push({ offset, length });
  }
  return ranges.map(joined);
}
