/** Reads the Prometheus text format, as far as tests need it: strict about what it does read. */

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
}

export interface Exposition {
  readonly families: readonly Family[];
  /** Value of a series, by its name and labels. */
  readonly value: (name: string, labels?: Record<string, string>) => number;
  /** All series, as `name{labels}`. */
  readonly series: ReadonlyMap<string, number>;
}

const SERIES = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="[^"\\]*",?)*)\})? (\S+)$/;

export function readExposition(text: string): Exposition {
  const families = new Map<string, { name: string; type: string; help: string }>();
  const series = new Map<string, number>();
  for (const line of text.split('\n').filter((candidate) => candidate !== '')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword !== undefined) {
      const family = families.get(name) ?? { name, type: '', help: '' };
      families.set(name, keyword === 'HELP' ? { ...family, help: rest } : { ...family, type: rest });
      continue;
    }
    const [, seriesName, labels = '', value] = SERIES.exec(line) ?? [];
    if (seriesName === undefined) throw new Error(`not a series: ${line}`);
    const key = keyOf(seriesName, Object.fromEntries(labelsOf(labels)));
    if (series.has(key)) throw new Error(`twice: ${key}`);
    series.set(key, Number(value));
  }
  return {
    families: [...families.values()],
    series,
    value(name, labels = {}) {
      const value = series.get(keyOf(name, labels));
      if (value === undefined) throw new Error(`no series ${keyOf(name, labels)}`);
      return value;
    },
  };
}

function labelsOf(text: string): [string, string][] {
  return [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]);
}

function keyOf(name: string, labels: Record<string, string>): string {
  const inside = Object.entries(labels)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([label, value]) => `${label}="${value}"`);
  return `${name}{${inside.join(',')}}`;
}
