/**
 * The live page: hears the run's story from the server, and draws it anew each time it goes on.
 *
 * Everything to see is a function of the story (model/story.ts). The functions are in model/ and know no
 * browser; view/ puts what they say into the document. Here is only the order in which it happens, and the
 * button that holds the picture still.
 */
import { beatOf } from './model/bursts.js';
import { figuresOf } from './model/figures.js';
import { stageOf, statusOf, titleOf, type Connection } from './model/status.js';
import { Story } from './model/story.js';
import { listen } from './stream.js';
import { byId, setAttribute, setText } from './view/dom.js';
import { HeartbeatView } from './view/heartbeat.js';
import { LossView } from './view/loss.js';
import { MeshView } from './view/mesh.js';
import { drawFigures, drawGate, drawNodes } from './view/tables.js';

const heartbeat = new HeartbeatView(byId('heartbeat'), byId('heartbeat-scale'));
const mesh = new MeshView(byId('mesh'));
const loss = new LossView(byId('loss'));
const gate = { verdict: byId('gate-verdict'), rows: byId('gate-checks') };

const story = new Story();
let connection: Connection = 'connecting';
let isHeld = false;

function draw(): void {
  const { now, samples } = story;
  const { kind, text } = statusOf(connection, now);
  setText(byId('status'), text);
  setAttribute(byId('status'), 'data-status', kind);
  if (now === null || isHeld) return;
  const { board, trainingTime } = now;
  setText(byId('stage'), stageOf(now));
  setText(byId('run'), board.run ?? 'no run yet');
  setText(byId('scenario'), titleOf(board));
  setAttribute(byId('progress'), 'value', board.roundsDone / Math.max(1, board.rounds));
  document.title =
    board.rounds === 0 ? 'meshbeat' : `${board.roundsDone}/${board.rounds} ${board.scenario} – meshbeat`;
  const capacity = board.nodes.reduce((sum, { uplink }) => sum + uplink, 0);
  const beat = beatOf(samples, capacity, trainingTime ?? Infinity);
  drawFigures(byId('figures'), figuresOf(board, samples, beat));
  heartbeat.draw({ board, samples, beat, origin: trainingTime ?? samples.at(-1)?.time ?? 0 });
  mesh.draw(board);
  loss.draw(board);
  drawGate(gate, board);
  drawNodes(byId('nodes'), board.nodes);
  setAttribute(document.body, 'data-rounds-done', board.roundsDone);
  setAttribute(document.body, 'data-elapsed', board.elapsedSeconds ?? '');
}

const hold = byId('hold');
hold.addEventListener('click', () => {
  isHeld = !isHeld;
  setAttribute(hold, 'aria-pressed', String(isHeld));
  setText(hold, isHeld ? 'Go on' : 'Hold still');
  draw();
});

listen('/events', {
  history: (history) => story.history(history),
  snapshot(snapshot) {
    story.snapshot(snapshot);
    draw();
  },
  connection(state) {
    connection = state;
    draw();
  },
});
draw();
