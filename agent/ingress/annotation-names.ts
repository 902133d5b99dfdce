/** Annotations of ingress-nginx by what becomes of them here; those that are honoured are in `annotations.ts`. */

export const annotationPrefix = "nginx.ingress.kubernetes.io/";

/** They protect something, or change who answers: a route that has one answers 503, since without it the route would be open, or
 *  another's. */
export const closingAnnotations: ReadonlySet<string> = new Set([
  "auth-type",
  "auth-secret",
  "auth-secret-type",
  "auth-url",
  "auth-signin",
  "auth-method",
  "auth-snippet",
  "auth-tls-secret",
  "auth-tls-verify-client",
  "auth-tls-match-cn",
  "auth-tls-error-page",
  "auth-tls-pass-certificate-to-upstream",
  "enable-modsecurity",
  "enable-owasp-core-rules",
  "modsecurity-snippet",
  "modsecurity-transaction-id",
  "enable-global-auth",
  "configuration-snippet",
  "server-snippet",
  "stream-snippet",
  "proxy-ssl-secret",
  "proxy-ssl-verify",
  "ssl-passthrough",
  "fastcgi-index",
  "fastcgi-params-configmap",
  "satisfy",
]);

/** Closing ones say nothing with these values. */
export const harmlessValues: Readonly<Record<string, readonly string[]>> = {
  "enable-modsecurity": ["false"],
  "enable-owasp-core-rules": ["false"],
  "enable-global-auth": ["false"],
  "proxy-ssl-verify": ["off"],
  "ssl-passthrough": ["false"],
};

/** What streams need not be told: that they are streams. */
export const alreadySo: Readonly<Record<string, readonly string[]>> = {
  "proxy-buffering": ["off"],
  "proxy-request-buffering": ["off"],
  "proxy-http-version": ["1.1"],
  "load-balance": ["round_robin"],
  "preserve-trailing-slash": ["true"],
  "http2-push-preload": ["false"],
  "enable-rewrite-log": ["false"],
  "enable-opentracing": ["false"],
  "enable-opentelemetry": ["false"],
  "enable-access-log": ["false"],
};
