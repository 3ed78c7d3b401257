/** How a run is reported when it is over, and what exit status it has. */
import pc from 'picocolors';
import type { RunResult } from './perform.js';
import { renderReport } from './report.js';

/** The report, for stderr. */
export function reportOf({ summary, failure, directory }: RunResult): string {
  if (summary === undefined)
    return `run failed: ${failure}\nwhat was written up to then is in ${directory.path}\n`;
  const colour = process.stderr.isTTY === true && pc.isColorSupported;
  return renderReport(summary, {
    directory: directory.path,
    colour,
    ...(failure === undefined ? {} : { failure }),
  });
}

/** Prints the summary on stdout if JSON was asked for; the exit status: 0 for a run that is evidence. */
export function conclude({ summary, failure }: RunResult, json: boolean): 0 | 1 {
  if (json && summary !== undefined) process.stdout.write(JSON.stringify(summary, null, 2) + '\n');
  return failure === undefined && summary?.gate.verdict === 'valid' ? 0 : 1;
}
