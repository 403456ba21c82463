import type { ServiceDefinition } from '@grpc/grpc-js';

/** A response that is already in its wire form. */
export class EncodedResponse {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** Lets `method` answer an EncodedResponse as well as a message. */
export function takesEncoded(definition: ServiceDefinition, method: string): ServiceDefinition {
  const described = definition[method];
  if (described === undefined) throw new TypeError(`no method ${method}`);
  const serialize = described.responseSerialize;
  return {
    ...definition,
    [method]: {
      ...described,
      responseSerialize: (response: unknown) =>
        response instanceof EncodedResponse ? response.bytes : serialize(response),
    },
  };
}
