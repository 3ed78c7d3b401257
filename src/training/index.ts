/** The face of the training library: what nodes, the orchestrator and the command line use of it. */
export { createDevice, type Device, type DeviceOptions } from './device.js';
export type { StepReport } from './device-worker.js';
export { allocateReplica, type ReplicaMemory, type SharedReplica } from './memory.js';
export { parameterCount, parameterLayout, type ParameterTensor } from './model.js';
export { trainReference, type ReferenceResult } from './reference.js';
export { readSafetensors, weightsSha256, writeSafetensors } from './safetensors.js';
export { trainingSettingsOf, type TrainingSettings } from './settings.js';
export { dealDocuments, type DataSettings } from './shards.js';
