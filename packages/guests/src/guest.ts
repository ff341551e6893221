// What is known about a guest image: where its files are, and what its command line means.

/** A word of a guest's command line. */
export interface Bootarg {
  /** The word itself. */
  readonly word: string;
  /** What the guest does when it reads it. */
  readonly meaning: string;
}

/** A guest that this package ships. */
export interface Guest {
  /** Its name, such as `tiny`. */
  readonly name: string;
  /** One line about it. */
  readonly description: string;
  /** The image in the arm64 boot protocol's Image format. */
  readonly image: URL;
  /** The same as an ELF file with symbols. */
  readonly elf: URL;
  /** The physical address that it must be loaded at: RAM + 2 MiB on the `virt` board. */
  readonly loadAddress: number;
  /** The words of `bootargs` that it knows, run in the order in which they are given. */
  readonly bootargs: readonly Bootarg[];
}
