import fc from 'fast-check';
import type { Command, Compare, Op, RangeRequest } from '../src/index.js';

/** Few keys and small numbers, so that commands meet each other. */
const key = fc.constantFrom('a', 'b', 'ba', 'bb', 'c\xff', 'd');
const rangeEnd = fc.constantFrom('', '', '', '\0', 'b', 'bb', 'c', 'e', 'a');
const value = fc.constantFrom('', 'x', 'y', 'zz\x00\xff');
const lease = fc.constantFrom(0n, 0n, 0n, 7n, -8n);
const small = fc.integer({ min: -1, max: 12 });

export const rangeRequest: fc.Arbitrary<RangeRequest> = fc.record({
  kind: fc.constant('range' as const),
  key,
  rangeEnd,
  limit: fc.constantFrom(0, 0, 1, 2, 3, -1),
  revision: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: small }),
  sortOrder: fc.constantFrom('NONE', 'ASCEND', 'DESCEND'),
  sortTarget: fc.constantFrom('KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE'),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  minModRevision: fc.constantFrom(0, 0, 0, 3),
  maxModRevision: fc.constantFrom(0, 0, 0, 6),
  minCreateRevision: fc.constantFrom(0, 0, 0, 4),
  maxCreateRevision: fc.constantFrom(0, 0, 0, 5),
});

const put = fc
  .record({
    kind: fc.constant('put' as const),
    key,
    value,
    lease,
    prevKv: fc.boolean(),
    ignoreValue: fc.constantFrom(false, false, false, true),
    ignoreLease: fc.constantFrom(false, false, false, true),
  })
  .map((each) => ({
    ...each,
    value: each.ignoreValue ? '' : each.value,
    lease: each.ignoreLease ? 0n : each.lease,
  }));

const deleteRange = fc.record({
  kind: fc.constant('delete-range' as const),
  key,
  rangeEnd,
  prevKv: fc.boolean(),
});

const compare: fc.Arbitrary<Compare> = fc
  .record({
    result: fc.constantFrom('EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL'),
    key,
    rangeEnd,
  })
  .chain((base) =>
    fc
      .oneof(
        fc.record({ target: fc.constantFrom('VERSION', 'CREATE', 'MOD'), operand: small }),
        fc.record({ target: fc.constant('VALUE' as const), operand: value }),
        fc.record({ target: fc.constant('LEASE' as const), operand: lease }),
      )
      .map((rest): Compare => ({ ...base, ...rest })),
  );

const { txn } = fc.letrec<{ op: Op; txn: Extract<Op, { kind: 'txn' }> }>((tie) => ({
  op: fc.oneof({ maxDepth: 2 }, put, rangeRequest, deleteRange, tie('txn')),
  txn: fc.record({
    kind: fc.constant('txn' as const),
    compare: fc.array(compare, { maxLength: 2 }),
    success: fc.array(tie('op'), { maxLength: 3 }),
    failure: fc.array(tie('op'), { maxLength: 3 }),
  }),
}));

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: put },
  { weight: 2, arbitrary: deleteRange },
  { weight: 4, arbitrary: txn },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const), revision: small }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact-step' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('lease-grant' as const),
      id: lease,
      ttlSeconds: fc.integer({ min: 1, max: 100 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lease-revoke' as const), id: lease }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lease-expire' as const),
      id: lease,
      term: fc.constantFrom(1, 2),
    }),
  },
);
