/** Adds to a part of an object what it lacks of the defaults. Nothing is written where it lacks nothing: then the object may be
 *  one that nobody may change. */
export function fillIn<T extends object, Field extends keyof T>(
  object: T,
  field: Field,
  defaults: NonNullable<T[Field]> & object,
): void {
  const given = object[field] ?? {};
  const isLacking = Object.keys(defaults).some(
    (name) => (given as Record<string, unknown>)[name] === undefined,
  );
  if (isLacking) object[field] = { ...defaults, ...given };
}
