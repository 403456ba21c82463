import { setTimeout as sleep } from 'node:timers/promises';
import {
  between,
  drop,
  fillDisk,
  kill,
  oneWay,
  pause,
  ring,
  stepClock,
  stutter,
  type FaultLedger,
  type Injected,
} from '@raftsman/faults';
import type { Member, Members } from './members.js';
import type { Random } from '../simulation/random.js';

export interface Scene {
  readonly members: Members;
  readonly random: Random;
  /** Names of members whose disk is full now: the alarm of it stays. */
  readonly fullDisks: Set<string>;
  /** The leading member, as far as anybody knows. */
  readonly leader: () => Promise<Member | null>;
}

export interface FaultKind {
  readonly name: string;
  readonly needsMachines: boolean;
  /** Milliseconds that it lasts, at least and at most. */
  readonly lastsMs: readonly [number, number];
  inject(scene: Scene): Promise<Injected>;
}

/** Whom it hits: the leader half of the time. */
async function victim({ members, random, leader }: Scene): Promise<Member> {
  const leading = random.chance(0.5) ? await leader() : null;
  return leading ?? random.pick(members.all);
}

const others = ({ members }: Scene, one: Member): readonly Member[] =>
  members.all.filter((member) => member !== one);

/** All of them as one fault, undone as one. */
async function together(injections: readonly Promise<Injected>[]): Promise<Injected> {
  const outcomes = await Promise.allSettled(injections);
  const faults = outcomes.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
  const undo = async (): Promise<void> => {
    await Promise.all(faults.map((fault) => fault.undo()));
  };
  const failure = outcomes.find((one) => one.status === 'rejected');
  if (failure !== undefined) {
    await undo();
    throw failure.reason as Error;
  }
  return {
    did: faults.map(({ did }) => did).join('; '),
    undoing: faults.map(({ undoing }) => undoing).join('; '),
    undo,
  };
}

export const faultKinds: readonly FaultKind[] = [
  {
    name: 'kill',
    needsMachines: false,
    lastsMs: [0, 2_000],
    inject: async (scene) => kill(await victim(scene)),
  },
  {
    name: 'kill all',
    needsMachines: false,
    lastsMs: [0, 500],
    inject: ({ members }) => together(members.all.map((member) => kill(member))),
  },
  {
    name: 'pause',
    needsMachines: false,
    lastsMs: [200, 4_000],
    inject: async (scene) => pause(await victim(scene)),
  },
  {
    name: 'pause all',
    needsMachines: false,
    lastsMs: [200, 2_000],
    inject: ({ members }) => together(members.all.map((member) => pause(member))),
  },
  {
    name: 'stutter',
    needsMachines: false,
    lastsMs: [1_000, 4_000],
    inject: async (scene) =>
      stutter(await victim(scene), {
        stoppedMs: scene.random.between(20, 400),
        runningMs: scene.random.between(20, 100),
      }),
  },
  {
    name: 'clock',
    needsMachines: false,
    lastsMs: [500, 4_000],
    inject: async (scene) => {
      const member = await victim(scene);
      const size = scene.random.pick([100, 5_000, 60_000, 86_400_000]);
      return stepClock(member.name, member.clockFile, scene.random.chance(0.5) ? size : -size);
    },
  },
  {
    name: 'isolate',
    needsMachines: true,
    lastsMs: [500, 5_000],
    inject: async (scene) => {
      const member = await victim(scene);
      return drop(
        between(
          [member.machine],
          others(scene, member).map(({ machine }) => machine),
        ),
      );
    },
  },
  {
    name: 'one way',
    needsMachines: true,
    lastsMs: [500, 5_000],
    inject: async (scene) => {
      const member = await victim(scene);
      const rest = others(scene, member).map(({ machine }) => machine);
      return drop(oneWay(member.machine, rest, scene.random.pick(['incoming', 'outgoing'])));
    },
  },
  {
    name: 'bridge',
    needsMachines: true,
    lastsMs: [500, 5_000],
    inject: ({ members, random }) => drop(ring(random.shuffled(members.machines.all))),
  },
  {
    name: 'loss',
    needsMachines: true,
    lastsMs: [1_000, 5_000],
    inject: ({ members, random }) => {
      const machines = members.machines.all;
      return drop(
        between(machines, machines).filter(({ from, to }) => from !== to),
        random.pick([0.05, 0.2, 0.5]),
      );
    },
  },
  {
    name: 'disk full',
    needsMachines: true,
    lastsMs: [500, 3_000],
    inject: async (scene) => {
      const member = await victim(scene);
      const fault = await fillDisk(member.machine.disk);
      scene.fullDisks.add(member.name);
      return {
        did: `filled the disk of ${member.name}`,
        undoing: fault.undoing,
        undo: async () => {
          await fault.undo();
          scene.fullDisks.delete(member.name);
        },
      };
    },
  },
];

/** Faults one after the other, sometimes two at a time, each undone after a while; until told to stop. Never heals the last: the ledger does. */
export async function disturb(
  scene: Scene,
  ledger: FaultLedger,
  kinds: readonly FaultKind[],
  tell: (what: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { random } = scene;
  const wait = (ms: number): Promise<unknown> => sleep(ms, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    await wait(random.between(300, 2_500));
    const some = random.shuffled(kinds).slice(0, random.chance(0.25) ? 2 : 1);
    const ids: number[] = [];
    for (const kind of some) {
      if (signal.aborted) break;
      const id = await ledger
        .inject(async () => {
          const fault = await kind.inject(scene);
          tell(`${kind.name}: ${fault.did}`);
          return fault;
        })
        // Two faults may not fit together: nobody can kill the dead.
        .catch((error: Error) => tell(`${kind.name}: not now (${error.message})`));
      if (id !== undefined) ids.push(id);
      await wait(random.between(...kind.lastsMs));
    }
    for (const id of ids) await ledger.undo(id);
    if (ids.length > 0) tell('undone');
  }
}
