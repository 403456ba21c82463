import { command } from './command.js';
import { FaultError, type Injected } from './fault.js';

/** A machine, or a network namespace that stands for one. */
export interface NetworkTarget {
  readonly name: string;
  /** IPv4, as the others see it. */
  readonly address: string;
  /** The words that put a command into it (`nsenter --net=…`); empty: this machine itself. */
  readonly enter: readonly string[];
}

/** Packets from one machine to another; the other way is another link. */
export interface Link {
  readonly from: NetworkTarget;
  readonly to: NetworkTarget;
}

let tables = 0;

/**
 * Drops a share of the packets on each link (1: all), with nftables where they arrive. TCP connections stay open and hear nothing, as with a
 * pulled cable. Undone by removing the tables that it made. Needs root.
 */
export async function drop(links: readonly Link[], share = 1): Promise<Injected> {
  if (!(share > 0 && share <= 1)) throw new RangeError(`a share of ${share}`);
  if (links.length === 0) throw new RangeError('no link to drop on');
  const table = `raftsman_fault_${process.pid}_${++tables}`;
  const chance = share === 1 ? '' : `numgen random mod 1000 < ${Math.round(share * 1000)} `;
  const receivers = new Map(links.map(({ to }) => [to.name, to]));
  const undo = async (): Promise<void> => {
    for (const { enter } of receivers.values()) await removeTable(enter, table);
  };
  try {
    for (const [name, { enter }] of receivers) {
      const rules = links
        .filter(({ to }) => to.name === name)
        .map(({ from }) => `ip saddr ${from.address} ${chance}drop;`);
      const chain = `chain arriving { type filter hook input priority -10; policy accept; ${rules.join(' ')} }\n`;
      await command([...enter, 'nft', `table inet ${table} { ${chain} }`]);
    }
  } catch (error) {
    await undo();
    throw error;
  }
  const what = links.map(({ from, to }) => `${from.name} → ${to.name}`).join(', ');
  return {
    did: `${share === 1 ? 'cut' : `lose ${Math.round(share * 100)} % of the packets of`} ${what}`,
    undoing: `removes nftables table ${table}`,
    undo,
  };
}

async function removeTable(enter: readonly string[], table: string): Promise<void> {
  const tables = await command([...enter, 'nft', 'list', 'tables']);
  if (tables.includes(`inet ${table}\n`)) await command([...enter, 'nft', 'delete', 'table', 'inet', table]);
}

/** Delays what each machine sends on `device` with tc's netem, which not every kernel has. Undone by removing the queue. Needs root. */
export async function delay(
  targets: readonly NetworkTarget[],
  device: string,
  { delayMs, jitterMs }: { readonly delayMs: number; readonly jitterMs: number },
): Promise<Injected> {
  const delayed: NetworkTarget[] = [];
  const undo = async (): Promise<void> => {
    for (let target = delayed.at(-1); target !== undefined; target = delayed.at(-1)) {
      await command([...target.enter, 'tc', 'qdisc', 'delete', 'dev', device, 'root']);
      delayed.pop();
    }
  };
  const netem = ['netem', 'delay', `${delayMs}ms`, `${jitterMs}ms`];
  try {
    for (const target of targets) {
      await command([...target.enter, 'tc', 'qdisc', 'add', 'dev', device, 'root', ...netem]);
      delayed.push(target);
    }
  } catch (error) {
    await undo();
    const reason = error instanceof Error ? error.message : String(error);
    throw new FaultError(`no delays on this kernel: ${reason}`);
  }
  const names = targets.map(({ name }) => name).join(', ');
  return {
    did: `delayed what ${names} send by ${delayMs} ± ${jitterMs} ms`,
    undoing: `removes the netem queue of ${device}`,
    undo,
  };
}

/** Every link between the two groups, both ways. Pure. */
export const between = (some: readonly NetworkTarget[], others: readonly NetworkTarget[]): readonly Link[] =>
  some.flatMap((a) =>
    others.flatMap((b) => [
      { from: a, to: b },
      { from: b, to: a },
    ]),
  );

/** What others send does not arrive at `target`, or with `outgoing` what it sends does not arrive at them. Pure. */
export const oneWay = (
  target: NetworkTarget,
  others: readonly NetworkTarget[],
  direction: 'incoming' | 'outgoing',
): readonly Link[] =>
  others.map((other) =>
    direction === 'incoming' ? { from: other, to: target } : { from: target, to: other },
  );

/** Each machine hears only its two neighbours on a ring, so that all have a majority of three but no two the same of five. Of three: two do not hear each other. Pure. */
export function ring(targets: readonly NetworkTarget[]): readonly Link[] {
  const size = targets.length;
  const isClosed = size > 3;
  return targets.flatMap((a, i) =>
    targets.flatMap((b, j) => {
      const distance = Math.abs(i - j);
      const areNeighbours = distance <= 1 || (isClosed && distance === size - 1);
      return areNeighbours ? [] : [{ from: a, to: b }];
    }),
  );
}
