/** The face of the training library: what nodes, the orchestrator and the command line use of it. */
export { createDevice, type Device, type DeviceOptions } from './device.js';
export type { StepReport, WorkReport } from './device-worker.js';
export {
  finalWeights,
  heldSha256,
  heldValues,
  placedValues,
  rivalsSha256,
  type Held,
} from './final-weights.js';
export { heldOutLoss } from './held-out-loss.js';
export { Checkpoints } from './checkpoints.js';
export {
  allocateReplica,
  replicaBytes,
  withScratch,
  type ReplicaMemory,
  type SharedReplica,
} from './memory.js';
export { parameterCount, parameterLayout, type ParameterTensor } from './model.js';
export { trainReference, type Compiled, type ReferenceResult } from './reference.js';
export { readSafetensors, weightsSha256, writeSafetensors } from './safetensors.js';
export { trainingSettingsOf, type TrainingSettings } from './settings.js';
export { dealDocuments, type DataSettings } from './shards.js';
