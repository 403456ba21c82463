import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds the .proto files, whether this module runs from its source or from dist. */
export const protoRoot: string = findProtoRoot(dirname(fileURLToPath(import.meta.url)));

function findProtoRoot(from: string): string {
  return existsSync(join(from, 'raftsman', 'v1', 'api.proto')) ? from : dirname(from);
}
