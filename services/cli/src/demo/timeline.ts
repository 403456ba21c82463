/** What happened when, for people to read. */
export interface Timeline {
  /** Says a step at once and keeps it. */
  mark(text: string): void;
  /** A measured time under a mark. */
  measured(text: string, durationMs: number): void;
  /** The figures alone, for the end. */
  figures(): readonly string[];
}

export function createTimeline(say: (line: string) => void, nowMs: () => number): Timeline {
  const startMs = nowMs();
  const figures: string[] = [];
  const at = (): string => `${((nowMs() - startMs) / 1_000).toFixed(1).padStart(6)} s  `;
  return {
    mark: (text) => say(at() + text),
    measured: (text, durationMs) => {
      say(`${at()}  └ ${text}: ${formatMs(durationMs)}`);
      figures.push(`${text.padEnd(62)}${formatMs(durationMs).padStart(10)}`);
    },
    figures: () => figures,
  };
}

const formatMs = (durationMs: number): string =>
  durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(2)} s`;
