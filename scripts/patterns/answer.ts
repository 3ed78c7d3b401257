/**
 * The answer in words, from the scores: which of today's tools saw training, and what they would have seen besides.
 *
 * Each sentence has its numbers from the runs; where the verdict itself turns on them, so does the wording.
 */
import type { Measured } from './page.js';
import type { Row } from './results.js';

/** "3 of 6": in how many runs a pattern fires. */
type Share = (runs: readonly Measured[], view: string, pattern: string) => string;

const rowOf = ({ result }: Measured, view: string, pattern: string): Row | undefined =>
  result.views[view]?.rows.find((row) => row.pattern === pattern);

const firesIn = (runs: readonly Measured[], view: string, pattern: string): number =>
  runs.filter((run) => rowOf(run, view, pattern)?.fires === true).length;

const share: Share = (runs, view, pattern) => `${firesIn(runs, view, pattern)} of ${runs.length}`;

export function answerOf(measured: readonly Measured[]): string[] {
  const training = measured.filter(({ planned }) => planned.kind === 'training');
  const others = measured.filter(({ planned }) => planned.kind === 'background');
  return [
    ...asItIs(training, others),
    onBursts(training, others),
    lessSeen(training, others),
    nextStep(training),
  ];
}

/** What tools do that are given what they are given today. */
function asItIs(training: readonly Measured[], others: readonly Measured[]): string[] {
  const beacons = firesIn(training, 'all', 'rita-connections');
  const scored = training.filter((run) => typeof rowOf(run, 'all', 'rita-connections')?.score === 'number');
  const head =
    beacons === 0
      ? '**By its beat: no.**'
      : beacons === training.length
        ? '**By its beat: yes.**'
        : '**By its beat: sometimes.**';
  return [
    `${head} RITA, given connections as it is, fires on ${beacons} of ${training.length} captures of training, and can score ` +
      `${scored.length} of them: nodes open a connection or a tunnel to each other once and keep it, and one start has no ` +
      `period. What it would report is a long connection, after an hour, as of every VPN.`,
    `**As something else: yes, and rightly.** The dispersion graph calls ${share(training, 'all', 'tdg')} of them peer-to-peer ` +
      `(and ${share(others, 'all', 'tdg')} of the ordinary captures): each node opens connections to others and accepts some. ` +
      `It was drawn of these hosts alone, though; an ISP would first have to know which hosts to draw. The low volume ` +
      `thresholds are exceeded by ${share(training, 'all', 'volume-low')} (ordinary: ${share(others, 'all', 'volume-low')}), those ` +
      `that FastNetMon ships by ${share(training, 'all', 'fastnetmon')}. ${payload(training)}`,
  ];
}

function payload(training: readonly Measured[]): string {
  const tunnelled = training.filter(({ planned }) => planned.set.some((value) => value.startsWith('tunnel')));
  const plain = training.filter((run) => !tunnelled.includes(run));
  const said = (runs: readonly Measured[]): string => {
    const [first] = runs;
    return first === undefined ? 'it was not run' : `“${rowOf(first, 'all', 'ndpi')?.why ?? 'nothing'}”`;
  };
  return (
    `nDPI sees a risk in ${share(plain, 'all', 'ndpi')} plain ones (of ${plain[0]?.planned.name ?? ''}: ${said(plain)}), a ` +
    `matter of the port, and in ${share(tunnelled, 'all', 'ndpi')} tunnelled ones (${said(tunnelled)}). None of ` +
    'these has a word for training.'
  );
}

/** What the same formulas do with what nobody gives them. */
function onBursts(training: readonly Measured[], others: readonly Measured[]): string {
  const both = (pattern: string, view = 'all'): string =>
    `${share(training, view, pattern)} (ordinary: ${share(others, view, pattern)})`;
  return (
    `**The beat is there for whoever looks at bursts**, plain or tunnelled, and it is no proof. RITA's formula, given starts ` +
    `and sizes of bursts, fires on ${both('rita-bursts')}, the rule of thumb for jitter on ${both('jitter-bursts')}. Tests of ` +
    `significance need more beats than a minute holds: the periodogram of starts fires on ${both('schuster-bursts')}, ` +
    `BAYWATCH's core on ${both('baywatch-bursts')}, Fisher's g on ${both('fisher-scaled-bursts')}. Supposed to go on for a day, ` +
    `at a hundredth of the speed, RITA fires on ${both('rita-day', 'slow-day')}. Ordinary traffic has beats, too: given ` +
    `connections, RITA fires on ${share(others, 'all', 'rita-connections')} of the ordinary captures (backups that start by ` +
    `the clock), and on ${share(training, 'all', 'rita-connections')} of training. ` +
    'A regular beat between two hosts is common; what these rules do not ask is ' +
    'which group beats together.'
  );
}

/** Sampling and records. */
function lessSeen(training: readonly Measured[], others: readonly Measured[]): string {
  return (
    `**Sampling hardly hides it, flow records do.** At 1:100 RITA on bursts still fires on ${share(training, 'sampled', 'rita-bursts')} ` +
    `of training; what decides is how many samples a burst leaves (below), and these models are of 3 MB or less, where a billion ` +
    `parameters are 4 GB. With flow records of 60 s it fires on ${share(training, 'records', 'rita-bursts')}: a record spreads its bytes ` +
    `over its time. And records that are cut at a fixed age look like beacons themselves: at 2 s, RITA on starts of records fires ` +
    `on ${share(training, 'short-records', 'rita-records')} of training and ${share(others, 'short-records', 'rita-records')} of ` +
    `the ordinary captures. Part of that is the clock of the exporter and not of the traffic.`
  );
}

function nextStep(training: readonly Measured[]): string {
  const invalid = training.filter(({ result }) => result.verdict === 'invalid').length;
  const caveat =
    invalid === 0
      ? ''
      : ` The gate calls ${invalid} of ${training.length} runs of training invalid, since the machine was busy: their beat may ` +
        'be less regular than on a quiet one.';
  return (
    `All this is of ${training.length} runs of a minute between four hosts, each once: it shows what rules can see, not how ` +
    `often they err.${caveat}`
  );
}
