/** What a page that is seen through the API server's proxy refers to, so that it is found through the proxy too: the rules of
 *  Kubernetes' proxy transport. Pure. */
export interface Seen {
  /** What stands before the path of what is proxied: `/api/v1/namespaces/a/services/b/proxy`. */
  readonly prefix: string;
  /** Where the page is. */
  readonly place: string;
  /** By which name the client asked for it: it stays in links. */
  readonly askedHost: string;
}

export function rewriteUrl(text: string, { prefix, place, askedHost }: Seen): string {
  const match = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s.exec(text);
  if (match === null) return text;
  const [, scheme, host = "", path = "", rest = ""] = match;
  // Data, mail and scripts have no host; other hosts are none of ours.
  if ((scheme !== undefined && host === "") || (host !== "" && host !== place && host !== askedHost))
    return text;
  if (!path.startsWith("/")) return text;
  const stays = host !== "" && host === askedHost;
  const before = stays ? `${scheme === undefined ? "" : `${scheme}:`}//${host}` : "";
  return `${before}${path.startsWith(prefix) ? path : `${prefix}${normalized(path)}`}${rest}`;
}

/** Without `.`, `..` and empty parts; a slash at the end stays. */
function normalized(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return `/${parts.join("/")}${path.endsWith("/") && parts.length > 0 ? "/" : ""}`;
}

const urlAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  applet: ["codebase"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  command: ["icon"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["src", "usemap", "formaction"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
};

/** A page with its links rewritten. Takes time proportional to the page, whatever is in it. */
export function rewriteHtml(html: string, seen: Seen): string {
  let out = "";
  let at = 0;
  for (;;) {
    const start = html.indexOf("<", at);
    if (start < 0) return out + html.slice(at);
    out += html.slice(at, start);
    const end = tagEnd(html, start);
    if (end < 0) return out + html.slice(start);
    const tag = html.slice(start, end);
    const name = /^<([a-zA-Z][a-zA-Z0-9]*)/.exec(tag)?.[1]?.toLowerCase() ?? "";
    const known = Object.hasOwn(urlAttributes, name) ? urlAttributes[name] : undefined;
    out += known === undefined ? tag : rewriteTag(tag, known, seen);
    at = end;
    if (name !== "script" && name !== "style") continue;
    // What is in there is no markup.
    const close = html.indexOf(`</${name}`, at);
    const until = close < 0 ? html.length : close;
    out += html.slice(at, until);
    at = until;
  }
}

/** Just behind the tag or comment that begins there; -1 where it does not end. */
function tagEnd(html: string, start: number): number {
  if (html.startsWith("<!--", start)) {
    const end = html.indexOf("-->", start);
    return end < 0 ? -1 : end + 3;
  }
  let quote = "";
  for (let at = start + 1; at < html.length; at++) {
    const char = html[at] ?? "";
    if (quote !== "") quote = char === quote ? "" : quote;
    else if ((char === '"' || char === "'") && html[at - 1] === "=") quote = char;
    else if (char === ">") return at + 1;
  }
  return -1;
}

/** Whatever is scanned is consumed, closed or not, so that no tag takes longer than its length. */
function rewriteTag(tag: string, names: readonly string[], seen: Seen): string {
  return tag.replaceAll(
    /(\s)([a-zA-Z]+)=("[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s"'>]+)/g,
    (whole, space: string, name: string, value: string) => {
      if (!names.includes(name.toLowerCase())) return whole;
      const quote = /^["']/.exec(value)?.[0] ?? "";
      if (quote !== "" && (value.length < 2 || !value.endsWith(quote))) return whole;
      const text = quote === "" ? value : value.slice(1, -1);
      return `${space}${name}=${quote}${rewriteUrl(text, seen)}${quote}`;
    },
  );
}
