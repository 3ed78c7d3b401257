/** The picture of a scenario's schedule and its bytes, as `meshbeat schedule` has them. */
import { svgOf } from '../../src/cli/schedule/page.js';
import { viewOf, type View } from '../../src/cli/schedule/view.js';
import type { Scenario } from '../../src/scenario/index.js';

export function drawSchedule(scenario: Scenario): { svg: string; closedForm: View['closedForm'] } {
  const view = viewOf(scenario);
  return { svg: svgOf(view), closedForm: view.closedForm };
}
