// Checks a device tree that a user gives (Devicetree Specification 0.4, 5.2): a bad one gets one clear error.

import { ConfigurationError } from '../errors.ts';

/** Bytes beyond which a blob is refused: the boot protocol gives it 2 MiB. */
const LIMIT = 2 * 1024 * 1024;

/** Walks the whole structure. Throws a `ConfigurationError` that names `name` where the blob is not well-formed. */
export function checkTree(blob: Uint8Array, name: string): void {
  const bad = (problem: string): never => {
    throw new ConfigurationError(name, `is not a device tree blob: ${problem}`);
  };
  if (blob.length < 40) bad(`it has ${blob.length} bytes, and the header alone has 40`);
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const field = (i: number): number => view.getUint32(4 * i);
  if (field(0) !== 0xd00dfeed) bad('the magic number is not d00dfeed');
  const total = field(1);
  if (total > blob.length) bad(`it should have ${total} bytes and is cut short at ${blob.length}`);
  if (total > LIMIT) bad(`it has ${total} bytes, and 2 MiB is the most that the boot protocol takes`);
  if (field(6) > 17 || field(5) < 16) bad(`version ${field(5)} is not one that is understood (17)`);
  const structure = field(2);
  const structureEnd = structure + field(9);
  const strings = field(3);
  const stringsEnd = strings + field(8);
  if (structureEnd > total || stringsEnd > total || structure % 4 !== 0) bad('a block lies outside of it');
  // The last text ends: then all do that begin before it.
  if (stringsEnd > strings && view.getUint8(stringsEnd - 1) !== 0) bad('its texts have no end');
  walk(view, structure, structureEnd, stringsEnd - strings, bad);
}

function walk(
  view: DataView,
  from: number,
  end: number,
  strings: number,
  bad: (problem: string) => never,
): void {
  let at = from;
  let depth = 0;
  let roots = 0;
  for (;;) {
    if (at + 4 > end) bad('the structure has no end');
    const token = view.getUint32(at);
    at += 4;
    if (token === 1) {
      if (depth === 0 && ++roots > 1) bad('it has two roots');
      if (++depth > 64) bad('its nodes are nested more than 64 deep');
      while (at < end && view.getUint8(at) !== 0) at++;
      if (at >= end) bad('the name of a node has no end');
      at = Math.ceil((at + 1) / 4) * 4;
    } else if (token === 2) {
      depth--;
      if (depth < 0) bad('a node ends that has not begun');
    } else if (token === 3) {
      if (depth === 0) bad('a property lies outside of every node');
      if (at + 8 > end) bad('a property is cut short');
      const length = view.getUint32(at);
      if (view.getUint32(at + 4) >= strings) bad('a property has no name');
      at = Math.ceil((at + 8 + length) / 4) * 4;
      if (at > end) bad('a property is longer than the structure');
    } else if (token === 9) {
      if (depth !== 0) bad('a node does not end');
      if (roots === 0) bad('it has no root');
      return;
    } else if (token !== 4) bad(`there is no token ${token}`);
  }
}
