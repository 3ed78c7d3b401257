/**
 * The page that `meshbeat inspect --html` writes: one file that needs nothing else. No script, no font, no picture comes
 * from elsewhere, and its content policy forbids that any could; it can be mailed, printed and kept.
 *
 * Its size is bounded: series are drawn in as many columns as there are pixels, lists are cut, and what is left out is
 * said. Names come from the capture, hence from anyone: all text goes through one escape (src/svg.ts).
 */
import { escapeXml } from '../../../svg.js';
import { version } from '../../version.js';
import { bytesText, percentText, secondsText } from '../../text.js';
import { warningsOf } from '../gather.js';
import type { Inspection } from '../gather.js';
import { factsOf, interfacesOf, pText } from '../../inspect-text.js';
import { lanes } from './lanes.js';
import { matrix } from './matrix.js';
import { autocorrelationPicture, periodogramPicture, sizesPicture } from './rhythm.js';
import { STYLE } from './style.js';
import { beatsTable, meshTable } from './tables.js';

/** The whole file. */
export function htmlPage(inspection: Inspection): string {
  const { source, report } = inspection;
  const title = `${source.file}: traffic`;
  const warnings = warningsOf(inspection, bytesText);
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeXml(title)}</title><style>${STYLE}</style></head><body>`,
    `<header><h1>${escapeXml(source.file)}</h1>`,
    `<p class="facts">${factsOf(inspection).map(escapeXml).join(' · ')}<br>${interfacesOf(inspection).map(escapeXml).join(' · ')}</p>`,
    `<p class="headline">${headline(inspection)}</p>`,
    warnings.length === 0
      ? ''
      : `<ul class="warnings">${warnings.map((text) => `<li>${escapeXml(text)}</li>`).join('')}</ul>`,
    '</header><main>',
    ...section('Bytes over time', lanes(inspection) ?? 'There is no IP traffic.'),
    ...rhythmSections(inspection),
    ...section('Who sends to whom', matrix(inspection) ?? 'There is no IP traffic.'),
    report.heartbeat.heartbeat === null ? '' : `<h2>The mesh's heartbeat</h2>${meshTable(inspection)}`,
    beatsTable(inspection),
    '</main>',
    `<footer>meshbeat ${escapeXml(version)}, <code>meshbeat inspect --html</code>. Bytes are those of whole frames${source.kind === 'capture' ? '' : '; of flow records, those of IP packets'}. ` +
      'A p-value is the chance that bursts whose pauses have no memory keep time as well. A heartbeat alone does not say what it is of: a backup has one, too.</footer>',
    '</body></html>',
    '',
  ].join('\n');
}

/** The answer in one sentence. */
function headline({ report, beats, spectrum }: Inspection): string {
  const { heartbeat, reason, nodes } = report.heartbeat;
  if (heartbeat === null) return `<strong>No heartbeat of the mesh:</strong> ${escapeXml(reason ?? '')}.`;
  const chance = spectrum?.rhythm.pValue ?? null;
  const rate = report.samplingRate;
  const [group] = beats.groups;
  const samples =
    rate > 1 && group !== undefined
      ? `; sampling at 1:${rate} leaves ${+group.samplesPerBurst.toPrecision(3)} packets of a burst`
      : '';
  return (
    `<strong>A heartbeat every ${secondsText(heartbeat.periodSeconds)}:</strong> ${heartbeat.count} bursts of ` +
    `${bytesText(heartbeat.burstBytesPerNode)} per node, ${nodes.length} nodes, busy ${percentText(heartbeat.dutyCycle)} of the time` +
    `${chance === null ? ' (too few bursts to tell it from chance)' : `, p ${pText(chance)}`}${samples}.`
  );
}

function section(title: string, content: { svg: string; notes: readonly string[] } | string): string[] {
  if (typeof content === 'string') {
    return [`<section><h2>${title}</h2><p class="note">${content}</p></section>`];
  }
  return [
    `<section><h2>${title}</h2>`,
    ...content.notes.map((note) => `<p class="note">${escapeXml(note)}</p>`),
    content.svg,
    '</section>',
  ];
}

function rhythmSections({ report, spectrum }: Inspection): string[] {
  if (spectrum === undefined) return [];
  const period = report.heartbeat.heartbeat?.periodSeconds;
  const correlation = autocorrelationPicture(spectrum, period);
  const periodogram = periodogramPicture(spectrum, period);
  const sizes = sizesPicture(report.heartbeat.bursts);
  const { pValue } = spectrum.rhythm;
  return [
    '<div class="two">',
    ...section(
      'Autocorrelation',
      correlation === undefined
        ? 'There is too little time to compare.'
        : {
            svg: correlation,
            notes: [
              'How alike the bytes sent by all nodes are to themselves some time later. In the grey part a burst meets itself.',
            ],
          },
    ),
    ...section(
      'Periodogram',
      periodogram === undefined
        ? 'There are too few bursts: four are needed.'
        : {
            svg: periodogram,
            notes: [
              `How well each period explains when bursts start; at most the number of bursts. By the better of this and of how alike the intervals are: p ${pText(pValue ?? 1)}.`,
            ],
          },
    ),
    ...section(
      'Sizes of bursts',
      sizes === undefined
        ? 'There are no bursts.'
        : { svg: sizes, notes: ['Bursts of the mesh, by the bytes of all nodes together.'] },
    ),
    '<section><h2>How to read the lines</h2><p class="note">The dashed line is where one of twenty captures without a beat has its highest point: the same bursts, with pauses that have no memory. A curve that passes it anywhere (right of the grey part) is no accident, at a level of 5 %. One that stays below may still belong to a beat: where each round begins when the last has ended the phase drifts, and the intervals tell more (their CV and p below). The dotted line is the period.</p></section>',
    '</div>',
  ];
}
