/** The dashboards as generated: the committed files are theirs, every panel is explained, every query is read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dashboards, fileText } from '../../grafana/dashboards.js';
import { DATA_SOURCE } from '../../grafana/panels.js';
import { dashboardQueries, variableQueries } from '../../grafana/queries.js';
import { PROJECT } from '../support/meshbeat.js';

const GRAFANA = join(PROJECT, 'grafana');
const readYaml = (...path: string[]): unknown => parse(readFileSync(join(GRAFANA, ...path), 'utf8'));
const variables = { run: 'r-1', node: 'ada|bob' };

describe('the files under grafana/dashboards', () => {
  it('are one for each dashboard', () => {
    const names = Object.keys(dashboards).map((name) => `${name}.json`);
    expect(readdirSync(join(GRAFANA, 'dashboards')).sort()).toEqual(names.sort());
  });

  it.each(Object.entries(dashboards))('%s.json is what `npm run grafana` writes', async (name, dashboard) => {
    const file = join(GRAFANA, 'dashboards', `${name}.json`);
    const differs = readFileSync(file, 'utf8') !== (await fileText(dashboard, file));
    expect(differs, `${name}.json differs from the code: run 'npm run grafana'`).toBe(false);
  });
});

describe.each(Object.entries(dashboards))('dashboard %s', (_, dashboard) => {
  const panels = dashboard.panels ?? [];

  it('explains every panel in one line', () => {
    for (const { title, ...panel } of panels) {
      const description = 'description' in panel ? (panel.description ?? '') : '';
      expect(description, title).toMatch(/^[A-Z].{20,150}[^.]\.$/);
    }
  });

  it('has panels with different titles and numbers, each with a place of its own', () => {
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos }) => {
      const { x = 0, y = 0, w = 0, h = 0 } = gridPos ?? {};
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (__, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('is refreshed every second and shows the last two minutes', () => {
    expect(dashboard).toMatchObject({ refresh: '1s', time: { from: 'now-120s', to: 'now' } });
  });

  it('asks only the provisioned data source, by its uid', () => {
    const used = [...JSON.stringify(dashboard).matchAll(/"datasource":(\{[^}]*\})/g)].map(
      ([, source = '']) => JSON.parse(source) as unknown,
    );
    expect(used.length).toBeGreaterThan(panels.length);
    for (const source of used) expect(source).toEqual(DATA_SOURCE);
    const provisioned = readYaml('provisioning', 'datasources', 'prometheus.yml');
    expect(provisioned).toMatchObject({ datasources: [DATA_SOURCE] });
  });

  it('has run and node as variables', () => {
    expect(dashboard.templating.list?.map(({ name }) => name)).toEqual(['run', 'node']);
  });
});

describe('the list of queries', () => {
  it('has those of every panel, with every variable replaced', () => {
    const queries = dashboardQueries(variables);
    for (const [name, { panels = [] }] of Object.entries(dashboards)) {
      for (const { title } of panels)
        expect(queries.some(({ dashboard, panel }) => dashboard === name && panel === title)).toBe(true);
    }
    for (const { expr } of queries) {
      expect(expr).not.toContain('$');
      expect(expr).toContain('run="r-1"');
    }
  });

  it('says how each is asked', () => {
    const of = (panel: string) => dashboardQueries(variables).find((query) => query.panel === panel);
    expect(of('Period')).toMatchObject({ kind: 'instant' });
    expect(of('Drops')).toEqual({
      dashboard: 'heartbeat',
      panel: 'Drops',
      kind: 'range',
      expr: 'sum by (node) (rate(meshbeat_dropped_packets_total{run="r-1", node=~"ada|bob"}[4s]))',
    });
  });

  it('has those of the variables', () => {
    expect(variableQueries(variables)).toHaveLength(2 * Object.keys(dashboards).length);
    expect(variableQueries(variables).slice(0, 2)).toEqual([
      { dashboard: 'heartbeat', variable: 'run', match: 'meshbeat_run_info', label: 'run' },
      { dashboard: 'heartbeat', variable: 'node', match: 'meshbeat_node_info{run="r-1"}', label: 'node' },
    ]);
  });
});
