// A snapshot as a file: magic, version, the tree as JSON in which byte arrays stand for ranges, then the bytes, all in one gzip.

import { StateError } from '@worldswitch/platform';
import type { Plain } from '@worldswitch/platform';

import { gunzip } from '../load/gunzip.ts';

const MAGIC = 'worldswitch snapshot 1\n';
/** Bytes that a file may unpack to: 4 GiB of memory do not fit in one array anyway. */
const LIMIT = 2 ** 32;
/** Levels of records and lists that a tree may have. */
const DEPTH = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Byte arrays in JSON: `{"$bytes":[offset,length]}`. */
const BYTES = '$bytes';

async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  return new Uint8Array(await new Response(source.pipeThrough(new CompressionStream('gzip'))).arrayBuffer());
}

/** The file of a state tree. */
export async function encodeSnapshot(tree: Plain): Promise<Uint8Array> {
  const blobs: Uint8Array[] = [];
  let size = 0;
  const strip = (value: Plain): Plain => {
    if (value instanceof Uint8Array) {
      blobs.push(value);
      size += value.length;
      return { [BYTES]: [size - value.length, value.length] };
    }
    if (Array.isArray(value)) return (value as readonly Plain[]).map(strip);
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value as Record<string, Plain>).map(([k, v]) => [k, strip(v)]),
      );
    }
    return value;
  };
  const json = encoder.encode(JSON.stringify(strip(tree)));
  const head = encoder.encode(`${MAGIC}${json.length}\n`);
  const whole = new Uint8Array(head.length + json.length + size);
  whole.set(head);
  whole.set(json, head.length);
  let at = head.length + json.length;
  for (const blob of blobs) {
    whole.set(blob, at);
    at += blob.length;
  }
  return gzip(whole);
}

/** The state tree of a file. Throws a `StateError` for a file that is none. */
export async function decodeSnapshot(file: Uint8Array): Promise<Plain> {
  const whole = await gunzip(file, LIMIT).catch(() => {
    throw new StateError('snapshot', 'is no snapshot, or is cut short: it cannot be unpacked');
  });
  if (whole === undefined) throw new StateError('snapshot', 'is larger than any machine');
  const start = encoder.encode(MAGIC);
  if (!start.every((byte, i) => whole[i] === byte))
    throw new StateError('snapshot', 'is no snapshot of this version');
  const newline = whole.indexOf(10, start.length);
  const length = Number(
    new TextDecoder().decode(whole.subarray(start.length, Math.max(newline, start.length))),
  );
  const json = newline + 1;
  if (newline < 0 || !Number.isSafeInteger(length) || length < 0 || json + length > whole.length) {
    throw new StateError('snapshot', 'has a damaged header');
  }
  const blobs = whole.subarray(json + length);
  let tree: unknown;
  try {
    tree = JSON.parse(decoder.decode(whole.subarray(json, json + length)));
  } catch {
    throw new StateError('snapshot', 'has a damaged index');
  }
  return restoreBytes(tree, blobs, 0);
}

function restoreBytes(value: unknown, blobs: Uint8Array, depth: number): Plain {
  if (depth > DEPTH) throw new StateError('snapshot', `is nested more than ${DEPTH} deep`);
  if (Array.isArray(value)) return value.map((v) => restoreBytes(v, blobs, depth + 1));
  if (typeof value !== 'object' || value === null) return value as Plain;
  const entries = Object.entries(value as Record<string, unknown>);
  if (entries.length === 1 && entries[0]?.[0] === BYTES) {
    const range = entries[0][1];
    const [offset, length] = Array.isArray(range) ? (range as unknown[]) : [];
    if (!isCount(offset) || !isCount(length) || offset + length > blobs.length) {
      throw new StateError('snapshot', 'refers to bytes that it does not have');
    }
    return blobs.slice(offset, offset + length);
  }
  return Object.fromEntries(entries.map(([k, v]) => [k, restoreBytes(v, blobs, depth + 1)]));
}

const isCount = (n: unknown): n is number => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0;
