import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import type { Metric, Registry as RegistryClass } from 'prom-client';

/** The registry alone: the rest of prom-client, which nobody here asks for, takes 10 MB. */
const Registry = createRequire(import.meta.url)('prom-client/lib/registry.js') as typeof RegistryClass;

export type Labels = Readonly<Record<string, string | number>>;

/** Where a metric's values come from when somebody looks; until then it costs nothing. */
export interface MetricSource {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  /** One number, or one for each set of labels. */
  readonly read: () => number | Iterable<readonly [Labels, number]>;
}

/** A page of metrics in the exposition format of Prometheus, made anew for each reader. */
export class MetricsPage {
  readonly #registry = new Registry();

  add(...sources: readonly MetricSource[]): void {
    for (const source of sources) {
      const { name, help, type, read } = source;
      this.#register(name, help, type, () => {
        const values = read();
        if (typeof values === 'number') return [{ labels: {}, value: values }];
        return [...values].map(([labels, value]) => ({ labels, value }));
      });
    }
  }

  addHistogram(name: string, help: string, histogram: Histogram): void {
    this.#register(name, help, 'histogram', () => histogram.samples(name));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Metric by metric, between which others run. */
  async render(): Promise<string> {
    const text: string[] = [];
    for (const metric of this.#registry.getMetricsAsArray()) {
      text.push(await this.#registry.getSingleMetricAsString(metric.name));
      await setImmediate();
    }
    return `${text.join('\n')}\n`;
  }

  #register(name: string, help: string, type: Kind, values: () => readonly Sample[]): void {
    const get = async () => Promise.resolve({ name, help, type, aggregator: 'sum', values: values() });
    // Of a metric the registry asks for its name and `get` alone.
    this.#registry.registerMetric({ name, get } as unknown as Metric);
  }
}

type Kind = MetricSource['type'] | 'histogram';

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
}

/** Counts of observations below growing bounds. To observe costs a few comparisons. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** Upper bounds, rising, in the unit of what is observed. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > this.#bounds[at]!) at += 1;
    this.#counts[at]! += 1;
    this.#sum += value;
  }

  samples(name: string): Sample[] {
    let count = 0;
    const buckets = [...this.#bounds, '+Inf'].map((bound, at) => {
      count += this.#counts[at]!;
      return { metricName: `${name}_bucket`, labels: { le: bound }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: {}, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, value: count },
    ];
  }
}

/** `count` bounds, each `factor` times the one before. */
export const exponentialBounds = (first: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) => first * factor ** at);
