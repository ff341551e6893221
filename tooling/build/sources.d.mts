/** What is read of a package.json of this workspace. */
export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly packageManager?: string;
}

/** The package.json of this folder. */
export declare function readManifest(folder: string): Manifest;

/** The folders of the packages that `name` runs with, itself included; dependencies first. */
export declare function closure(root: string, name: string): string[];

/**
 * A digest of all that decides what a build of this folder writes, and of when its output was last written, as other
 * builds write there too.
 */
export declare function fingerprint(root: string, folder: string): string;
