/**
 * Long connections, as RITA rates them: how long a pair's connections were open in all, from an hour on.
 *
 * It is the one rule of RITA that a single WireGuard tunnel or gRPC connection meets. So do an idle ssh session, a chat
 * client and every VPN.
 */
import { eventPattern } from './event-pattern.js';
import { figure } from './pattern.js';
import { categoryOf, LONG_CONNECTION_THRESHOLDS, threatOf } from './rita/severity.js';

export const longConnection = eventPattern(
  {
    id: 'long',
    title: 'RITA v5 long connections',
    origin: 'activecm/rita v5, config.go: 1 h, 4 h, 8 h, 12 h',
    scale: { threshold: LONG_CONNECTION_THRESHOLDS.base },
    kinds: ['connections'],
    score({ starts, openSeconds }) {
      const category = categoryOf(threatOf(openSeconds, LONG_CONNECTION_THRESHOLDS));
      const rated =
        openSeconds < LONG_CONNECTION_THRESHOLDS.base ? 'not rated' : `threat category ${category}`;
      return {
        score: openSeconds,
        why: `${starts.length} connections, open for ${figure(openSeconds)} s in all: ${rated}`,
      };
    },
  },
  'connections',
);
