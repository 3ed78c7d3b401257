/**
 * A verification as a page: a table of what was set and what was measured, what could not be measured and why, and the
 * verdict in the last line. A pure function of the document that `--json` prints.
 */
import Table from 'cli-table3';
import pc from 'picocolors';
import type { VerificationDocument } from '../../run/files.js';
import { quantityText, secondsText } from '../text.js';

type Check = VerificationDocument['checks'][number];

export interface VerificationOptions {
  readonly colour: boolean;
  /** Every measurement; else of each property the one that is furthest off, and those that failed. */
  readonly all: boolean;
}

const HEAD = ['property', 'path', 'set', 'measured', 'tolerated', 'ok'];

/** The page, ending in a newline; its last line begins with "faithful" or "unfaithful: ". */
export function renderVerification(
  document: VerificationDocument,
  { colour, all }: VerificationOptions,
): string {
  const colours = pc.createColors(colour);
  const { scenario, nodes, seed, fabric, durationSeconds, checks, unmeasured, verdict } = document;
  const headline = `${scenario}: ${nodes} nodes, seed ${seed}, fabric ${fabric}, measured in ${secondsText(durationSeconds)}`;
  const failed = checks.filter(({ ok }) => !ok);
  const sections = [
    colours.bold(headline),
    table(all ? checks.map((check) => ({ check, of: 1 })) : worstOfEach(checks)),
    all ? '' : notes(checks),
    unmeasured
      .map(({ property, path, reason }) => `not measured: ${property} (${path}): ${reason}`)
      .join('\n'),
    verdict === 'faithful'
      ? colours.green(`faithful: ${checks.length} measurements within what is tolerated`)
      : colours.red(`unfaithful: ${failed.map(failureText).join('; ')}`),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

interface Row {
  readonly check: Check;
  /** How many measurements it stands for. */
  readonly of: number;
}

/** Of each property the check that is furthest off, in units of what is tolerated; and all that failed. */
export function worstOfEach(checks: readonly Check[]): Row[] {
  return [...new Set(checks.map(({ property }) => property))].flatMap((property) => {
    const alike = checks.filter((check) => check.property === property);
    const worst = alike.reduce((one, other) => (offness(other) > offness(one) ? other : one));
    const chosen = alike.filter((check) => check === worst || !check.ok);
    return chosen.map((check) => ({ check, of: alike.length }));
  });
}

/** 0 for what was set, 1 at the bound of what is tolerated on that side. */
function offness({ measured, set, least, most }: Check): number {
  if (measured === null) return Infinity;
  const centre = set ?? least;
  const room = measured < centre ? centre - least : most - centre;
  if (measured === centre) return 0;
  return room === 0 ? Infinity : Math.abs(measured - centre) / room;
}

function table(rows: readonly Row[]): string {
  const made = new Table({
    head: HEAD,
    colAligns: ['left', 'left', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { check, of } of rows) {
    const { property, path, set, measured, least, most, unit, ok, attempts } = check;
    const again = attempts > 1 ? ` (${attempts} tries)` : '';
    made.push([
      property,
      of > 1 ? `${path}, the worst of ${of}` : path,
      set === null ? '' : quantityText(set, unit),
      measured === null ? 'nothing' : quantityText(measured, unit),
      set === null ? `at most ${quantityText(most, unit)}` : boundsText(least, most, unit),
      `${ok ? 'yes' : 'NO'}${again}`,
    ]);
  }
  return made.toString();
}

const boundsText = (least: number, most: number, unit: string): string =>
  `${quantityText(least, unit)} … ${quantityText(most, unit)}`;

/** What else the measurements in the table showed. */
function notes(checks: readonly Check[]): string {
  return worstOfEach(checks)
    .filter(({ check }) => check.note !== '')
    .map(({ check: { property, path, note } }) => `${property}, ${path}: ${note}`)
    .join('\n');
}

function failureText({ property, path, measured, least, most, unit }: Check): string {
  const found = measured === null ? 'not to be measured' : quantityText(measured, unit);
  return `${property} of ${path} was ${found} (tolerated: ${boundsText(least, most, unit)})`;
}
