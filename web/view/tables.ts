/** The parts of the page that are words and figures: tiles, the gate's checks, and the nodes one by one. */
import type { WireBoard, WireCheck, WireNode } from '../../orchestrator/web/wire.js';
import type { Figure } from '../model/figures.js';
import { allowedText, bytesText, lossText, quantityText, rateText } from '../model/format.js';
import { gateOf } from '../model/gate.js';
import { element, setAttribute, setText } from './dom.js';

/** A tile per figure; the same figures come in the same order each time. */
export function drawFigures(list: HTMLElement, figures: readonly Figure[]): void {
  while (list.children.length < figures.length) {
    const tile = element('div', 'tile');
    tile.append(element('dt'), element('dd', 'value'), element('dd', 'note'));
    list.append(tile);
  }
  figures.forEach(({ name, value, note, alert = false }, index) => {
    const [title, figure, words] = list.children[index]!.children;
    setText(title!, name);
    setText(figure!, value);
    setText(words!, note);
    setAttribute(list.children[index]!, 'class', alert ? 'tile alert' : 'tile');
  });
}

/** How the gate stands, and each check: what was measured, and what is allowed. */
export function drawGate(panel: { verdict: HTMLElement; rows: HTMLElement }, board: WireBoard): void {
  const { kind, text, checks } = gateOf(board.gate);
  setText(panel.verdict, text);
  setAttribute(panel.verdict, 'data-gate', kind);
  fill(panel.rows, checks.map(checkCells));
  checks.forEach(({ ok }, index) => setAttribute(panel.rows.children[index]!, 'class', ok ? 'ok' : 'bad'));
}

function checkCells(check: WireCheck): string[] {
  const { name, measured, unit, ok } = check;
  return [ok ? '✓ holds' : '✗ fails', name, quantityText(measured, unit), allowedText(check)];
}

/** The same as in the pictures, in words: also for those who do not see them. */
export function drawNodes(rows: HTMLElement, nodes: readonly WireNode[]): void {
  fill(rows, nodes.map(nodeCells));
}

function nodeCells(node: WireNode): string[] {
  const { name, region, phase, steps, rateUp, rateDown, queuedBytes, dropped, lost, loss } = node;
  const amounts = [rateText(rateUp), rateText(rateDown), bytesText(queuedBytes)];
  return [name, region, phase, ...amounts, String(dropped), String(lost), String(steps), lossText(loss)];
}

/** Brings the rows of a table to these texts, and touches only what has changed. */
function fill(rows: HTMLElement, texts: readonly (readonly string[])[]): void {
  while (rows.children.length > texts.length) rows.lastElementChild!.remove();
  texts.forEach((cells, at) => {
    let row = rows.children[at];
    if (row === undefined) rows.append((row = element('tr')));
    while (row.children.length < cells.length) row.append(element('td'));
    cells.forEach((text, column) => setText(row.children[column]!, text));
  });
}
