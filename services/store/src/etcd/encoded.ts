import type { ServiceDefinition } from '@grpc/grpc-js';

/** A response that is already in its wire form. */
export class EncodedResponse {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** Lets the methods answer an EncodedResponse as well as a message. */
export const takesEncoded = (
  definition: ServiceDefinition,
  ...methods: readonly string[]
): ServiceDefinition => methods.reduce(takesEncodedBy, definition);

function takesEncodedBy(definition: ServiceDefinition, method: string): ServiceDefinition {
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
