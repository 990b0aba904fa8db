/** One build of a projection's tables, told apart by their suffix: the one that is served, or one that a rebuild is filling. */
export type Build = { readonly version: number; readonly suffix: string };

/** The first build has the tables without a suffix. */
export function buildOf(version: number): Build {
  return { version, suffix: version === 1 ? "" : `_v${version}` };
}
