import { useStorageInTests } from "../controlplane/apiserver/testing.ts";
import { storageBeside } from "./store-beside.ts";

/** Loaded before tests (`npx mocha --require ./test/over-own-store.ts …`): API servers that they start stand on a store of their
 *  own in the same process, in place of memory. */
useStorageInTests(storageBeside);
