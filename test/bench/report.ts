/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly unit: '/s' | 'ms' | 's' | 'MB' | 'B' | '%' | '';
  readonly better: 'higher' | 'lower';
  /** What docs/benchmarks.md promises: `must` is to be kept, `aim` is what would be good. Of our figure itself, or of its ratio to the peer's. */
  readonly target?: {
    readonly of: 'ratio' | 'figure';
    readonly must: number;
    readonly aim: number;
    readonly by?: 'max';
  };
}

const ours = 'raftsman';

/** Gathers figures of every round and prints medians. */
export class Report {
  readonly #contenders: readonly string[];
  readonly #figures = new Map<Row, Map<string, number[]>>();

  constructor(contenders: readonly string[]) {
    this.#contenders = contenders;
  }

  note(row: Row, contender: string, figure: number): void {
    const figures = this.#figures.get(row) ?? new Map<string, number[]>();
    this.#figures.set(row, figures);
    figures.set(contender, [...(figures.get(contender) ?? []), figure]);
    console.log(`  ${contender.padEnd(10)}${row.name.padEnd(64)}${shown(figure, row.unit)}`);
  }

  /** As Markdown. */
  table(): string {
    const head = ['', ...this.#contenders, 'ratio', 'target'];
    const lines = [...this.#figures].map(([row, figures]) => {
      const cells = this.#contenders.map((contender) => cell(figures.get(contender) ?? [], row.unit));
      return [
        row.name,
        ...cells,
        ratioCell(figures, this.#contenders),
        verdict(row, figures, this.#contenders),
      ];
    });
    return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  }
}

export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const digits = (figure: number): string =>
  figure >= 100 || Number.isInteger(figure)
    ? Math.round(figure).toLocaleString('en')
    : figure.toFixed(figure < 1 ? 2 : 1);
const shown = (figure: number, unit: string): string =>
  `${digits(figure)}${unit === '/s' ? '' : ' '}${unit}`.trimEnd();

/** The median; with several rounds the extremes beside it. */
function cell(figures: readonly number[], unit: string): string {
  if (figures.length === 0) return '–';
  const middle = shown(median(figures), unit);
  if (figures.length === 1) return middle;
  return `${middle} (${digits(Math.min(...figures))}–${digits(Math.max(...figures))})`;
}

function ratioOf(figures: ReadonlyMap<string, readonly number[]>, contenders: readonly string[]): number {
  const peer = contenders.find((contender) => contender !== ours);
  return median(figures.get(ours) ?? []) / median(figures.get(peer ?? '') ?? []);
}

function ratioCell(figures: ReadonlyMap<string, readonly number[]>, contenders: readonly string[]): string {
  const ratio = ratioOf(figures, contenders);
  return Number.isFinite(ratio) ? `${ratio.toFixed(2)} ×` : '–';
}

function verdict(
  { target, better, unit }: Row,
  figures: ReadonlyMap<string, readonly number[]>,
  contenders: readonly string[],
): string {
  const own = figures.get(ours) ?? [];
  if (target === undefined || own.length === 0) return '';
  const figure = target.by === 'max' ? Math.max(...own) : median(own);
  const judged = target.of === 'ratio' ? ratioOf(figures, contenders) : figure;
  if (!Number.isFinite(judged)) return '';
  const holds = (bound: number): string =>
    (better === 'higher' ? judged >= bound : judged <= bound) ? 'met' : 'missed';
  const sign = better === 'higher' ? '≥' : '≤';
  const bound = (of: number): string => (target.of === 'ratio' ? `${of} ×` : shown(of, unit));
  const must = `must ${sign} ${bound(target.must)}: ${holds(target.must)}`;
  return target.aim === target.must ? must : `${must}; aim ${bound(target.aim)}: ${holds(target.aim)}`;
}
