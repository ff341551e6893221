// A cpio archive in the "newc" format, as the kernel unpacks it (Linux Documentation/driver-api/early-userspace/buffer-format).

/** One entry. */
export interface CpioEntry {
  /** Path without a leading slash. */
  readonly name: string;
  /** File type and permission bits, for example 0o100755. */
  readonly mode: number;
  /** A file's bytes, or the target of a symbolic link. */
  readonly data?: Uint8Array;
  /** Device numbers of a device node. */
  readonly device?: readonly [major: number, minor: number];
}

const encoder = new TextEncoder();
const padding = (n: number): number => (4 - (n % 4)) % 4;
const hex = (n: number): string => n.toString(16).padStart(8, '0');

function record(entry: CpioEntry, inode: number): Uint8Array {
  const name = encoder.encode(`${entry.name}\0`);
  const data = entry.data ?? new Uint8Array();
  const [major, minor] = entry.device ?? [0, 0];
  // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const numbers = [inode, entry.mode, 0, 0, 1, 0, data.length, 0, 0, major, minor, name.length, 0];
  const header = encoder.encode(`070701${numbers.map(hex).join('')}`);
  const nameEnd = header.length + name.length + padding(header.length + name.length);
  const bytes = new Uint8Array(nameEnd + data.length + padding(data.length));
  bytes.set(header);
  bytes.set(name, header.length);
  bytes.set(data, nameEnd);
  return bytes;
}

/** The archive of these entries, in this order; directories must come before what is in them. Same entries, same bytes. */
export function cpio(entries: readonly CpioEntry[]): Uint8Array {
  const parts = [...entries, { name: 'TRAILER!!!', mode: 0 }].map((entry, i) => record(entry, i + 1));
  const bytes = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
