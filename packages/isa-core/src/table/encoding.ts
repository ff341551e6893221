// An encoding as the Arm ARM draws it, "sf 0 S 100010 imm12:12 Rd:5", read into a mask, a value and fields (DDI 0487 C4).

/** A field's place in the instruction word. */
export interface Field {
  readonly name: string;
  /** Bit number of its lowest bit. */
  readonly lsb: number;
  /** Bits, 1 to 32. */
  readonly width: number;
}

/** A parsed encoding. A word belongs to it if `(word & mask) >>> 0 === value`. */
export interface Encoding {
  readonly mask: number;
  readonly value: number;
  readonly fields: readonly Field[];
}

/** Parses an encoding. Throws a RangeError when it has not exactly 32 bits or names a field twice. */
export function parseEncoding(text: string): Encoding {
  let bit = 32;
  let mask = 0;
  let value = 0;
  const fields: Field[] = [];
  for (const token of text.trim().split(/\s+/)) {
    if (/^[01x]+$/.test(token)) {
      for (const c of token) {
        bit--;
        if (c === 'x') continue;
        mask |= 1 << bit;
        if (c === '1') value |= 1 << bit;
      }
      continue;
    }
    const [name = '', bits = '1'] = token.split(':');
    const width = Number(bits);
    bit -= width;
    if (fields.some((f) => f.name === name)) throw new RangeError(`${text}: field ${name} stands twice`);
    fields.push({ name, lsb: bit, width });
  }
  if (bit !== 0) throw new RangeError(`${text}: has ${32 - bit} bits`);
  return { mask: mask >>> 0, value: value >>> 0, fields };
}

/** The fields' values in a word. */
export function fieldsOf(encoding: Encoding, word: number): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { name, lsb, width } of encoding.fields) {
    values[name] = width === 32 ? word >>> 0 : (word >>> lsb) & ((1 << width) - 1);
  }
  return values;
}

/** The word that has these field values. Fields that are not given are zero. */
export function encodeFields(
  encoding: Encoding,
  values: Readonly<Record<string, number | undefined>>,
): number {
  let word = encoding.value;
  for (const { name, lsb, width } of encoding.fields) {
    const bits = width === 32 ? -1 : (1 << width) - 1;
    word |= ((values[name] ?? 0) & bits) << lsb;
  }
  return word >>> 0;
}
