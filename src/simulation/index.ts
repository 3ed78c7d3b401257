/** The second player: schedules in virtual time, and what heartbeat to expect of them. */
export { simulate, type SimulationOptions } from './timeline.js';
export { expectedHeartbeat, type ExpectedHeartbeat, type HeartbeatOptions } from './expected.js';
export { emissionsOf, type Emission, type EmissionOptions } from './emissions.js';
