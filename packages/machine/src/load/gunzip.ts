// Unpacks gzip up to a limit: a small file can unpack to more than the host has.

/** The unpacked bytes, or `undefined` where they would be more than `limit`. Rejects where they are no gzip or cut short. */
export async function gunzip(bytes: Uint8Array, limit: number): Promise<Uint8Array | undefined> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'));
  const reader: ReadableStreamDefaultReader<Uint8Array> = stream.getReader();
  const parts: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(parts, total);
    parts.push(value);
    total += value.length;
    if (total > limit) {
      await reader.cancel();
      return undefined;
    }
  }
}

function joined(parts: readonly Uint8Array[], total: number): Uint8Array {
  const all = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
