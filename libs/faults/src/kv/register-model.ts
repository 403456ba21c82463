import type { Model } from '../linearizability/model.js';

/** One key of a store. `cas`: writes if the key's mod revision is `modRevision` (0: absent). */
export type RegisterInput =
  | { readonly op: 'put'; readonly key: string; readonly value: string }
  | { readonly op: 'delete'; readonly key: string }
  | { readonly op: 'cas'; readonly key: string; readonly modRevision: number; readonly value: string }
  | { readonly op: 'get'; readonly key: string };

/** `revision`: of the write; of a write that changed nothing, and of a read, it is not looked at. */
export type RegisterOutput =
  | { readonly op: 'put'; readonly revision: number }
  | { readonly op: 'delete'; readonly revision: number; readonly deleted: number }
  | { readonly op: 'cas'; readonly revision: number; readonly succeeded: boolean }
  | { readonly op: 'get'; readonly found: { readonly value: string; readonly modRevision: number } | null };

export interface Register {
  readonly value: string | null;
  /** 0: absent; null: written by an operation whose answer was lost, so nobody knows yet. */
  readonly modRevision: number | null;
  /** The last revision known to be used by this key: later writes have greater ones. */
  readonly floor: number;
}

/** Keys apart from each other, for histories without transactions over several: each key is a part, and small. */
export const registerModel: Model<Register, RegisterInput, RegisterOutput> = {
  initial: () => ({ value: null, modRevision: 0, floor: 0 }),
  step: (state, input, output) =>
    output === undefined ? unanswered(state, input) : answered(state, input, output),
  key: ({ value, modRevision, floor }) => JSON.stringify([value, modRevision, floor]),
  partition: ({ key }) => key,
};

const absent = (floor: number): Register => ({ value: null, modRevision: 0, floor });

function unanswered(state: Register, input: RegisterInput): readonly Register[] {
  switch (input.op) {
    case 'get':
      return [state];
    case 'put':
      return [{ ...state, value: input.value, modRevision: null }];
    case 'delete':
      return [state.value === null ? state : absent(state.floor)];
    case 'cas': {
      const written = { ...state, value: input.value, modRevision: null };
      if (state.modRevision === input.modRevision) return [written];
      return mayBe(state, input.modRevision) ? [written, state] : [state];
    }
  }
}

function answered(state: Register, input: RegisterInput, output: RegisterOutput): readonly Register[] {
  if (input.op === 'get') return output.op === 'get' ? read(state, output.found) : [];
  if (output.op === 'get' || output.op !== input.op) return [];
  const { revision } = output;
  if (output.op === 'delete') {
    if (output.deleted !== (state.value === null ? 0 : 1)) return [];
    return output.deleted === 0 ? [state] : after(state, absent(revision), revision);
  }
  if (input.op === 'delete') return [];
  const written = { value: input.value, modRevision: revision, floor: revision };
  if (input.op === 'put') return after(state, written, revision);
  const equal = state.modRevision === input.modRevision;
  if (output.op === 'cas' && output.succeeded)
    return equal || mayBe(state, input.modRevision) ? after(state, written, revision) : [];
  return equal ? [] : [state];
}

const after = (state: Register, next: Register, revision: number): readonly Register[] =>
  revision > state.floor ? [next] : [];

/** A lost answer's revision may still turn out to be this one. */
const mayBe = (state: Register, modRevision: number): boolean =>
  state.modRevision === null && modRevision > state.floor;

function read(state: Register, found: Extract<RegisterOutput, { op: 'get' }>['found']): readonly Register[] {
  if (found === null) return state.value === null ? [state] : [];
  if (found.value !== state.value) return [];
  if (state.modRevision === found.modRevision) return [state];
  // The lost answer's revision, found out.
  return mayBe(state, found.modRevision)
    ? [{ value: state.value, modRevision: found.modRevision, floor: found.modRevision }]
    : [];
}
