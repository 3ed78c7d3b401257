/**
 * The few kinds of panels that our dashboards are made of, each a thin dress over Grafana's own builders.
 *
 * A panel is told what it shows (title, one line that explains it, queries, unit) and not how: colours, legends
 * and the like are decided here once, so that all dashboards look and read alike.
 */
import { PanelBuilder as BarGauge } from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  AxisPlacement,
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  ReduceDataOptionsBuilder,
  SortOrder,
  TableCellBackgroundDisplayMode,
  TableCellDisplayMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type Panel,
  type ValueMap,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as StateTimeline } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';

/** The provisioned data source, by the uid that grafana/provisioning gives it. */
export const DATA_SOURCE = { type: 'prometheus', uid: 'meshbeat-prometheus' };

export interface Query {
  readonly expr: string;
  /** Name of a series, with labels as `{{label}}`. */
  readonly legend: string;
  /** Drawn below the zero line. */
  readonly mirrored?: true;
}

export interface PanelText {
  readonly title: string;
  /** One line that says what is seen here, shown behind the (i). */
  readonly description: string;
  /** One of Grafana's units: see the SDK's `units`. */
  readonly unit?: string;
  readonly decimals?: number;
  /** Of 24 columns; and rows of about 30 pixels. */
  readonly width: number;
  readonly height: number;
}

export type AnyPanel = Builder<Panel>;

/** What values are called and coloured. */
export type Names = Readonly<Record<string, { readonly text: string; readonly color: string }>>;

/** Values over time, one line per series. */
export function lines(text: PanelText, queries: readonly Query[]): AnyPanel {
  const panel = dressed(new TimeSeries(), text)
    .targets(queries.map((query, index) => overTime(query, refId(index))))
    .interval('1s')
    .drawStyle(GraphDrawStyle.Line)
    .lineInterpolation(LineInterpolation.Linear)
    .lineWidth(1)
    .fillOpacity(15)
    .showPoints(VisibilityMode.Never)
    .axisPlacement(AxisPlacement.Auto)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .legend(legend())
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  queries.forEach(({ mirrored }, index) => {
    const upsideDown = [{ id: 'custom.transform', value: 'negative-Y' }];
    if (mirrored) panel.overrideByQuery(refId(index), upsideDown);
  });
  return panel;
}

/** Which of a few states each series is in, over time: one coloured band per series. */
export function states(text: PanelText, query: Query, names: Names): AnyPanel {
  return dressed(new StateTimeline(), text)
    .targets([overTime(query, 'A')])
    .interval('1s')
    .mappings([mapping(names)])
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .showValue(VisibilityMode.Never)
    .mergeValues(true)
    .lineWidth(0)
    .fillOpacity(85)
    .rowHeight(0.85)
    .legend(legend().showLegend(false))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single));
}

/** The last value of each series, large. */
export function figures(text: PanelText, queries: readonly Query[], names?: Names): AnyPanel {
  const panel = dressed(new Stat(), text)
    .targets(queries.map((query, index) => now(query, refId(index))))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .graphMode(BigValueGraphMode.None)
    .textMode(queries.length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Value)
    .colorMode(names === undefined ? BigValueColorMode.None : BigValueColorMode.Background)
    .noValue('–');
  return names === undefined ? panel : panel.mappings([mapping(names)]);
}

/** The last value of each series, as bars to be compared. */
export function bars(text: PanelText, query: Query): AnyPanel {
  return dressed(new BarGauge(), text)
    .targets([now(query, 'A')])
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic)
    .showUnfilled(true)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .noValue('–');
}

/** A row per `row` label and a column per `column` label, coloured by value. */
export function matrix(
  text: PanelText,
  expr: string,
  { row, column }: { readonly row: string; readonly column: string },
): AnyPanel {
  return dressed(new Table(), text)
    .targets([now({ expr, legend: '' }, 'A').format(PromQueryFormat.Table)])
    .withTransformation({
      id: 'groupingToMatrix',
      options: { rowField: row, columnField: column, valueField: 'Value' },
    })
    .cellOptions({
      type: TableCellDisplayMode.ColorBackground,
      mode: TableCellBackgroundDisplayMode.Gradient,
    })
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.ContinuousBlPu));
}

/** The series' labels as columns; `hide` names those that say nothing here. */
export function table(
  text: PanelText,
  expr: string,
  { hide, value }: { readonly hide: readonly string[]; readonly value?: { title: string; names: Names } },
): AnyPanel {
  const excluded = ['Time', '__name__', 'instance', 'job', 'run', ...hide];
  const panel = dressed(new Table(), text)
    .targets([now({ expr, legend: '' }, 'A').format(PromQueryFormat.Table)])
    .withTransformation({
      id: 'organize',
      options: { excludeByName: Object.fromEntries(excluded.map((name) => [name, true])) },
    });
  if (value === undefined) return panel;
  return panel.overrideByName('Value', [
    { id: 'displayName', value: value.title },
    { id: 'mappings', value: [mapping(value.names)] },
    { id: 'custom.cellOptions', value: { type: TableCellDisplayMode.ColorBackground } },
    { id: 'custom.width', value: 90 },
  ]);
}

/** What all kinds of panels have in common. */
interface Dressable<Self> {
  title(title: string): Self;
  description(description: string): Self;
  datasource(source: typeof DATA_SOURCE): Self;
  span(columns: number): Self;
  height(rows: number): Self;
  unit(unit: string): Self;
  decimals(decimals: number): Self;
  thresholds(thresholds: ThresholdsConfigBuilder): Self;
}

function dressed<Panel extends Dressable<Panel>>(panel: Panel, text: PanelText): Panel {
  const { title, description, width, height, unit, decimals } = text;
  const plain = new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: 'text' }]);
  panel.title(title).description(description).datasource(DATA_SOURCE).span(width).height(height);
  if (unit !== undefined) panel.unit(unit);
  if (decimals !== undefined) panel.decimals(decimals);
  return panel.thresholds(plain);
}

function overTime({ expr, legend: name }: Query, id: string): DataqueryBuilder {
  return new DataqueryBuilder().datasource(DATA_SOURCE).refId(id).expr(expr).legendFormat(name).range();
}

function now({ expr, legend: name }: Query, id: string): DataqueryBuilder {
  return new DataqueryBuilder().datasource(DATA_SOURCE).refId(id).expr(expr).legendFormat(name).instant();
}

function legend(): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .showLegend(true);
}

function mapping(names: Names): ValueMap {
  return { type: MappingType.ValueToText, options: { ...names } };
}

function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}
