/**
 * How the page looks: black on white in print, light or dark on a screen. Colours are of Okabe and Ito's palette, which
 * colour-blind readers tell apart, and nothing is told by colour alone: what goes down is hatched, lines are dashed and
 * labelled, cells bear numbers.
 */
export const STYLE = `
:root { --ink: #1b1f24; --faint: #57606a; --paper: #fff; --rule: #d0d7de; --up: #0072b2; --down: #b34700;
  --burst: #f0e6c8; --line: #8a3b00; color-scheme: light dark; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --faint: #a3adb8; --paper: #0d1117; --rule: #3d444d; --up: #56b4e9; --down: #e69f00;
    --burst: #2d2a1c; --line: #f0b35c; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 24px 20px 48px; background: var(--paper); color: var(--ink);
  font: 14px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif; }
h1 { font-size: 20px; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 30px 0 2px; }
p { margin: 2px 0 8px; max-width: 100ch; }
.note, .facts { color: var(--faint); }
p.facts { max-width: none; }
.headline { font-size: 17px; margin: 14px 0 4px; max-width: none; }
.warnings { border-left: 4px solid var(--line); margin: 12px 0; padding: 2px 0 2px 12px; list-style: none; }
.warnings li::before { content: '⚠ '; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 0 24px; }
.two > section { min-width: 0; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: var(--ink); }
svg .faint { fill: var(--faint); }
svg .small { font-size: 10.5px; }
svg .strong { font-weight: 600; }
svg .rule { stroke: var(--rule); fill: none; }
svg .axis { stroke: var(--faint); fill: none; }
svg .up { fill: var(--up); }
svg .down { fill: url(#down); }
svg .down-ink { stroke: var(--down); }
svg .down-ground { fill: var(--down); fill-opacity: .3; }
svg .burst { fill: var(--burst); }
svg .mark { fill: var(--ink); }
svg .beat { stroke: var(--ink); stroke-width: 1.2; }
svg .curve { stroke: var(--up); fill: none; stroke-width: 1.6; stroke-linejoin: round; }
svg .level { stroke: var(--line); fill: none; stroke-width: 1.4; stroke-dasharray: 7 4; }
svg .level-text { fill: var(--line); }
svg .level-text, svg .strong { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
svg .period { stroke: var(--ink); fill: none; stroke-dasharray: 1.5 3; }
svg .self { fill: var(--rule); fill-opacity: .5; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
th, td { padding: 3px 7px; text-align: right; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { font-weight: 600; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td { white-space: nowrap; }
td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 17em; }
.more { font-weight: 400; color: var(--faint); }
.narrow { max-width: 520px; }
tr.kind th { padding-top: 12px; }
tr.beats td { font-weight: 600; }
footer { margin-top: 36px; color: var(--faint); font-size: 12.5px; }
@media print {
  :root { --ink: #000; --faint: #333; --paper: #fff; --rule: #bbb; --up: #005a8c; --down: #8a3b00; --burst: #ececec;
    --line: #000; color-scheme: light; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  h2 { break-after: avoid; }
  svg, tr, .warnings { break-inside: avoid; }
  .two { grid-template-columns: 1fr 1fr; }
  table { font-size: 8pt; }
  th, td { padding: 2px 4px; }
  td:first-child { min-width: 0; }
}`;
