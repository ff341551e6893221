/** A package.json as it stands in the folder, unchecked. */
export declare function readManifest(folder: string): unknown;

/** The folders of the packages that `name` runs with, itself included; dependencies first. */
export declare function closure(root: string, name: string): string[];

/**
 * A digest of all that decides what a build of this folder writes, and of when its output was last written, as other
 * builds write there too.
 */
export declare function fingerprint(root: string, folder: string): string;
