/** What a receiver's answer means for the records that were sent to it. */
export type Verdict =
  | { readonly kind: "taken" }
  /** Nothing is wrong with them: the same again, no sooner than after `afterMs`. */
  | { readonly kind: "later"; readonly why: string; readonly afterMs?: number }
  /** Something in them is wrong, and the answer does not say what: none may have been taken. */
  | { readonly kind: "refused"; readonly why: string }
  /** One word for each, in their order. */
  | { readonly kind: "each"; readonly items: readonly ItemVerdict[] }
  /** All were taken but so many, which nobody can tell from the others. */
  | { readonly kind: "mostly"; readonly lost: number; readonly why: string };

export type ItemVerdict =
  | { readonly kind: "taken" }
  | { readonly kind: "later"; readonly why: string }
  | { readonly kind: "refused"; readonly why: string };
