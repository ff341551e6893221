// State codecs from a description: what `save` returns is described once, and hostile state is refused by path.

import { StateError } from './state.ts';
import type { Plain, StateCodec } from './state.ts';

/** Checks one value of a state. */
export interface Shape<T extends Plain> {
  /**
   * Returns a checked copy.
   *
   * @param from - the untrusted value; `undefined` where it is missing
   * @param path - where it stands, for the error
   * @throws StateError that names the path
   */
  check(from: Plain | undefined, path: string): T;
}

/** What a value is, for messages. */
function kindOf(from: Plain | undefined): string {
  if (from === undefined) return 'missing';
  if (from === null) return 'null';
  if (from instanceof Uint8Array) return 'bytes';
  if (Array.isArray(from)) return 'a list';
  if (typeof from === 'string') return 'a text';
  return typeof from === 'object' ? 'a record' : `a ${typeof from}`;
}

/** The error for a value of the wrong kind. */
function wrong(path: string, expected: string, from: Plain | undefined): StateError {
  return new StateError(path === '' ? 'state' : path, `must be ${expected}, but is ${kindOf(from)}`);
}

/** The path of a named part. */
const inside = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** An integer of 0 to `max` (at most 2^53-1, which is the default). */
export function uint(max: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return {
    check(from, path) {
      if (typeof from !== 'number') throw wrong(path, 'a number', from);
      if (!Number.isInteger(from) || from < 0 || from > max) {
        throw new StateError(path, `must be an integer of 0 to ${max}, but is ${from}`);
      }
      return from === 0 ? 0 : from; // no negative zero
    },
  };
}

/** An unsigned 32-bit integer of which only bits of `mask` may be set. */
export function bits(mask = 0xffff_ffff): Shape<number> {
  const word = uint(0xffff_ffff);
  return {
    check(from, path) {
      const value = word.check(from, path);
      if ((value & ~mask) !== 0) {
        throw new StateError(
          path,
          `must have no bits outside 0x${(mask >>> 0).toString(16)}, but is ${value}`,
        );
      }
      return value;
    },
  };
}

/** A truth value. */
export const flag: Shape<boolean> = {
  check(from, path) {
    if (typeof from !== 'boolean') throw wrong(path, 'true or false', from);
    return from;
  },
};

/** A text of at most `max` UTF-16 units. */
export function text(max: number): Shape<string> {
  return {
    check(from, path) {
      if (typeof from !== 'string') throw wrong(path, 'a text', from);
      if (from.length > max) throw new StateError(path, `must have at most ${max} characters`);
      return from;
    },
  };
}

/** A timer's deadline: nanoseconds, or `null` for idle, as `Infinity` is not plain data. */
export const deadline: Shape<number | null> = nullable(uint());

/** `null`, or what `inner` accepts. */
export function nullable<T extends Plain>(inner: Shape<T>): Shape<T | null> {
  return { check: (from, path) => (from === null ? null : inner.check(from, path)) };
}

/** A list of `min` to `max` elements. */
export function list<T extends Plain>(inner: Shape<T>, min: number, max: number = min): Shape<readonly T[]> {
  const length = min === max ? `${min}` : `${min} to ${max}`;
  return {
    check(from, path) {
      if (!Array.isArray(from)) throw wrong(path, 'a list', from);
      const all = from as readonly Plain[];
      if (all.length < min || all.length > max) {
        throw new StateError(path, `must have ${length} elements, but has ${all.length}`);
      }
      return Array.from(all, (element, i) => inner.check(element, `${path}[${i}]`));
    },
  };
}

/** Bytes, of `min` to `max` of them; exactly `min` unless `max` is given. */
export function bytes(min: number, max: number = min): Shape<Uint8Array> {
  const length = min === max ? `${min}` : `${min} to ${max}`;
  return {
    check(from, path) {
      if (!(from instanceof Uint8Array)) throw wrong(path, 'bytes', from);
      if (from.length < min || from.length > max) {
        throw new StateError(path, `must have ${length} bytes, but has ${from.length}`);
      }
      return Uint8Array.from(from);
    },
  };
}

/** A record with exactly these fields. */
export function record<T extends Readonly<Record<string, Plain>>>(fields: {
  readonly [Key in keyof T]: Shape<T[Key]>;
}): Shape<T> {
  const shapes: readonly (readonly [string, Shape<Plain>])[] = Object.entries(fields);
  const known = new Set(shapes.map(([name]) => name));
  return {
    check(from, path) {
      if (typeof from !== 'object' || from === null || Array.isArray(from) || from instanceof Uint8Array) {
        throw wrong(path, 'a record', from);
      }
      const given = from as Readonly<Record<string, Plain>>;
      for (const name of Object.keys(given)) {
        if (!known.has(name)) throw new StateError(inside(path, name), 'is not a known field');
      }
      const checked = shapes.map(([name, shape]): [string, Plain] => {
        const own = Object.hasOwn(given, name) ? given[name] : undefined;
        return [name, shape.check(own, inside(path, name))];
      });
      return Object.fromEntries(checked) as unknown as T;
    },
  };
}

/**
 * A codec for states of one version.
 *
 * @param version - of the states that `save` returns
 * @param shape - what they look like
 * @param lift - turns a state of an older version into one of the next; absent where there is no older one
 */
export function stateCodec<State extends Plain>(
  version: number,
  shape: Shape<State>,
  lift?: (from: Plain, version: number) => Plain,
): StateCodec<State> {
  return {
    version,
    parse(from, given) {
      const oldest = lift === undefined ? version : 1;
      if (!Number.isInteger(given) || given < oldest || given > version) {
        throw new StateError('version', `must be ${oldest} to ${version}, but is ${given}`);
      }
      let lifted = from;
      for (let v = given; lift !== undefined && v < version; v++) lifted = lift(lifted, v);
      return shape.check(lifted, '');
    },
  };
}

/** What stands in a state for a timer's deadline. */
export const savedDeadline = (when: number): number | null => (Number.isSafeInteger(when) ? when : null);
