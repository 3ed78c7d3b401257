/**
 * What to run: scenarios, their schema, and the topology they describe. The rest of the folder is how they
 * are read, checked and written.
 */
export type { Change, HostPair, Timeline } from './events/change.js';
export { formatEvent, type ScenarioEvent } from './events/event.js';
export { crashingHosts } from './events/names.js';
export { timelineOf } from './events/timeline.js';
export { GENRES, genreInTurn, type Genre } from './genres.js';
export { scenarioJsonSchema } from './json-schema.js';
export {
  loadAnyScenario,
  loadScenario,
  parseAnyScenario,
  parseScenario,
  placeInFile,
  type LoadOptions,
} from './load.js';
export { withNodeCount } from './node-count.js';
export { observationPoints, type ObservationPoint, type PointKind } from './points.js';
export { PRESET_REGIONS, presetDelay } from './presets.js';
export { fillPlaceholders, isTraining, type PlaceholderValues } from './programs.js';
export { scenarioToYaml, topologyOf, tunnelOf, withAddresses } from './resolve.js';
export { meanRate, OPPORTUNITY_BYTES, type RateTrace } from './rate-trace.js';
export { withTracesBeside } from './traces.js';
export type {
  AdamwSettings,
  AnyScenario,
  CongestionControl,
  DriverName,
  DdpProtocol,
  DilocoProtocol,
  ModelShape,
  ProgramsScenario,
  Protocol,
  QueueLimit,
  Scenario,
} from './schema.js';
export {
  asNetwork,
  hostsOf,
  pathRate,
  storePosition,
  type Bottleneck,
  type Host,
  type Node,
  type Path,
  type Program,
  type Topology,
  type TunnelKind,
  type TunnelLayout,
} from './topology.js';
export { crossings, stationsBetween, wayBetween, type Way } from './way.js';
export {
  CALM,
  jitterDeviation,
  jitterMean,
  jitterMost,
  jitterQuantile,
  lossOnArrival,
  lossVariance,
  meanLoss,
  meanLossRun,
  type Jitter,
  type Loss,
  type Weather,
} from './weather.js';
export { formatBytes, formatDuration, formatProbability, formatRate } from './units.js';
