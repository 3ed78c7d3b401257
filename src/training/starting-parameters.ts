/** What training starts from. */
import { confinedModelOf } from './confined-model.js';
import { initialParameters, parameterCount } from './model.js';
import type { TrainingSettings } from './settings.js';

/**
 * The seeded initial parameters; of a confined model the nearest to them that are allowed.
 *
 * @param out Flat, of the whole model.
 */
export function startingParameters(settings: TrainingSettings, out: Float32Array): void {
  initialParameters(settings.shape, settings.seed, out);
  confinedModelOf(settings)?.confine(out, [{ offset: 0, length: parameterCount(settings.shape) }]);
}
