/** An answer of the JSON gateway, without what tells one cluster from another. */
export interface HttpTold {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
}

/** POST unless `method` says otherwise. */
export async function askByHttp(
  url: string,
  body: string | undefined,
  headers: Readonly<Record<string, string>> = {},
  method = "POST",
): Promise<HttpTold> {
  const answer = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
  const text = await answer.text();
  return { status: answer.status, type: answer.headers.get("content-type"), body: bodyOf(text) };
}

/** JSON, a line each where there are several, or the text that is none. */
function bodyOf(text: string): unknown {
  try {
    const lines = text.split("\n").filter((line) => line !== "");
    const values = lines.map((line) => withoutIds(JSON.parse(line)));
    return values.length === 1 ? values[0] : values;
  } catch {
    return text;
  }
}

/** Of each header the revision alone. */
export function withoutIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutIds);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, inner]) =>
    name === "header"
      ? [name, { revision: (inner as { revision?: string }).revision }]
      : [name, withoutIds(inner)],
  );
  return Object.fromEntries(fields);
}
