/** The loss of a model that no single node holds, before and after a run. */
import { parameterCount } from './model.js';
import type { TrainingSettings } from './settings.js';
import { startingParameters } from './starting-parameters.js';
import { createSteps } from './steps.js';

/** Held-out loss of the initial and of these parameters, nats per byte. Compiles the model, in this thread. */
export function heldOutLoss(
  settings: TrainingSettings,
  parameters: Float32Array,
): { readonly initialLoss: number; readonly finalLoss: number } {
  const steps = createSteps(settings);
  const initial = new Float32Array(parameterCount(settings.shape));
  startingParameters(settings, initial);
  return { initialLoss: steps.evaluate(initial), finalLoss: steps.evaluate(parameters) };
}
