// Looks for a text in a stream of bytes (Knuth, Morris, Pratt).

/** Finds each end of `text` in the bytes that it is shown. */
export class TextWatch {
  private readonly wanted: Uint8Array;
  private readonly fallback: number[] = [0];
  private matched = 0;

  constructor(text: string) {
    this.wanted = new TextEncoder().encode(text);
    for (let i = 1, k = 0; i < this.wanted.length; i++) {
      while (k > 0 && this.wanted[i] !== this.wanted[k]) k = this.fallback[k - 1] ?? 0;
      if (this.wanted[i] === this.wanted[k]) k++;
      this.fallback.push(k);
    }
  }

  /** True when this byte completes the text. */
  seen(byte: number): boolean {
    while (this.matched > 0 && byte !== this.wanted[this.matched])
      this.matched = this.fallback[this.matched - 1] ?? 0;
    if (byte === this.wanted[this.matched]) this.matched++;
    if (this.matched < this.wanted.length) return false;
    this.matched = this.fallback[this.matched - 1] ?? 0;
    return true;
  }
}
