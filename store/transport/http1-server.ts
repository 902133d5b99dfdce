import { createServer, type RequestListener, type Server } from "node:http";

/** How long the head of a request may take to come. Bodies may be streams. */
const limits = { headersTimeout: 60_000, requestTimeout: 0 };

/** A server of HTTP/1.1 for connections that are handed to it. */
export function http1Server(
  listener: RequestListener,
  options: { readonly headersTimeout?: number; readonly connectionsCheckingInterval?: number } = {},
): Server {
  const server = createServer({ ...limits, ...options }, listener);
  // Node looks after heads that do not come from when a server listens, which this one never does by itself.
  server.emit("listening");
  return server;
}
