/** What Streaming DiLoCo asks of a scenario: fragments of whole layers, under way one at a time. */
import { expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/index.js';
import { EXAMPLE, FILE, refusal } from './example.js';

/** Of the model by default, which has 4 layers. */
const scenario = (settings: string) =>
  EXAMPLE.replace('kind: diloco\n  innerSteps: 4', `kind: streaming\n  ${settings.replaceAll(', ', '\n  ')}`);

it.each([
  [
    'innerSteps: 8, fragments: 5',
    `${FILE}:7: protocol.fragments: found 5; allowed: at most 4, the layers of the model`,
  ],
  [
    'innerSteps: 2, fragments: 3',
    `${FILE}:7: protocol.fragments: found 3; allowed: at most 2, the inner steps of a round`,
  ],
  [
    'innerSteps: 7, fragments: 2, delay: 4',
    `${FILE}:8: protocol.delay: found 4; allowed: at most 3, the inner steps from one fragment to the next (innerSteps / fragments)`,
  ],
])('%s is refused', (settings, message) => expect(refusal(scenario(settings))).toBe(message));

it.each([
  'innerSteps: 8, fragments: 4, delay: 2',
  'innerSteps: 1, fragments: 1',
  'innerSteps: 7, fragments: 2, delay: 3',
])('%s is allowed', (settings) => {
  expect(parseScenario(scenario(settings), FILE).protocol.kind).toBe('streaming');
});
