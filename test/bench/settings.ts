/** What a run of the benchmarks may be told. */
const whole = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

export const settings = {
  /** BENCH_PEER=no: only our own, for figures that take long and are not compared. */
  peer: process.env.BENCH_PEER !== 'no',
  /** Rounds of everything that is quick; medians are printed. */
  rounds: whole('BENCH_ROUNDS', 3),
  /** Of each load. */
  loadMs: whole('BENCH_LOAD_SECONDS', 4) * 1_000,
  /** Rounds of `etcdctl check perf`, which takes a minute. */
  checkPerfRounds: whole('BENCH_CHECK_PERF_ROUNDS', 2),
  falseElectionsMs: whole('BENCH_FALSE_ELECTIONS_SECONDS', 60) * 1_000,
  idleMs: whole('BENCH_IDLE_SECONDS', 30) * 1_000,
  keys: whole('BENCH_KEYS', 1_000_000),
} as const;

/** BENCH_ONLY=writes,reads: only these parts. */
export const wanted = (part: string): boolean =>
  process.env.BENCH_ONLY === undefined || process.env.BENCH_ONLY.split(',').includes(part);
