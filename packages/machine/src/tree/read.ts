// Reads a flattened device tree into nodes (Devicetree Specification 0.4, 5). `checkTree` comes first: what it lets through can be
// read. Values stay bytes, as a blob does not say what they mean.

import type { TreeNode, TreeValue } from '@worldswitch/platform';

import { ConfigurationError } from '../errors.ts';
import { checkTree } from './check.ts';

const BEGIN_NODE = 1;
const END_NODE = 2;
const PROPERTY = 3;
const END = 9;

/** A node while its children are still being read. */
interface Growing {
  readonly name: string;
  readonly properties: Record<string, TreeValue>;
  readonly children: Growing[];
}

const decoder = new TextDecoder();

/** The text at an offset, up to its NUL. */
function textAt(blob: Uint8Array, at: number): string {
  const end = blob.indexOf(0, at);
  return decoder.decode(blob.subarray(at, end < 0 ? blob.length : end));
}

/** The root of a blob. Throws a `ConfigurationError` that names `name` where the blob is not well-formed. */
export function unflatten(blob: Uint8Array, name: string): TreeNode {
  checkTree(blob, name);
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const strings = view.getUint32(12);
  const above: Growing[] = [];
  let root: Growing = { name: '', properties: {}, children: [] };
  let at = view.getUint32(8);
  for (;;) {
    const token = view.getUint32(at);
    at += 4;
    if (token === BEGIN_NODE) {
      const node: Growing = {
        name: textAt(blob, at),
        properties: Object.create(null) as Growing['properties'],
        children: [],
      };
      const parent = above.at(-1);
      if (parent) parent.children.push(node);
      else root = node;
      above.push(node);
      at = Math.ceil((blob.indexOf(0, at) + 1) / 4) * 4;
    } else if (token === END_NODE) above.pop();
    else if (token === PROPERTY) {
      const length = view.getUint32(at);
      const key = textAt(blob, strings + view.getUint32(at + 4));
      const value = blob.slice(at + 8, at + 8 + length);
      const node = above.at(-1);
      if (node) node.properties[key] = length === 0 ? true : value;
      at = Math.ceil((at + 8 + length) / 4) * 4;
    } else if (token === END) return root;
  }
}

/** The entries of a blob's memory reservation block, 16 bytes each, without the last. */
export function reservationsOf(blob: Uint8Array, name: string): Uint8Array {
  checkTree(blob, name);
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const from = view.getUint32(16);
  for (let at = from; at + 16 <= blob.length; at += 16) {
    if ([0, 4, 8, 12].every((i) => view.getUint32(at + i) === 0)) return blob.slice(from, at);
  }
  throw new ConfigurationError(name, 'is not a device tree blob: its memory reservations have no end');
}

/** A tree with properties of `/chosen` set and nodes added there, as a boot loader does; the others stay. */
export function withChosen(
  root: TreeNode,
  properties: Readonly<Record<string, TreeValue>>,
  nodes: readonly TreeNode[] = [],
): TreeNode {
  const children = root.children ?? [];
  const chosen = children.find((n) => n.name === 'chosen' || n.name === 'chosen@0');
  const made: TreeNode = {
    ...chosen,
    name: chosen?.name ?? 'chosen',
    properties: { ...chosen?.properties, ...properties },
    children: [...(chosen?.children ?? []), ...nodes],
  };
  return { ...root, children: chosen ? children.map((n) => (n === chosen ? made : n)) : [made, ...children] };
}
