/**
 * The files of a run directory as a contract: for each a zod schema that describes every field with its unit,
 * and the type inferred from it, which is what those who write the files are held to. docs/run-directory.md
 * is the same contract in prose; `meshbeat schema --of NAME` prints it as JSON Schema (json-schema.ts).
 */
export type { GateCheck, GateVerdict } from './files/gate.js';
export { runManifestSchema, type RunManifest } from './files/manifest.js';
export { metricsLineSchema, type MetricsLine } from './files/metrics.js';
export type { CaptureKind } from './files/quantities.js';
export type { ControlSummary } from './files/control.js';
export {
  anySummarySchema,
  programsSummarySchema,
  runSummarySchema,
  type AnySummary,
  type CaptureFacts,
  type Heartbeat,
  type ObservationSummary,
  type ProgramsSummary,
  type ProgramSummary,
  type RunSummary,
} from './files/summary.js';
export {
  traceLineSchema,
  type EventSummary,
  type TraceControl,
  type TraceEvent,
  type TraceHeader,
  type TraceOperation,
  type TraceProgram,
} from './files/trace.js';
export { verificationSchema, type VerificationDocument } from './files/verification.js';
