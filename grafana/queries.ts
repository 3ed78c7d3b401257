/**
 * Every query that our dashboards make, as Grafana would send it: read off the dashboards as generated, with the
 * variables replaced. So a test can put them all to a live Prometheus and see that none comes back empty.
 */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboards } from './dashboards.js';
import { WINDOW_SECONDS } from './frame.js';

/** What the variables are set to. */
export interface Variables {
  /** Name of a run. */
  readonly run: string;
  /** A node's name, or a regular expression for several. */
  readonly node: string;
}

export interface DashboardQuery {
  readonly dashboard: string;
  /** Title of the panel. */
  readonly panel: string;
  readonly expr: string;
  /** Whether the panel asks for now, or for the whole window. */
  readonly kind: 'instant' | 'range';
}

/** A variable's query: the values of a label, among the series that match. */
export interface VariableQuery {
  readonly dashboard: string;
  readonly variable: string;
  readonly match: string;
  readonly label: string;
}

/** Seconds between two points of a panel, with a window as ours on any screen; also the scrape interval. */
export const STEP_SECONDS = 1;

/** All queries of all panels. */
export function dashboardQueries(variables: Variables): DashboardQuery[] {
  return Object.entries(dashboards).flatMap(([name, { panels = [] }]) =>
    panels.flatMap((panel) =>
      'targets' in panel
        ? (panel.targets ?? []).map((target) => {
            const { expr, instant } = target as { expr?: unknown; instant?: unknown };
            if (typeof expr !== 'string')
              throw new Error(`${name}: '${panel.title}' has a query without expr`);
            return {
              dashboard: name,
              panel: panel.title ?? '',
              expr: substituted(expr, variables),
              kind: instant === true ? ('instant' as const) : ('range' as const),
            };
          })
        : [],
    ),
  );
}

/** The queries of all variables. */
export function variableQueries(variables: Variables): VariableQuery[] {
  return Object.entries(dashboards).flatMap(([name, dashboard]) =>
    variablesOf(dashboard).map(({ variable, query }) => {
      const [, match, label] = /^label_values\((.+), *(\w+)\)$/.exec(query) ?? [];
      if (match === undefined || label === undefined)
        throw new Error(`${name}: can't read the query of $${variable}: ${query}`);
      return { dashboard: name, variable, match: substituted(match, variables), label };
    }),
  );
}

function variablesOf({ templating, title }: Dashboard): { variable: string; query: string }[] {
  return (templating.list ?? []).map(({ name, query }) => {
    if (typeof query !== 'string') throw new Error(`${title}: $${name} has no query`);
    return { variable: name, query };
  });
}

/**
 * Replaces variables as Grafana does. `$__rate_interval` is four scrapes, or one step and one scrape if that is
 * longer: https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
 */
function substituted(expr: string, { run, node }: Variables): string {
  const values: Record<string, string> = {
    run,
    node,
    __interval: `${STEP_SECONDS}s`,
    __rate_interval: `${4 * STEP_SECONDS}s`,
    __range: `${WINDOW_SECONDS}s`,
  };
  return expr.replace(/\$(\w+)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`unknown variable $${name} in ${expr}`);
    return value;
  });
}
