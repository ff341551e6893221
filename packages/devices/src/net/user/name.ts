// Domain names (RFC 1035, 2.3.4 and 3.1): texts whose characters are the bytes of labels, in lower case as far as ASCII goes.

/** Bytes of a label, and of a name with its lengths. */
const LABEL = 63;
const NAME = 255;

/** The bytes as a text, upper case letters of ASCII as lower ones: two names are equal where these are. */
const labelText = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte))
    .join('')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** A user's name by the bytes of its labels; undefined where a label or all of it has a wrong length. A final dot may be left out. */
export function nameBytes(name: string): string | undefined {
  const text = labelText(new TextEncoder().encode(name.replace(/\.$/, '')));
  const labels = text.split('.');
  const right = labels.every(({ length }) => length > 0 && length <= LABEL) && text.length + 2 <= NAME;
  return right ? text : undefined;
}

/** A name in a message: labels with their lengths, and the root's. */
export const encodeName = (name: string): Uint8Array =>
  Uint8Array.from([
    ...name.split('.').flatMap((label) => [label.length, ...Array.from(label, (c) => c.charCodeAt(0))]),
    0,
  ]);

/** The name that begins at a place of a message, and where it ends; undefined where it is malformed, or compressed. */
export function parseName(
  message: Uint8Array,
  start: number,
): { readonly name: string; readonly end: number } | undefined {
  const labels: string[] = [];
  let at = start;
  for (let length = message[at]; length !== 0; length = message[at]) {
    if (length === undefined || length > LABEL) return undefined;
    const label = message.subarray(at + 1, at + 1 + length);
    at += 1 + length;
    if (label.length < length || at + 1 - start > NAME) return undefined;
    labels.push(labelText(label));
  }
  return { name: labels.join('.'), end: at + 1 };
}
