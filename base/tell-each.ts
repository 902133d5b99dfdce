/** Calls `tell` with each, also with those behind one that throws; throws what was thrown once all were told. */
export function tellEach<T>(all: Iterable<T>, tell: (one: T) => void): void {
  const errors: unknown[] = [];
  for (const one of all) {
    try {
      tell(one);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 1) throw new AggregateError(errors, "several of those told threw");
  if (errors.length > 0) throw errors[0];
}
