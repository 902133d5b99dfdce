import { useProtocolInTests } from "../controlplane/apiserver/testing.ts";

/** Loaded before tests (`npx mocha --require ./test/over-http2.ts …`): their clients speak HTTP/2 to the API servers that they
 *  start. */
useProtocolInTests("HTTP/2");
