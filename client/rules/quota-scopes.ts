/** One expression of a quota's scopeSelector. */
export interface ScopeRequirement {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** Does any of these values satisfy the expression? Without one, what is absent is asked about. */
export function anyMatches(
  { operator, values = [] }: ScopeRequirement,
  found: readonly (string | undefined)[],
): boolean {
  const matches = (value: string | undefined) => {
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      default:
        return value === undefined;
    }
  };
  return found.length === 0 ? matches(undefined) : found.some(matches);
}
