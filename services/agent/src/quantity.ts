import { parseBytes, parseCpuMillis, quantityOf } from '@raftsman/api';

/** Quantities of a pod's spec, which the API has validated; absent counts as zero. */
type Amount = string | number | undefined;

/** Exact, in billionths of the base unit. */
export const nanoUnits = (amount: Amount): bigint => (amount === undefined ? 0n : quantityOf(amount).nanos);

export const milliCores = (amount: Amount): number => (amount === undefined ? 0 : parseCpuMillis(amount));

/** Bytes, or whatever else is counted, rounded up. */
export const wholeUnits = (amount: Amount): number => (amount === undefined ? 0 : parseBytes(amount));
