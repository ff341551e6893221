// A flattened device tree from nodes (Devicetree Specification 0.4, 5): header, reservations, structure, strings.

import type { TreeCell, TreeNode, TreeValue } from '@worldswitch/platform';

const MAGIC = 0xd00dfeed;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROPERTY = 3;
const END = 9;

/** A growing big-endian byte array. */
class Writer {
  private bytes = new Uint8Array(4096);
  length = 0;

  private room(n: number): void {
    if (this.length + n <= this.bytes.length) return;
    const bigger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + n));
    bigger.set(this.bytes);
    this.bytes = bigger;
  }
  u32(n: number): void {
    this.room(4);
    new DataView(this.bytes.buffer).setUint32(this.length, n);
    this.length += 4;
  }
  raw(data: Uint8Array): void {
    this.room(data.length + 4);
    this.bytes.set(data, this.length);
    this.length += data.length;
  }
  align(): void {
    this.room(4);
    this.length = Math.ceil(this.length / 4) * 4;
  }
  get result(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

const encoder = new TextEncoder();
const text = (s: string): Uint8Array => encoder.encode(`${s}\0`);

/** Numbers for the labels that properties refer to, in the order of the tree. */
function phandles(root: TreeNode): Map<string, number> {
  const wanted = new Set<string>();
  const labels: string[] = [];
  const visit = (node: TreeNode): void => {
    if (node.label !== undefined) labels.push(node.label);
    for (const value of Object.values(node.properties)) {
      if (!Array.isArray(value)) continue;
      for (const cell of value as readonly (TreeCell | string)[]) {
        if (typeof cell === 'object' && 'ref' in cell) wanted.add(cell.ref);
      }
    }
    for (const child of node.children ?? []) visit(child);
  };
  visit(root);
  const numbers = new Map<string, number>();
  for (const label of labels) if (wanted.has(label)) numbers.set(label, numbers.size + 1);
  for (const label of wanted) {
    if (!numbers.has(label))
      throw new RangeError(`the device tree refers to ${label}, and no node is labelled so`);
  }
  return numbers;
}

function valueBytes(value: TreeValue, handles: ReadonlyMap<string, number>): Uint8Array {
  if (value === true) return new Uint8Array();
  if (value instanceof Uint8Array) return value;
  const out = new Writer();
  for (const item of typeof value === 'string' ? [value] : value) {
    if (typeof item === 'string') out.raw(text(item));
    else if (typeof item === 'number') out.u32(item);
    else if ('ref' in item) out.u32(handles.get(item.ref) ?? 0);
    else {
      out.u32(Math.floor(item.u64 / 2 ** 32));
      out.u32(item.u64 >>> 0);
    }
  }
  return out.result;
}

/**
 * The blob. Throws a RangeError for a reference to a label that no node has.
 *
 * @param root - the root node, whose name is empty
 * @param reservations - the memory reservation block's entries, 16 bytes each, without the last
 */
export function flatten(root: TreeNode, reservations: Uint8Array = new Uint8Array()): Uint8Array {
  const handles = phandles(root);
  const structure = new Writer();
  const strings = new Writer();
  const offsets = new Map<string, number>();
  const property = (name: string, data: Uint8Array): void => {
    let offset = offsets.get(name);
    if (offset === undefined) {
      offset = strings.length;
      offsets.set(name, offset);
      strings.raw(text(name));
    }
    structure.u32(PROPERTY);
    structure.u32(data.length);
    structure.u32(offset);
    structure.raw(data);
    structure.align();
  };
  const node = (n: TreeNode): void => {
    structure.u32(BEGIN_NODE);
    structure.raw(text(n.name));
    structure.align();
    for (const [name, value] of Object.entries(n.properties)) property(name, valueBytes(value, handles));
    const handle = n.label === undefined ? undefined : handles.get(n.label);
    if (handle !== undefined) property('phandle', valueBytes([handle], handles));
    for (const child of n.children ?? []) node(child);
    structure.u32(END_NODE);
  };
  node(root);
  structure.u32(END);
  return assembled(structure.result, strings.result, reservations);
}

function assembled(structure: Uint8Array, strings: Uint8Array, reservations: Uint8Array): Uint8Array {
  const header = 40;
  const before = header + reservations.length + 16;
  const total = before + structure.length + strings.length;
  const out = new Writer();
  const fields = [
    MAGIC,
    total,
    before,
    before + structure.length,
    header,
    17,
    16,
    0,
    strings.length,
    structure.length,
  ];
  for (const field of fields) out.u32(field);
  out.raw(reservations);
  for (let i = 0; i < 4; i++) out.u32(0);
  out.raw(structure);
  out.raw(strings);
  return out.result;
}
