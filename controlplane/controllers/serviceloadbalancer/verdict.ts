/** Whether a Service gets addresses. */
export type Verdict =
  | { readonly ok: true; readonly by: BalancedBy; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly reason: string; readonly why: string };

/** The nodes' own addresses, or one of a pool. */
export type BalancedBy = "nodes" | "pool";
