/** Puts what was measured into the page, between its markers. Pure: text and results in, text out. */
import { RunError } from '../../src/errors.js';
import { worstOfEach } from '../../src/cli/verify/report.js';
import { percentText, quantityText, secondsText } from '../../src/cli/text.js';
import { EIGHT_NODES, type Results } from './results.js';

const MARKED = /(<!-- fidelity: (\w+) -->)[^]*?(<!-- \/fidelity -->)/g;

/** The page with every marked part written anew, but those that were never measured. */
export function filled(page: string, results: Results): string {
  return page.replace(MARKED, (whole: string, begin: string, name: string, end: string) => {
    const write = WRITERS[name];
    if (write === undefined)
      throw new RunError(
        `docs/fidelity.md: found the marker "${name}"; allowed: ${Object.keys(WRITERS).join(', ')}`,
      );
    const text = write(results);
    return text === undefined ? whole : `${begin}\n\n${text}\n\n${end}`;
  });
}

const WRITERS: Readonly<Record<string, (results: Results) => string | undefined>> = {
  verify: ({ verify }) => verify && verifyText(verify),
  run: ({ run }) =>
    run &&
    `99 of 100 packets left within ${secondsText(run.latenessP99)} of when the model wanted them out, with ${run.nodes} ` +
      `nodes training (\`meshbeat run scenarios/diloco.yaml ${EIGHT_NODES.join(' ')}\`, gate ${run.verdict}` +
      `${run.failed.length === 0 ? '' : `: ${run.failed.join(', ')}`}).`,
  iperf3: ({ iperf3 }) =>
    iperf3 &&
    `iperf3 over verify, same link, same minute: TCP ${percentText(iperf3.tcp)}, UDP ${percentText(iperf3.udp)}.`,
  bench: ({ bench }) => bench && `\`\`\`\n${bench.trimEnd()}\n\`\`\``,
};

function verifyText(verify: NonNullable<Results['verify']>): string {
  const { checks, unmeasured, verdict, durationSeconds, host, nodes } = verify;
  const rows = worstOfEach(checks).map(({ check, of }) => {
    const { property, path, set, measured, least, most, unit, ok, attempts } = check;
    const bounds =
      set === null
        ? `at most ${quantityText(most, unit)}`
        : `${quantityText(least, unit)} … ${quantityText(most, unit)}`;
    const again = attempts > 1 ? `, ${attempts} tries` : '';
    return [
      property,
      of > 1 ? `${path}, the worst of ${of}` : path,
      set === null ? '' : quantityText(set, unit),
      measured === null ? 'nothing' : quantityText(measured, unit),
      bounds,
      `${ok ? 'yes' : '**no**'}${again}`,
    ];
  });
  const table = [
    ['property', 'path', 'set', 'measured', 'tolerated', 'ok'],
    Array(6).fill('---') as string[],
    ...rows,
  ];
  const missing = unmeasured.map(
    ({ property, path, reason }) => `- not measured: ${property} (${path}): ${reason}`,
  );
  return [
    table.map((row) => `| ${row.join(' | ')} |`).join('\n'),
    `${verdict}: ${checks.filter(({ ok }) => ok).length} of ${checks.length} measurements within what is tolerated; ` +
      `${nodes} nodes, ${secondsText(durationSeconds)}, ${host.cores} cores, Linux ${host.kernel}.`,
    missing.join('\n'),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}
