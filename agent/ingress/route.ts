import type { BackendTrust } from "../../client/gateway/backend-tls.ts";

/** What a node does with requests, as plain values that may be handed to another thread. Ingresses are made into these; whatever
 *  else describes routes may be, too. */

/** What one owner has the node do for one host: a name in lower case, `*.` and a name, or "" for every host. */
export interface HostRoutes {
  readonly host: string;
  readonly routes: readonly Route[];
}

export interface Route {
  /** For people: whose it is, and which part of it. */
  readonly id: string;
  /** Of two routes that match alike the one of the lesser rank is taken: the older one's. */
  readonly rank: string;
  readonly path: PathMatch;
  /** All must hold. A route with more of them comes first. */
  readonly conditions: readonly Condition[];
  /** Only for requests that no other route of the host takes. */
  readonly isFallback: boolean;
  readonly gate: Gate;
  readonly action: Action;
}

export type PathMatch =
  | { readonly kind: "exact" | "prefix"; readonly path: string }
  /** RE2's syntax, from the path's beginning, whatever the case. */
  | { readonly kind: "pattern"; readonly text: string };

export type Condition =
  | { readonly kind: "header" | "cookie" | "query"; readonly name: string; readonly test: ValueTest }
  | { readonly kind: "method"; readonly method: string }
  /** So many of a hundred requests. */
  | { readonly kind: "share"; readonly percent: number };

export type ValueTest =
  | { readonly kind: "is" | "isNot"; readonly value: string }
  | { readonly kind: "pattern"; readonly text: string };

/** What is looked at before a request goes anywhere. */
export interface Gate {
  /** Ranges of clients' addresses; empty: everybody. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Plain requests are led to https. "ifServed": where the host has a certificate. */
  readonly toTls: "never" | "ifServed" | "always";
  readonly cors: Cors | undefined;
  readonly limits: RateLimits | undefined;
}

/** What each client may ask. */
export interface RateLimits {
  /** Whose limits they are: routes of one owner count together. */
  readonly owner: string;
  readonly requests: readonly { readonly perSecond: number; readonly atOnce: number }[];
  /** Ranges of clients' addresses that may ask as they like. */
  readonly except: readonly string[];
}

export interface Cors {
  /** `*` stands for all; `scheme://*.name` for what `wildcard` says. */
  readonly origins: readonly string[];
  readonly wildcard: "oneLabel" | "anyLabels";
  /** Undefined: nothing is said of them. */
  readonly methods: string | undefined;
  readonly headers: string | undefined;
  readonly exposed: string;
  readonly withCredentials: boolean;
  readonly maxAgeSeconds: number;
  /** To clients that bring credentials `*` means nothing: they are told what they ask for. */
  readonly echoes: boolean;
}

export type Action =
  | Forward
  /** To an address, or to that of the request with other parts. */
  | { readonly kind: "redirect"; readonly status: number; readonly location: string | RedirectParts }
  | { readonly kind: "refuse"; readonly status: number; readonly why: string };

/** Absent parts stay as they are in the request. */
export interface RedirectParts {
  readonly scheme: "http" | "https" | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: PathRewrite | undefined;
}

export interface Forward {
  readonly kind: "forward";
  /** Shares are relative to each other; one without weight takes nothing. Where none takes anything the answer is 500. */
  readonly backends: readonly WeightedBackend[];
  readonly settings: ForwardSettings;
}

export interface WeightedBackend {
  /** By which its endpoints are known: `namespace/service:port`. Undefined: it leads nowhere, and its share is answered 500. */
  readonly backend: string | undefined;
  readonly weight: number;
  /** What of the settings is otherwise for this one. */
  readonly own?: Pick<Partial<ForwardSettings>, "protocol" | "trust" | "requestHeaders" | "responseHeaders">;
}

/** What is put in place of a request's path. */
export type PathRewrite =
  /** `$1` is what the first group of the path's pattern matched; it may bring a query of its own. */
  | { readonly kind: "pattern"; readonly text: string }
  | { readonly kind: "whole"; readonly path: string }
  /** In place of the prefix that the request's path was matched by. */
  | { readonly kind: "prefix"; readonly prefix: string; readonly path: string };

export const protocols = ["http", "https", "grpc", "grpcs"] as const;
export type BackendProtocol = (typeof protocols)[number];

export interface ForwardSettings {
  readonly protocol: BackendProtocol;
  readonly connectTimeoutMs: number;
  /** Between two pieces from the backend. */
  readonly readTimeoutMs: number;
  /** Between two pieces that the other side takes. */
  readonly sendTimeoutMs: number;
  /** Until the whole answer is given; undefined: no bound. */
  readonly requestTimeoutMs: number | undefined;
  /** Until one endpoint begins to answer; undefined: no bound but the others. */
  readonly attemptTimeoutMs: number | undefined;
  readonly retry: Retry;
  /** Who is sent a copy, whose answer is nobody's. */
  readonly mirrors: readonly Mirror[];
  /** Of a request; undefined: no bound. */
  readonly bodyBytesMost: number | undefined;
  readonly rewrite: PathRewrite | undefined;
  /** The path to which a request of `/` is led. */
  readonly appRoot: string | undefined;
  /** The host that the backend is told. */
  readonly host: string | undefined;
  readonly forwardedPrefix: string | undefined;
  readonly affinity: CookieAffinity | undefined;
  readonly requestHeaders: HeaderEdits;
  readonly responseHeaders: HeaderEdits;
  /** By which a backend's certificate is asked for (SNI). */
  readonly tlsName: string | undefined;
  /** By which a backend's certificate is checked; undefined: it is not. */
  readonly trust: BackendTrust | undefined;
}

export const retryReasons = ["error", "timeout", "invalid_header", "non_idempotent"] as const;

export interface Retry {
  readonly reasons: readonly (typeof retryReasons)[number][];
  readonly statuses: readonly number[];
  /** With the first one. */
  readonly triesMost: number;
  /** No try begins later; undefined: whenever. */
  readonly withinMs: number | undefined;
  /** Between two tries, at least. */
  readonly backoffMs: number;
  /** Endpoints that were tried are tried again once all were, and one that does not begin to answer in time is one that failed. */
  readonly again: boolean;
}

export interface Mirror {
  readonly backend: string;
  readonly protocol: BackendProtocol;
  readonly trust: BackendTrust | undefined;
  /** Of all requests, from 0 to 1. */
  readonly share: number;
}

export interface CookieAffinity {
  readonly cookie: string;
  readonly path: string;
  readonly domain: string | undefined;
  readonly maxAgeSeconds: number | undefined;
  readonly expiresSeconds: number | undefined;
  readonly sameSite: string | undefined;
  /** Undefined: where the client speaks TLS. */
  readonly secure: boolean | undefined;
  /** A client whose endpoint fails is given another one for good. */
  readonly changesOnFailure: boolean;
  /** After so long a client is given an endpoint anew; undefined: it keeps its own. */
  readonly absoluteSeconds: number | undefined;
}

/** Names in lower case. */
export interface HeaderEdits {
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

export const noEdits: HeaderEdits = { set: {}, add: {}, remove: [] };

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}
