import { parseAddress, parseIpRange } from "../../base/ip-range.ts";
import { alreadySo, annotationPrefix, closingAnnotations, harmlessValues } from "./annotation-names.ts";
import {
  readBytes,
  readCount,
  readHeaderText,
  readList,
  readLocation,
  readSeconds,
  readSwitch,
  readToken,
} from "./annotation-values.ts";
import { patternOf } from "./conditions.ts";
import { type BackendProtocol, type Retry, retryReasons } from "./route.ts";

/** What an Ingress's annotations ask for, by ingress-nginx's names. Pure. */
export interface AnnotatedWishes {
  readonly values: AnnotationValues;
  /** Said about the Ingress. */
  readonly problems: readonly string[];
  /** Set: its routes answer nothing but this. */
  readonly closedBy: string | undefined;
}

/** A value for each annotation that was given and could be read. */
export type AnnotationValues = {
  readonly [K in keyof typeof readers]?: NonNullable<ReturnType<(typeof readers)[K]>>;
};

const oneOf =
  <T extends string>(...words: readonly T[]) =>
  (text: string): T | undefined =>
    words.find((word) => word.toLowerCase() === text.trim().toLowerCase());

const ranges = (text: string): readonly string[] | undefined => {
  const all = readList(text);
  const isRange = (one: string) => (parseIpRange(one) ?? parseAddress(one)) !== undefined;
  return all.length > 0 && all.every(isRange) ? all : undefined;
};

const redirectStatus = (text: string): number | undefined => {
  const status = readCount(text);
  return status !== undefined && status >= 300 && status <= 308 && status !== 304 && status !== 306
    ? status
    : undefined;
};

const origins = (text: string): readonly string[] | undefined => {
  const all = readList(text);
  const isOrigin = (one: string) =>
    one === "*" || /^[a-z][a-z0-9+.-]*:\/\/(\*\.)?[-a-zA-Z0-9_.:]+$/.test(one);
  return all.length > 0 && all.every(isOrigin) ? all : undefined;
};

const tokens = (text: string): string | undefined => {
  const all = readList(text);
  return all.length > 0 && all.every((one) => readToken(one) !== undefined) ? all.join(", ") : undefined;
};

const path = (text: string): string | undefined =>
  /^\/[\x21-\x7e]{0,1000}$/.test(text) && !/[;,]/.test(text) ? text : undefined;

const hostName = (text: string): string | undefined =>
  /^[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?(:\d{1,5})?$/.test(text) ? text : undefined;

const readers = {
  "ssl-redirect": readSwitch,
  "force-ssl-redirect": readSwitch,
  "permanent-redirect": readLocation,
  "permanent-redirect-code": redirectStatus,
  "temporal-redirect": readLocation,
  "temporal-redirect-code": redirectStatus,
  "app-root": path,
  "rewrite-target": (text: string) => (/^[\x21-\x7e]{1,1000}$/.test(text) ? text : undefined),
  "use-regex": readSwitch,
  "backend-protocol": oneOf<Uppercase<BackendProtocol>>("HTTP", "HTTPS", "GRPC", "GRPCS"),
  "proxy-connect-timeout": readSeconds,
  "proxy-read-timeout": readSeconds,
  "proxy-send-timeout": readSeconds,
  "proxy-next-upstream": readRetry,
  "proxy-next-upstream-tries": readCount,
  "proxy-next-upstream-timeout": readSeconds,
  "proxy-body-size": readBytes,
  "proxy-ssl-name": hostName,
  "proxy-ssl-server-name": readSwitch,
  "upstream-vhost": hostName,
  "x-forwarded-prefix": path,
  "service-upstream": readSwitch,
  "server-alias": readList,
  "from-to-www-redirect": readSwitch,
  "whitelist-source-range": ranges,
  "allowlist-source-range": ranges,
  "denylist-source-range": ranges,
  "limit-rps": readCount,
  "limit-rpm": readCount,
  "limit-burst-multiplier": (text: string) => readCount(text) || undefined,
  "limit-whitelist": ranges,
  "limit-allowlist": ranges,
  affinity: oneOf("cookie"),
  "affinity-mode": oneOf("persistent"),
  "session-cookie-name": readToken,
  "session-cookie-path": path,
  "session-cookie-domain": hostName,
  "session-cookie-max-age": readSeconds,
  "session-cookie-expires": readSeconds,
  "session-cookie-samesite": oneOf("None", "Lax", "Strict"),
  "session-cookie-secure": readSwitch,
  "session-cookie-change-on-failure": readSwitch,
  "enable-cors": readSwitch,
  "cors-allow-origin": origins,
  "cors-allow-methods": tokens,
  "cors-allow-headers": tokens,
  "cors-expose-headers": tokens,
  "cors-allow-credentials": readSwitch,
  "cors-max-age": readSeconds,
  canary: readSwitch,
  "canary-weight": readCount,
  "canary-weight-total": (text: string) => readCount(text) || undefined,
  "canary-by-header": readToken,
  "canary-by-header-value": readHeaderText,
  "canary-by-header-pattern": (text: string) =>
    text.length <= 1_000 && patternOf(`(?s:.*)(?:${text})(?s:.*)`) !== undefined ? text : undefined,
  "canary-by-cookie": readToken,
} as const;

/** A range that cannot be read would let everybody in, or nobody be kept out. */
const closingWhenUnreadable: ReadonlySet<string> = new Set([
  "whitelist-source-range",
  "allowlist-source-range",
  "denylist-source-range",
  "limit-rps",
  "limit-rpm",
  "canary",
  "canary-weight",
  "canary-weight-total",
  "canary-by-header",
  "canary-by-header-pattern",
  "backend-protocol",
]);

export function annotatedWishes(annotations: Readonly<Record<string, string>>): AnnotatedWishes {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  const unknown: string[] = [];
  let closedBy: string | undefined;
  for (const [key, text] of Object.entries(annotations)) {
    if (!key.startsWith(annotationPrefix)) continue;
    const name = key.slice(annotationPrefix.length);
    const word = text.trim().toLowerCase();
    if (Object.hasOwn(readers, name)) {
      const value = readers[name as keyof typeof readers](text);
      if (value !== undefined) values[name] = value;
      else {
        problems.push(
          `${key}: ${JSON.stringify(text.slice(0, 100))} is not a value of it that is known here`,
        );
        if (closingWhenUnreadable.has(name)) closedBy ??= key;
      }
    } else if (closingAnnotations.has(name)) {
      if (!harmlessValues[name]?.includes(word)) closedBy ??= key;
    } else if (!(Object.hasOwn(alreadySo, name) && alreadySo[name]?.includes(word))) unknown.push(key);
  }
  if (closedBy !== undefined)
    problems.push(
      `${closedBy} is not honoured here, and without it the routes would be open: they answer 503`,
    );
  if (unknown.length > 0) problems.push(`not honoured here: ${unknown.sort().join(", ")}`);
  return { values: values as AnnotationValues, problems, closedBy };
}

function readRetry(text: string): Pick<Retry, "reasons" | "statuses"> | undefined {
  const words = text.trim().split(/\s+/);
  const statuses: number[] = [];
  const reasons: Retry["reasons"][number][] = [];
  for (const word of words) {
    const status = /^http_(403|404|429|500|502|503|504)$/.exec(word)?.[1];
    const reason = retryReasons.find((one) => one === word);
    if (status !== undefined) statuses.push(Number(status));
    else if (reason !== undefined) reasons.push(reason);
    else if (word !== "off") return undefined;
  }
  return words.includes("off") ? { reasons: [], statuses: [] } : { reasons, statuses };
}
