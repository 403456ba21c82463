import { storeLimits } from '../../limits.js';
import { FrameReader, FrameWriter } from './bytes.js';
import { frameKinds } from './frames.js';
import type { PeerHello } from './hello.js';

/** What the answerer of a stream says of itself, and of the caller. */
export interface PeerWelcome {
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** How far it is. */
  readonly term: number;
  readonly lastLogIndex: number;
  /** The caller came with another data directory before. */
  readonly met: boolean;
}

/** Why a stream is over. `broken`: for no reason that its answerer gave, or one that may pass. */
export interface PeerEnd {
  /**
   * `refused`: another cluster, another member, or a protocol version that is not spoken there. `removed`: the caller was removed from the cluster for good.
   * `lost`: the caller is known by another data directory, and must be rebuilt.
   */
  readonly code: 'refused' | 'removed' | 'lost' | 'broken';
  readonly details: string;
}

const endCodes: readonly PeerEnd['code'][] = ['broken', 'refused', 'removed', 'lost'];
const sizeBytesHint = 256;

/**
 * In the words of codec.ts; a text is data in UTF-8.
 *
 * | frame   |                                                                                                                  |
 * | ------- | ---------------------------------------------------------------------------------------------------------------- |
 * | hello   | version, clusterId, from, to, dataId, flags rebuild\|joining, name, [client URL], [peer URL]. Version comes first |
 * |         | in every version, so that another one can be refused by name; what follows it there is not read.                 |
 * | welcome | term, lastLogIndex, flags met, name, [client URL]                                                                |
 * | end     | code (1 byte: 0 broken, 1 refused, 2 removed, 3 lost), details: a text                                           |
 */
export function encodeHello(hello: PeerHello): Buffer {
  const writer = new FrameWriter(frameKinds.hello, sizeBytesHint);
  writer.number(hello.protocolVersion);
  for (const each of [hello.clusterId, hello.from, hello.to, hello.dataId]) writer.number(Number(each));
  writer.byte((hello.rebuild ? 1 : 0) | (hello.joining ? 2 : 0));
  writer.bytes(Buffer.from(hello.name));
  writer.texts(hello.clientUrls);
  writer.texts(hello.peerUrls);
  return writer.finish();
}

/** `body`: what follows the kind. Of another version only that. Throws MalformedError. */
export function decodeHello(body: Buffer, spokenVersion: number): PeerHello {
  const reader = new FrameReader(body);
  const version = reader.number();
  if (version !== spokenVersion) return { ...nobody, protocolVersion: version };
  const [clusterId, from, to, dataId] = [reader.number(), reader.number(), reader.number(), reader.number()];
  const flags = reader.flags(2);
  const name = reader.text();
  const clientUrls = reader.texts();
  const peerUrls = reader.texts();
  reader.end();
  const question = { rebuild: (flags & 1) !== 0, joining: (flags & 2) !== 0 };
  return { protocolVersion: version, clusterId, from, to, name, clientUrls, peerUrls, dataId, ...question };
}

const nobody = {
  clusterId: 0,
  from: 0,
  to: 0,
  name: '',
  clientUrls: [],
  peerUrls: [],
  dataId: 0,
};

export function encodeWelcome({ name, clientUrls, term, lastLogIndex, met }: PeerWelcome): Buffer {
  const writer = new FrameWriter(frameKinds.welcome, sizeBytesHint);
  writer.number(term);
  writer.number(lastLogIndex);
  writer.byte(met ? 1 : 0);
  writer.bytes(Buffer.from(name));
  writer.texts(clientUrls);
  return writer.finish();
}

/** Throws MalformedError. */
export function decodeWelcome(body: Buffer): PeerWelcome {
  const reader = new FrameReader(body);
  const [term, lastLogIndex, flags] = [reader.number(), reader.number(), reader.flags(1)];
  const [name, clientUrls] = [reader.text(), reader.texts()];
  reader.end();
  return { name, clientUrls, term, lastLogIndex, met: flags === 1 };
}

export function encodeEnd({ code, details }: PeerEnd): Buffer {
  const writer = new FrameWriter(frameKinds.end, sizeBytesHint);
  writer.byte(endCodes.indexOf(code));
  writer.bytes(Buffer.from(details).subarray(0, storeLimits.endDetailsBytesMax));
  return writer.finish();
}

/** A code that is not known is `broken`. Throws MalformedError. */
export function decodeEnd(body: Buffer): PeerEnd {
  const reader = new FrameReader(body);
  const code = endCodes[reader.byte()] ?? 'broken';
  const details = reader.text();
  reader.end();
  return { code, details };
}
