/** A user's extra values, as headers whose names begin with one of `prefixes` carry them. Names are in lower case. Pure. */
export function extraOf(
  headers: readonly { readonly name: string; readonly value: string }[],
  prefixes: readonly string[],
): Readonly<Record<string, readonly string[]>> {
  const extra = new Map<string, string[]>();
  for (const prefix of prefixes)
    for (const { name, value } of headers) {
      if (!name.startsWith(prefix)) continue;
      const key = unescaped(name.slice(prefix.length));
      extra.set(key, [...(extra.get(key) ?? []), value]);
    }
  return Object.fromEntries(extra);
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key; // malformed escapes stay as they are
  }
}
