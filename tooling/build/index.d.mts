/** Bundles each folder's entries from `src` to `dist`, without declarations; other packages stay imports. */
export declare function bundle(root: string, folders: readonly string[]): Promise<void>;
