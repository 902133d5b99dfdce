/** What a scheduler's filters say of each node for one pod. */
export interface Verdicts {
  /** What keeps the pod from every node, whichever, and the plugins that say so. */
  readonly nowhere: { readonly reason: string; readonly plugins: readonly string[] } | undefined;
  /** Every node's, by name. */
  readonly nodes: readonly NodeVerdict[];
}

export interface NodeVerdict {
  readonly name: string;
  /** Undefined: the node would take the pod. */
  readonly refusal: { readonly plugin: string; readonly reasons: readonly string[] } | undefined;
  /** What it has for pods, and what of it they ask for, by resource; CPU in millicores. */
  readonly allocatable: Readonly<Record<string, number>>;
  readonly requested: Readonly<Record<string, number>>;
  readonly pods: number;
}
