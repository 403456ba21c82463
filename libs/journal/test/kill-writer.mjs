// Writes groups until it is killed; says on stdout what was acknowledged. usage: node kill-writer.mjs <directory> <sizes as JSON>
import { writeSync } from 'node:fs';
import { Journal } from '@raftsman/journal';

const [directory, sizes] = process.argv.slice(2);
const configuration = {
  voters: [11],
  outgoing: [],
  learners: [],
  witnesses: [],
  directory: new Uint8Array(),
};
const identity = { memberId: 11, clusterId: 77, name: 'm1' };
const journal = await Journal.open(directory, identity, configuration, false, JSON.parse(sizes));
const { entries, compacted, hardState } = journal.recovered;
let last = entries.at(-1)?.index ?? compacted.index;
let start = compacted.index;
let applied = journal.durableState.index;
const textOf = (index) => `${index} `.padEnd(20 + ((index * 7919) % 900), 'x');
const apply = (to) => {
  const rows = [];
  for (let index = applied + 1; index <= to; index++)
    rows.push({ key: Buffer.from(`k${index % 50}`), value: Buffer.from(textOf(index)) });
  if (to > applied) journal.recordApplied({ index: to, term: 1, configuration, rows });
  applied = to;
};
apply(hardState.commit);
for (;;) {
  const group = Array.from({ length: 1 + (last % 7) }, (_, offset) => last + 1 + offset);
  await journal.write({
    entries: group.map((index) => ({ index, term: 1, type: 'normal', data: Buffer.from(textOf(index)) })),
    hardState: { term: 1, vote: 11, commit: last },
    install: null,
    sync: true,
  });
  last = group.at(-1);
  writeSync(1, `${last}\n`);
  await journal.write({
    entries: [],
    hardState: { term: 1, vote: 11, commit: last },
    install: null,
    sync: false,
  });
  apply(last);
  const target = Math.min(last - 40, journal.durableState.index);
  if (target > start) journal.compact({ index: (start = target), term: 1 });
}
