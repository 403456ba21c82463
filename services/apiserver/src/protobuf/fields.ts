import { fieldNumbers } from '@raftsman/proto/gen/kubernetes/fields.js';

export interface Field {
  /** As in JSON; of an embedded struct, its message's full name. */
  readonly name: string;
  readonly embedded: boolean;
  /** Zero means zero; elsewhere it means that nothing was said, for Go's encoder writes it always. */
  readonly pointer: boolean;
}

const parsed = new Map<string, ReadonlyMap<number, Field>>();

/** The fields of a message by number, from the contracts; `type` is its name in OpenAPI ("io.k8s.api.core.v1.Pod"). Throws RangeError for one unknown. */
export function fieldsOf(type: string): ReadonlyMap<number, Field> {
  const known = parsed.get(type);
  if (known !== undefined) return known;
  const dot = type.lastIndexOf('.');
  const group = type.slice(0, dot);
  const line = fieldNumbers[group]?.[type.slice(dot + 1)];
  if (line === undefined) throw new RangeError(`proto/kubernetes has no message ${type}`);
  const fields = new Map<number, Field>();
  let number = 0;
  for (const each of line.split(' ')) {
    const [, plus, name = '', star, given] = /^(\+?)(\w+)(\*?)(?:=(\d+))?$/.exec(each) ?? [];
    number = given === undefined ? number + 1 : Number(given);
    const embedded = plus === '+';
    fields.set(number, { name: embedded ? `${group}.${name}` : name, embedded, pointer: star === '*' });
  }
  parsed.set(type, fields);
  return fields;
}
