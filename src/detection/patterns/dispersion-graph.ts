/**
 * The traffic dispersion graph: does it look like peer-to-peer?
 *
 * Iliofotou and others (2007, 2009) draw an edge from whoever opens a connection to whom, and call a graph peer-to-peer
 * if its hosts have more than 2.8 neighbours on average and more than 1 % of them both open and accept connections (InO):
 * clients and servers do one or the other. They draw it for one port or one cluster of flows on a backbone; here it is
 * drawn of all that was given, so it is a question to ask of a capture of one group of hosts.
 *
 * Four nodes that talk each to each have three neighbours; in a ring each has two. A graph of fewer than four cannot
 * exceed 2.8 whatever it does.
 */
import { figure } from './pattern.js';
import type { Pattern } from './pattern.js';

const MIN_DEGREE = 2.8;
const MIN_IN_AND_OUT = 0.01;

export interface GraphMeasures {
  readonly nodes: number;
  /** Pairs of hosts, whoever opened. */
  readonly pairs: number;
  /** Mean number of neighbours. */
  readonly degree: number;
  /** Share of hosts that open connections and accept them, too. */
  readonly inAndOut: number;
}

export function measureGraph(edges: readonly (readonly [string, string])[]): GraphMeasures {
  const opens = new Set<string>();
  const accepts = new Set<string>();
  const pairs = new Set<string>();
  for (const [source, destination] of edges) {
    opens.add(source);
    accepts.add(destination);
    if (source !== destination) pairs.add([source, destination].sort().join(' '));
  }
  const nodes = new Set([...opens, ...accepts]).size;
  const both = [...opens].filter((host) => accepts.has(host)).length;
  return {
    nodes,
    pairs: pairs.size,
    degree: nodes === 0 ? 0 : (2 * pairs.size) / nodes,
    inAndOut: nodes === 0 ? 0 : both / nodes,
  };
}

export const dispersionGraph: Pattern = {
  id: 'tdg',
  title: 'Dispersion graph: peer-to-peer',
  on: 'graph',
  origin: 'Iliofotou et al. 2007 and 2009',
  examine({ edges }) {
    const threshold = `> ${MIN_DEGREE} neighbours and > 1 % in and out`;
    if (edges.length === 0) return { findings: [], threshold, note: 'there are no flows' };
    const { nodes, pairs, degree, inAndOut } = measureGraph(edges);
    const shares = `${figure(100 * inAndOut)} % of them open and accept`;
    const finding = {
      subject: 'all hosts',
      score: degree,
      fires: degree > MIN_DEGREE && inAndOut > MIN_IN_AND_OUT,
      why: `${nodes} hosts in ${pairs} pairs have ${figure(degree)} neighbours each; ${shares}`,
    };
    return { findings: [finding], threshold };
  },
};
