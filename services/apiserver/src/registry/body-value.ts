import { bareMediaType, decodeBody, mediaTypes, unsupportedMediaType, type Decoded } from '@raftsman/api';
import { decodeProtobuf, protobufType } from '../protobuf/body.js';
import type { Body } from './target.js';

const accepted: readonly string[] = [mediaTypes.json, mediaTypes.yaml, protobufType];

/** What a body says, whatever its encoding. Throws 400, 413, 415. */
export function bodyValue(body: Body): Decoded {
  const mediaType = bareMediaType(body.contentType);
  if (mediaType === protobufType) return { value: decodeProtobuf(body.bytes), strictErrors: [] };
  if (mediaType !== '' && !accepted.includes(mediaType)) throw unsupportedMediaType(accepted);
  return decodeBody(body.bytes, mediaType);
}
