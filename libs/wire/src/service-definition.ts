import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import type { IConversionOptions, Method, Service, Type } from 'protobufjs';

type AnyMethod = MethodDefinition<object, object>;

/** What grpc-js and our own server need to know of a service, as proto-loader has it, without descriptors. */
export function definitionOf(service: Service, options: IConversionOptions): ServiceDefinition {
  const fullName = service.fullName.replace(/^\./, '');
  return Object.fromEntries(
    service.methodsArray.map((method) => [method.name, methodOf(fullName, method, options)]),
  );
}

/** The method's types are resolved. */
function methodOf(service: string, method: Method, options: IConversionOptions): AnyMethod {
  const { name, requestStream = false, responseStream = false } = method;
  const request = method.resolvedRequestType!;
  const response = method.resolvedResponseType!;
  return {
    path: `/${service}/${name}`,
    requestStream,
    responseStream,
    requestSerialize: serializer(request),
    requestDeserialize: deserializer(request, options),
    responseSerialize: serializer(response),
    responseDeserialize: deserializer(response, options),
    originalName: camelCase(name),
  };
}

/** protobufjs' writers of Node.js answer Buffers. */
const serializer =
  (type: Type) =>
  (message: object): Buffer =>
    type.encode(type.fromObject(message)).finish() as Buffer;

const deserializer =
  (type: Type, options: IConversionOptions) =>
  (bytes: Buffer): object =>
    type.toObject(type.decode(bytes), options);

/** The name that clients may use as well: `HashKV` is `hashKv`. */
const camelCase = (name: string): string =>
  name.replace(/[A-Z]+(?![a-z])|[A-Z]/g, (word, at: number) =>
    at === 0 ? word.toLowerCase() : `${word[0]}${word.slice(1).toLowerCase()}`,
  );
