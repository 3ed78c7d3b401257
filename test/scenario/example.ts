/** A small scenario that the tests of this folder bend; its line numbers appear in their expectations. */
import { InputError } from '../../src/errors.js';
import { parseScenario, type LoadOptions } from '../../src/scenario/index.js';
import { programsSchema, scenarioSchema } from '../../src/scenario/schema.js';

export const FILE = 'example.yaml';

export const EXAMPLE = `name: example
rounds: 2
pace: 500 ms
protocol:
  kind: diloco
  innerSteps: 4
nodes:
  - region: us-east
    uplink: 40 Mbit/s
  - region: eu-west
    uplink: 10 Mbit/s
    downlink: 20 Mbit/s
`;

/** What a scenario may have at its top, as messages list it. */
export const KEYS = Object.keys(scenarioSchema.shape).join(', ');

/** The same without training, and of either kind. */
export const PROGRAM_KEYS = Object.keys(programsSchema.shape).join(', ');
export const ALL_KEYS = [
  ...new Set([...Object.keys(scenarioSchema.shape), ...Object.keys(programsSchema.shape)]),
].join(', ');

/** The message of the InputError that a text ends in; any other end fails the test. */
export function refusal(text: string, options?: LoadOptions): string {
  try {
    parseScenario(text, FILE, options);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('the scenario was accepted');
}
