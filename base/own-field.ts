/** Fields of plain objects under names from outside. Read plainly, `constructor` and `__proto__` are there in every object;
 *  assigned plainly, `__proto__` is no field but the prototype, through which a name may reach all objects. */

export function ownField<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

export function setOwnField<T>(object: Record<string, T>, name: string, value: T): void {
  if (name !== "__proto__") object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

/** A copy that inherits nothing: a plain read of it finds own fields only. For what is read far more often than made. */
export function onlyOwnFields<T>(object: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.assign(Object.create(null), object);
}
