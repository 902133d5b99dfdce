/** Orders version names as Kubernetes prefers them: v2, v1, v2beta1, v1beta2, v1alpha1; names of another form come last, in
 *  alphabetical order. Pure. */
export function byPriority(a: string, b: string): number {
  const [left, right] = [ranked(a), ranked(b)];
  if (left === undefined || right === undefined) {
    if (left === undefined && right === undefined) return a < b ? -1 : a > b ? 1 : 0;
    return left === undefined ? 1 : -1;
  }
  for (const [at, rank] of left.entries()) {
    const other = right[at] ?? 0;
    if (rank !== other) return other - rank;
  }
  return 0;
}

const stages = ["alpha", "beta", ""];

function ranked(version: string): readonly number[] | undefined {
  const [, major, stage = "", minor = "0"] = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(version) ?? [];
  return major === undefined ? undefined : [stages.indexOf(stage), Number(major), Number(minor)];
}
