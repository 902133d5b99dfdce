/** Pure checks over what a client of the store saw. Each has a test that breaks the property and sees the check fail. */
export interface Acknowledged {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  /** When the answer arrived, monotonic. */
  readonly atMs: number;
}

/** Writes that were acknowledged and are not there, or not with that value, or not at that revision. */
export function lostWrites(
  acknowledged: readonly Acknowledged[],
  present: ReadonlyMap<string, { readonly value: string; readonly modRevision: number }>,
): string[] {
  return acknowledged.flatMap((write) => {
    const found = present.get(write.key);
    if (found === undefined) return [`${write.key} is gone`];
    if (found.value !== write.value) return [`${write.key} holds ${found.value}, not ${write.value}`];
    if (found.modRevision !== write.revision)
      return [`${write.key} stands at revision ${found.modRevision}, was acknowledged at ${write.revision}`];
    return [];
  });
}

/** Two acknowledged writes never share a revision, and a client's later write never has an earlier one. */
export function misnumbered(byClient: readonly (readonly Acknowledged[])[]): string[] {
  const problems: string[] = [];
  const owners = new Map<number, string>();
  for (const writes of byClient) {
    let last = 0;
    for (const { key, revision } of writes) {
      if (revision <= last) problems.push(`${key}: revision ${revision} after ${last}`);
      last = revision;
      const other = owners.get(revision);
      if (other !== undefined) problems.push(`${key} and ${other} share revision ${revision}`);
      owners.set(revision, key);
    }
  }
  return problems;
}

/** The longest time without any acknowledgement, in milliseconds. */
export function longestSilenceMs(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted.reduce((most, at, i) => Math.max(most, i === 0 ? 0 : at - (sorted[i - 1] ?? at)), 0);
}
