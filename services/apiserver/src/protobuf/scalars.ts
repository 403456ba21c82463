import { WireError, type WireReader } from './wire.js';

const yearOneSeconds = -62_135_596_800;
const year10000Seconds = 253_402_300_800;

/** meta/v1 Time and MicroTime; undefined: no time, which Go writes as nothing or as the first second of year one. Throws WireError. */
export function decodeTime(format: 'date-time' | 'micro-time', reader: WireReader): string | undefined {
  let seconds: number | null = null;
  let nanos = 0;
  while (reader.next()) {
    if (reader.number === 1) seconds = reader.integer('Seconds');
    else if (reader.number === 2) nanos = reader.integer('Nanos');
    else reader.skip();
  }
  if (seconds === null || seconds === yearOneSeconds) return undefined;
  if (seconds < yearOneSeconds || seconds >= year10000Seconds || nanos < 0 || nanos >= 1e9) {
    throw new WireError('Time.MarshalJSON: year outside of range [0,9999]');
  }
  const text = new Date(seconds * 1_000).toISOString().slice(0, 19);
  const micros = Math.floor(nanos / 1_000);
  return format === 'date-time' ? `${text}Z` : `${text}.${String(micros).padStart(6, '0')}Z`;
}

/** util/intstr IntOrString. Throws WireError. */
export function decodeIntOrString(reader: WireReader): number | string {
  let type = 0;
  let number = 0;
  let text = '';
  while (reader.next()) {
    if (reader.number === 1) type = reader.integer('Type');
    else if (reader.number === 2) number = reader.integer('IntVal');
    else if (reader.number === 3) text = reader.bytes('StrVal').toString();
    else reader.skip();
  }
  if (type !== 0 && type !== 1) throw new WireError('impossible IntOrString.Type');
  return type === 1 ? text : number;
}
