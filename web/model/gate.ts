/** The gate for the page: its verdict in words, and its checks with those that fail first. */
import type { WireBoard, WireCheck } from '../../orchestrator/web/wire.js';

export interface GateText {
  readonly kind: 'none' | 'holding' | 'failing' | 'valid' | 'invalid';
  readonly text: string;
  readonly checks: readonly WireCheck[];
}

export function gateOf(gate: WireBoard['gate']): GateText {
  if (gate === null) return { kind: 'none', text: 'nothing checked yet', checks: [] };
  const failing = gate.checks.filter(({ ok }) => !ok);
  const checks = [...failing, ...gate.checks.filter(({ ok }) => ok)];
  if (failing.length === 0)
    return gate.final
      ? { kind: 'valid', text: '✓ valid: this run is evidence', checks }
      : { kind: 'holding', text: '✓ holds so far', checks };
  const count = `${failing.length} of ${checks.length} checks ${failing.length === 1 ? 'fails' : 'fail'}`;
  return gate.final
    ? { kind: 'invalid', text: `✗ invalid: ${count}`, checks }
    : { kind: 'failing', text: `✗ ${count} so far`, checks };
}
