import fc from 'fast-check';
import {
  configurationOf,
  decodeConfiguration,
  encodeConfiguration,
  isWellFormedConfiguration,
  memberId,
  membersMax,
} from '@raftsman/raft';
import type { Configuration, MemberId } from '@raftsman/raft';
import { describe, expect, it } from 'vitest';
import { mutated, parsed } from '../../../test/support/mutated.js';

const ids = (...values: readonly number[]): MemberId[] => values.map(memberId);
const list = fc.uniqueArray(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1 }).map(memberId), {
  maxLength: 12,
});
const anyConfiguration: fc.Arbitrary<Configuration> = fc
  .record({ voters: list, outgoing: list, learners: list, witnesses: list, directory: fc.uint8Array() })
  .filter(isWellFormedConfiguration);

describe('the data of a configuration entry', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyConfiguration, (configuration) => {
        expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration);
      }),
    );
  });

  it('is refused when it is cut short, of a later version, or no configuration', () => {
    const bytes = encodeConfiguration(configurationOf(ids(1, 2, 3), { learners: ids(4) }));
    for (let length = 0; length < bytes.length; length += 1)
      expect(decodeConfiguration(bytes.subarray(0, length))).toBeNull();
    expect(decodeConfiguration(Uint8Array.of(2, ...bytes.subarray(1)))).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        const decoded = decodeConfiguration(Uint8Array.of(1, ...noise));
        return decoded === null || isWellFormedConfiguration(decoded);
      }),
    );
  });

  it('that was tampered with is a configuration or none, and the same when it is written again', () => {
    fc.assert(
      fc.property(mutated(anyConfiguration.map(encodeConfiguration)), (bytes) => {
        const read = parsed(bytes, decodeConfiguration, []);
        expect(read && Buffer.from(encodeConfiguration(read))).toEqual(read && bytes);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each<[string, Configuration]>([
    ['a voter named twice', configurationOf(ids(1, 1))],
    ['a learner that votes', configurationOf(ids(1, 2), { learners: ids(2) })],
    ['a learner that still votes', configurationOf(ids(1), { outgoing: ids(2), learners: ids(2) })],
    ['a witness that does not vote', configurationOf(ids(1), { witnesses: ids(2) })],
    ['only witnesses', configurationOf(ids(1, 2), { witnesses: ids(1, 2) })],
    ['only witnesses left', configurationOf(ids(1), { outgoing: ids(2), witnesses: ids(2) })],
    ['nobody who is to come', configurationOf([], { outgoing: ids(1) })],
    ['member 0', configurationOf(ids(0, 1))],
    ['too many', configurationOf(Array.from({ length: membersMax + 1 }, (_, at) => memberId(at + 1)))],
  ])('is not %s', (_what, configuration) => {
    expect(isWellFormedConfiguration(configuration)).toBe(false);
    expect(decodeConfiguration(encodeConfiguration(configuration))).toBeNull();
  });
});
