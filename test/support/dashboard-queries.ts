/**
 * Does every panel show something? Puts all queries of all dashboards to a Prometheus that watches a run, as
 * Grafana would, and says which of them it has no answer to.
 */
import { WINDOW_SECONDS } from '../../grafana/frame.js';
import {
  dashboardQueries,
  STEP_SECONDS,
  variableQueries,
  type DashboardQuery,
  type Variables,
} from '../../grafana/queries.js';
import { PrometheusApi } from './prometheus-api.js';

/**
 * The queries of panels and variables that return no number now, each as `DASHBOARD / PANEL: QUERY`, with
 * Prometheus' complaint where there is one. Of a variable, the value it is set to must be among its options.
 *
 * @param prometheusUrl `http://HOST:PORT`
 */
export async function unansweredQueries(prometheusUrl: string, variables: Variables): Promise<string[]> {
  const api = new PrometheusApi(prometheusUrl);
  const unanswered: string[] = [];
  for (const { dashboard, variable, match, label } of variableQueries(variables)) {
    const options = await api.labelValues(label, match);
    const wanted = new RegExp(`^(?:${variable === 'run' ? variables.run : variables.node})$`);
    if (!options.some((option) => wanted.test(option)))
      unanswered.push(`${dashboard} / $${variable}: ${label} of ${match} has [${options.join(', ')}]`);
  }
  for (const query of dashboardQueries(variables)) {
    const complaint = await complaintOf(api, query);
    if (complaint !== undefined)
      unanswered.push(`${query.dashboard} / ${query.panel}: ${query.expr}: ${complaint}`);
  }
  return unanswered;
}

async function complaintOf(api: PrometheusApi, { expr, kind }: DashboardQuery): Promise<string | undefined> {
  try {
    const answers =
      kind === 'instant' ? await api.query(expr) : await api.queryRange(expr, WINDOW_SECONDS, STEP_SECONDS);
    return answers.some(({ values }) => values.some(Number.isFinite)) ? undefined : 'no data';
  } catch (error) {
    return String(error);
  }
}
