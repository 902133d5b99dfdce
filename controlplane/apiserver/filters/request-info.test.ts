import assert from "node:assert/strict";
import { isLongRunning, requestInfo } from "./request-info.ts";

describe("request info", () => {
  // method, url, then: verb group/version namespace plural/subresource name
  const cases = [
    ["GET", "/api/v1/pods", "list /v1 - pods -"],
    ["GET", "/api/v1/namespaces/a/pods?watch=true", "watch /v1 a pods -"],
    ["GET", "/api/v1/namespaces/a/pods?watch=false", "list /v1 a pods -"],
    ["GET", "/api/v1/namespaces/a/pods/p", "get /v1 a pods p"],
    ["POST", "/api/v1/namespaces/a/pods/p/binding", "create /v1 a pods/binding p"],
    ["GET", "/api/v1/namespaces/a", "get /v1 a namespaces a"],
    ["PUT", "/api/v1/namespaces/a/finalize", "update /v1 a namespaces/finalize a"],
    ["PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale", "patch apps/v1 a deployments/scale d"],
    ["DELETE", "/apis/apps/v1/namespaces/a/deployments", "deletecollection apps/v1 a deployments -"],
    ["DELETE", "/api/v1/nodes/n", "delete /v1 - nodes n"],
    ["GET", "/api/v1/namespaces/a/pods/p/log?follow=1", "get /v1 a pods/log p"],
    ["GET", "/api/v1/watch/namespaces/a/pods", "watch /v1 a pods -"],
    ["GET", "/api/v1/namespaces/a/pods?watch=FALSE", "list /v1 a pods -"],
    // Whatever follows: it must not be asked for as a path that is no resource.
    ["GET", "/apis/g.io/v1/namespaces/a/vms/v/portforward/80/tcp", "get g.io/v1 a vms/portforward v"],
    ["GET", "/api/v1/nodes/n/status/x", "get /v1 - nodes/status n"],
    // As in Kubernetes: one object is watched by a selector, or by an old path.
    ["GET", "/api/v1/namespaces/a/pods/p?watch=1", "get /v1 a pods p"],
    // As in Kubernetes, which divides what is no longer escaped.
    ["GET", "/api/v1/namespaces/a/configmaps/x%2Fy", "get /v1 a configmaps/y x"],
    ["GET", "/api/v1/namespaces/a/configmaps/x%25y", "get /v1 a configmaps x%y"],
    ["GET", "/api/v1/namespaces/a/configmaps//", "list /v1 a configmaps -"],
    ["GET", "/api/v1/namespaces/a/configmaps/%ff", "get /v1 a configmaps \ufffd"],
    // No verb is one that only rules for all verbs give.
    ["OPTIONS", "/api/v1/namespaces/a/configmaps/x", " /v1 a configmaps x"],
    ["TRACE", "/api/v1/watch/pods", " /v1 - pods -"],
  ] as const;
  for (const [method, url, wanted] of cases)
    it(`${method} ${url}`, () => {
      const { resource } = requestInfo(method, url);
      assert.ok(resource);
      const { verb, group, version, namespace, plural, subresource, name } = resource;
      const what = subresource === "" ? plural : `${plural}/${subresource}`;
      assert.equal(`${verb} ${group}/${version} ${namespace || "-"} ${what} ${name || "-"}`, wanted);
    });
  for (const url of ["/", "/healthz", "/api", "/api/v1", "/apis/apps/v1", "/openapi/v3/apis/apps/v1"])
    it(`${url} names no resource`, () => {
      assert.equal(requestInfo("GET", url).resource, undefined);
    });
  it("reads a query as Go does", () => {
    const read = (query: string) => [...requestInfo("GET", `/version?${query}`).query].map(String);
    assert.deepEqual(read("a=1;b=2&c=%zz&%d=1&d=%20&e"), ["d, ", "e,"]);
    assert.deepEqual(read("?a=1"), ["?a,1"]);
  });
  for (const url of ["/api/v1/watch", "/api/v1/%77atch//", "/apis/none/v1/proxy?a=b"])
    it(`${url} says a verb alone`, () => {
      const flaw = `unable to determine kind and namespace from url, ${url}`;
      assert.equal(requestInfo("GET", url).flaw, flaw);
    });
  it("finds nothing wrong where a resource has the name of a verb, or a verb something behind it", () => {
    for (const url of ["/api/v1/namespaces/a/watch", "/api/v1/watch/pods", "/api/v1/watch/watch/pods"])
      assert.equal(requestInfo("GET", url).flaw, undefined);
  });
  it("knows what lasts", () => {
    const lasts = (url: string) => isLongRunning(requestInfo("GET", url));
    assert.ok(lasts("/api/v1/pods?watch=1"));
    assert.ok(lasts("/api/v1/namespaces/a/pods/p/log?follow=true"));
    assert.ok(!lasts("/api/v1/namespaces/a/pods/p/log"));
    assert.ok(lasts("/api/v1/namespaces/a/pods/p/exec?command=x"));
  });
});
