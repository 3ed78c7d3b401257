/**
 * What all our dashboards share: the variables `run` and `node`, the clock (refreshed every second, showing the
 * last two minutes), and the links to each other.
 */
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  QueryVariableBuilder,
  TimePickerBuilder,
  VariableRefresh,
  VariableSort,
  type Dashboard,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DATA_SOURCE, type AnyPanel } from './panels.js';

/** Label filters that follow the variables. */
export const THE_RUN = '{run="$run"}';
export const THE_NODES = '{run="$run", node=~"$node"}';

const TAG = 'meshbeat';

/** Seconds that a dashboard shows. */
export const WINDOW_SECONDS = 120;

export interface Frame {
  /** Also the name of its file. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly panels: readonly AnyPanel[];
}

/** The dashboard as Grafana reads it. */
export function dashboard({ uid, title, description, panels }: Frame): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(`meshbeat-${uid}`)
    .description(description)
    .tags([TAG])
    .time({ from: `now-${WINDOW_SECONDS}s`, to: 'now' })
    .refresh('1s')
    .timepicker(new TimePickerBuilder().refreshIntervals(['1s', '5s', '30s', '1m']))
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .editable()
    .links([
      new DashboardLinkBuilder('meshbeat')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .includeVars(true)
        .keepTime(true),
    ])
    .variables([
      new QueryVariableBuilder('run')
        .label('Run')
        .description('Name of the run directory; the newest comes first.')
        .datasource(DATA_SOURCE)
        .query('label_values(meshbeat_run_info, run)')
        .regex('/.+/')
        .sort(VariableSort.AlphabeticalDesc)
        .refresh(VariableRefresh.OnTimeRangeChanged),
      new QueryVariableBuilder('node')
        .label('Node')
        .description('The nodes to show.')
        .datasource(DATA_SOURCE)
        .query(`label_values(meshbeat_node_info${THE_RUN}, node)`)
        .multi(true)
        .includeAll(true)
        .allValue('.+')
        .current({ text: 'All', value: '$__all', selected: true })
        .sort(VariableSort.AlphabeticalAsc)
        .refresh(VariableRefresh.OnTimeRangeChanged),
    ]);
  for (const panel of panels) builder.withPanel(panel);
  const built = builder.build();
  built.panels?.forEach((panel, index) => (panel.id = index + 1));
  for (const link of built.links ?? []) delete link.placement; // The SDK's default hides links in a menu.
  return built;
}
