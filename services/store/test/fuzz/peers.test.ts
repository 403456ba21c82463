import { configurationOf, memberId } from '@raftsman/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Member } from '../../../../libs/raft/test/harness.js';
import { messageKinds } from '../../../../test/support/message-kinds.js';
import { mutated, parsed } from '../../../../test/support/mutated.js';
import { MalformedError } from '../../src/replica/peers/bytes.js';
import { decodeMessages, encodeMessages, type SentMessage } from '../../src/replica/peers/codec.js';
import { FrameAssembler } from '../../src/replica/peers/frames.js';
import {
  decodeEnd,
  decodeHello,
  decodeWelcome,
  encodeEnd,
  encodeHello,
  encodeWelcome,
} from '../../src/replica/peers/greeting.js';
import { checkHello, protocolVersion } from '../../src/replica/peers/hello.js';

/** What comes over the stream from another member. */

const whole = fc.nat(2 ** 31);
const bytes = fc.uint8Array({ maxLength: 40 });

describe('a frame from another member', () => {
  const bodyOf = (frame: Buffer): Buffer => frame.subarray(5);
  const decoded = (body: Buffer) => decodeMessages(memberId(2), memberId(1), body);
  const small = fc.nat(6);
  const configuration = configurationOf([1, 2, 3].map(memberId), { learners: [memberId(4)] });
  const message = fc
    .record({
      kind: fc.constantFrom(...messageKinds),
      from: fc.constant(2),
      to: fc.constant(1),
      term: small,
      preVote: fc.boolean(),
      granted: fc.boolean(),
      success: fc.boolean(),
      leadershipTransfer: fc.boolean(),
      entries: fc.array(
        fc.record({
          index: small,
          term: small,
          type: fc.constantFrom('normal', 'configuration'),
          data: bytes,
        }),
        { maxLength: 4 },
      ),
      meta: fc.record({ index: small, term: small, configuration: fc.constant(configuration) }),
      lastLogIndex: small,
      lastLogTerm: small,
      prevLogIndex: small,
      prevLogTerm: small,
      commit: small,
      heldByAll: small,
      index: small,
      hintIndex: small,
      hintTerm: small,
      readContext: small,
      sentAtMs: small,
      promiseMs: small,
      requestId: small,
    })
    .map((each) => each as unknown as SentMessage);

  it('that was tampered with is no frame, or messages that the core bears', () => {
    const body = fc
      .array(message, { minLength: 1, maxLength: 4 })
      .map((messages) => bodyOf(encodeMessages(messages)));
    let stepped = 0;
    fc.assert(
      fc.property(fc.array(mutated(body), { minLength: 1, maxLength: 8 }), (bodies) => {
        const member = new Member({ terms: [1, 1, 2] });
        for (const each of bodies) {
          const messages = parsed(each, decoded, []);
          if (messages === undefined || typeof messages === 'string') continue;
          // What is read is what says it.
          expect(bodyOf(encodeMessages(messages as SentMessage[]))).toEqual(each);
          for (const read of messages) {
            stepped += 1;
            member.step(read);
          }
        }
      }),
      { numRuns: 1_500 },
    );
    expect(stepped).toBeGreaterThan(500);
  });

  it('comes out of the stream as it went in, however that is cut', () => {
    const frames = fc.array(fc.array(message, { minLength: 1, maxLength: 3 }).map(encodeMessages), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(400), { maxLength: 20 }), (sent, cuts) => {
        const stream = Buffer.concat(sent);
        const at = [...new Set([0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length])];
        const places = at.toSorted((left, right) => left - right);
        const assembler = new FrameAssembler(4_096);
        const received: Buffer[] = [];
        for (const [index, place] of places.entries()) {
          assembler.push(stream.subarray(place, places[index + 1] ?? place));
          for (let each = assembler.next(); each !== null; each = assembler.next()) received.push(each);
        }
        expect(received.map(String)).toEqual(sent.map((each) => String(each.subarray(4))));
      }),
    );
  });

  it('of any length is whole, awaited or refused', () => {
    fc.assert(
      fc.property(fc.array(bytes), (chunks) => {
        const assembler = new FrameAssembler(64);
        for (const chunk of chunks) {
          assembler.push(Buffer.from(chunk));
          const taken = parsed(Buffer.alloc(0), () => assembler.next()?.length ?? 0, [MalformedError]);
          if (taken === undefined) return;
          expect(taken).toBeLessThanOrEqual(64);
        }
      }),
    );
  });

  it('that greets or ends is read, or malformed', () => {
    const texts = fc.array(fc.string(), { maxLength: 3 });
    const welcome = fc.record({
      name: fc.string(),
      clientUrls: texts,
      term: whole,
      lastLogIndex: whole,
      met: fc.boolean(),
    });
    const end = fc.record({
      code: fc.constantFrom('refused', 'removed', 'lost', 'broken'),
      details: fc.string(),
    });
    fc.assert(
      fc.property(welcome, end, (said, last) => {
        expect(decodeWelcome(bodyOf(encodeWelcome(said)))).toEqual(said);
        expect(decodeEnd(bodyOf(encodeEnd(last)))).toEqual(last);
      }),
    );
    const greeting = fc.oneof(welcome.map(encodeWelcome), end.map(encodeEnd)).map(bodyOf);
    fc.assert(
      fc.property(mutated(greeting), (each) => {
        expect(() => parsed(each, decodeWelcome, [MalformedError])).not.toThrow();
        expect(() => parsed(each, decodeEnd, [MalformedError])).not.toThrow();
      }),
      { numRuns: 1_500 },
    );
  });

  it('that says who is there is welcome only with all of it right', () => {
    const identity = {
      clusterId: 77,
      self: memberId(1),
      name: 'm1',
      clientUrls: [],
      peerUrls: [],
      dataId: 5,
      isRemoved: (id: number) => id === 9,
      isMember: () => true,
    };
    const hello = fc.record({
      protocolVersion: fc.constantFrom(protocolVersion, 0, 1),
      clusterId: fc.constantFrom(77, 78),
      from: fc.constantFrom(1, 2, 9),
      to: fc.constantFrom(1, 2),
      name: fc.string(),
      dataId: whole,
      clientUrls: fc.array(fc.webUrl(), { maxLength: 2 }),
      peerUrls: fc.array(fc.webUrl(), { maxLength: 2 }),
      rebuild: fc.boolean(),
      joining: fc.boolean(),
    });
    fc.assert(
      fc.property(hello, (each) => {
        const said = { ...each, protocolVersion };
        expect(decodeHello(bodyOf(encodeHello(said)), protocolVersion)).toEqual(said);
        // Of another version only the number is read.
        const later = decodeHello(bodyOf(encodeHello(said)).subarray(0, 8), protocolVersion + 1);
        expect(checkHello({ ...later, protocolVersion: 5 }, identity)).toMatchObject({
          reason: `peer protocol 5 is not spoken here, only ${protocolVersion}`,
        });
      }),
    );
    fc.assert(
      fc.property(mutated(hello.map(encodeHello).map(bodyOf)), (each) => {
        const read = parsed(each, (body) => decodeHello(body, protocolVersion), [MalformedError]);
        if (read === undefined) return;
        const greeting = checkHello(read, identity);
        if (greeting.kind !== 'welcome') return;
        expect(read).toMatchObject({ protocolVersion, clusterId: 77, to: 1 });
        expect([1, 9]).not.toContain(greeting.from);
        expect(Number.isSafeInteger(greeting.from) && greeting.from > 0).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
