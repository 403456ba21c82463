import { bareMediaType } from '../decode.js';
import { limits } from '../limits.js';
import {
  forbiddenField,
  invalid,
  invalidValue,
  required,
  tooLong,
  type FieldError,
} from '../status/index.js';
import { patchTypes } from './patch.js';

/** The name under which a write's fields are recorded in metadata.managedFields. */
const checkFieldManager = (fieldManager: string): readonly FieldError[] => {
  const errors: FieldError[] = [];
  if (new TextEncoder().encode(fieldManager).byteLength > limits.fieldManagerLengthMaxBytes) {
    errors.push(tooLong('fieldManager', fieldManager, limits.fieldManagerLengthMaxBytes));
  }
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Cn}]/u.test(fieldManager)) {
    errors.push(invalidValue('fieldManager', fieldManager, 'should only contain printable characters'));
  }
  return errors;
};

export interface PatchOptions {
  readonly contentType: string;
  /** Absent: not given. */
  readonly fieldManager?: string;
  readonly force?: boolean;
}

/** Throws 422 as PatchOptions' validation does. */
export const checkPatchOptions = ({ contentType, fieldManager, force }: PatchOptions): void => {
  const errors = [...checkFieldManager(fieldManager ?? '')];
  if (bareMediaType(contentType) === patchTypes.apply) {
    if (fieldManager === undefined || fieldManager === '') {
      errors.push(required('fieldManager', 'is required for apply patch'));
    }
  } else if (force !== undefined) {
    errors.push(forbiddenField('force', 'may not be specified for non-apply patch'));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', errors);
};

/** The manager of a write that names none: what the user agent begins with, as Kubernetes takes it. */
export const managerOf = (fieldManager: string | undefined, userAgent: string): string =>
  fieldManager !== undefined && fieldManager !== ''
    ? fieldManager
    : printable(userAgent.split('/', 1).join('')).slice(0, limits.fieldManagerLengthMaxBytes);

const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '');
