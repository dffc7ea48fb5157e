import assert from "node:assert/strict";
import type { Deployment, ResourceResult } from "../../../tools/deployment";
import { formatDuration } from "../../../tools/duration";
import {
    byComponent,
    count,
    describeCounts,
    describeEntrances,
    gatewayAddresses,
    leftOut,
} from "../../../tools/summary";

const result = (name: string, parent: string, start: number, end: number): ResourceResult => ({
    urn: name,
    type: "kubernetes:core/v1:ConfigMap",
    name,
    parent,
    outcome: "created",
    start,
    end,
});

const deployment: Deployment = {
    components: [
        { urn: "stack", type: "pulumi:pulumi:Stack", name: "stack", parent: "" },
        { urn: "mesh", type: "shop:index:Mesh", name: "istio", parent: "stack" },
        { urn: "inner", type: "shop:index:Inner", name: "part", parent: "mesh" },
    ],
    results: [
        result("free", "stack", 0, 1),
        result("a", "mesh", 5, 15),
        { ...result("b", "inner", 10, 20), outcome: "left out", note: "no chart" },
        { ...result("c", "mesh", 30, 35), outcome: "unchanged" },
    ],
    outputs: {},
    milliseconds: 35,
};

describe("the summary of a deployment", () => {
    it("groups resources by the component that owns them, and counts time once where they overlap", () => {
        const found = byComponent(deployment);
        const mesh = found.find(({ component }) => component === "Mesh istio");
        assert.equal(mesh?.resources, 3);
        assert.equal(mesh?.milliseconds, 20);
        assert.equal(found.find(({ component }) => component.trim() === "Inner part")?.resources, 1);
        assert.equal(found.at(-1)?.component, "(no component)");
    });

    it("says what changed in words", () => {
        assert.equal(describeCounts(count(deployment.results)), "2 created, 1 left out");
        assert.equal(describeCounts({ unchanged: 7 }), "0 changes");
        assert.deepEqual(leftOut(deployment), ["b: no chart"]);
    });

    it("finds the addresses of gateways of both kinds, and of one that has none yet", async () => {
        const services: Record<string, unknown> = {
            outer: {
                spec: { type: "LoadBalancer" },
                status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }, { hostname: "lb" }] } },
            },
            inner: { spec: { type: "ClusterIP", clusterIPs: ["10.0.0.9"] } },
            fresh: { spec: { type: "LoadBalancer" } },
        };
        const outputs = {
            gateways: Object.fromEntries(
                Object.keys(services).map((service) => [service, { namespace: "in", service }]),
            ),
            urls: ["https://shop"],
        };
        const kube = { read: (_api: string, _kind: string, name: string) => Promise.resolve(services[name]) };
        assert.deepEqual(describeEntrances(await gatewayAddresses(kube, outputs), outputs), [
            "Gateways",
            "  outer  192.0.2.1, lb  (LoadBalancer in/outer)",
            "  inner  10.0.0.9  (ClusterIP in/inner)",
            "  fresh  no address yet  (LoadBalancer in/fresh)",
            "URLs",
            "  https://shop",
        ]);
    });

    it("writes time spans for people", () => {
        assert.deepEqual([50, 9_940, 9_960, 59_400, 59_600, 451_000].map(formatDuration), [
            "0.1 s",
            "9.9 s",
            "10 s",
            "59 s",
            "1 min 0 s",
            "7 min 31 s",
        ]);
    });
});
