/**
 * What a person sees while a run goes on: on a terminal a picture that is redrawn in place, elsewhere (a
 * file, a pipe, a dumb terminal) plain lines, one for each round that all nodes have finished.
 *
 * The view asks for a snapshot when it wants one and never holds up the run. Lines that the caller has to
 * say go through line(), so that they stand above the picture and not in it. The drawing is log-update's,
 * what is drawn is live-picture.ts's; here are only the clock and the terminal.
 */
import { createLogUpdate } from 'log-update';
import type { BoardSnapshot, FinishedRound } from '../../../orchestrator/board.js';
import { bytesText, secondsText } from '../text.js';
import { picture } from './live-picture.js';

const FRAME_MS = 200;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';

export interface ViewOptions {
  readonly stream: NodeJS.WriteStream;
  readonly snapshot: () => BoardSnapshot;
  /** What is being run, e.g. "diloco: 4 nodes, netns". */
  readonly title: string;
}

export interface View {
  /** Says something that stays. */
  line(text: string): void;
  /** Draws a last time and gives the terminal back. Safe to call twice. */
  stop(): void;
}

/** Begins to show a run on a stream; the caller must stop() it. */
export function startView(options: ViewOptions): View {
  return canDraw(options.stream) ? startPicture(options) : startLines(options);
}

/** Some terminals, those of build servers above all, don't know their size; a picture would not fit. */
function canDraw({ isTTY, columns, rows }: NodeJS.WriteStream): boolean {
  return isTTY && columns > 0 && rows > 0 && process.env.TERM !== 'dumb';
}

function startPicture({ stream, snapshot, title }: ViewOptions): View {
  // log-update would hide the cursor of stderr, whatever the stream.
  const show = createLogUpdate(stream, { showCursor: true });
  const colour = (process.env.NO_COLOR ?? '') === '';
  const draw = (): void => {
    const { columns, rows } = stream;
    show(picture(snapshot(), { title, columns, rows, colour }));
  };
  const restoreCursor = (): void => void stream.write(SHOW_CURSOR);
  process.once('exit', restoreCursor);
  stream.write(HIDE_CURSOR);
  draw();
  return every(draw, stream, {
    line(text) {
      show.clear();
      stream.write(`${text}\n`);
      draw();
    },
    stop() {
      draw();
      show.done();
      process.off('exit', restoreCursor);
      restoreCursor();
    },
  });
}

function startLines({ stream, snapshot }: ViewOptions): View {
  let told = 0;
  const tell = (): void => {
    const { finishedRounds, rounds } = snapshot();
    for (const finished of finishedRounds.filter(({ round }) => round >= told)) {
      stream.write(`${roundText(finished, rounds)}\n`);
      told = finished.round + 1;
    }
  };
  return every(tell, stream, {
    line(text) {
      tell();
      stream.write(`${text}\n`);
    },
    stop: tell,
  });
}

/** A view that also does something regularly until it is stopped, after which it only passes lines on. */
function every(work: () => void, stream: NodeJS.WriteStream, view: View): View {
  const timer = setInterval(work, FRAME_MS);
  timer.unref();
  let stopped = false;
  return {
    line(text) {
      if (stopped) stream.write(`${text}\n`);
      else view.line(text);
    },
    stop() {
      if (stopped) return;
      stopped = true;
      clearInterval(timer);
      view.stop();
    },
  };
}

function roundText({ round, periodSeconds, meanLoss, sentBytes }: FinishedRound, rounds: number): string {
  const facts = [
    ...(periodSeconds === null ? [] : [`period ${secondsText(periodSeconds)}`]),
    ...(meanLoss === null ? [] : [`loss ${meanLoss.toFixed(3)}`]),
    `${bytesText(sentBytes)} sent`,
  ];
  return `round ${round + 1}/${rounds}: ${facts.join(', ')}`;
}
