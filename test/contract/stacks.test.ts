import assert from "node:assert/strict";
import { ensureCharts, ensurePrograms } from "../../sandbox";
import { Charts } from "../support/charts";
import {
    asObject,
    danglingReferences,
    find,
    isKubernetesObject,
    label,
    namespaceOf,
    unknownValues,
} from "../support/objects";
import { field, recordStack, type Recorded } from "../support/recorded";
import { Schemas, type KubernetesObject } from "../support/schemas";

/** Stacks, and single switches turned on them, whose every object is held against the published schemas. */
const variants: [string, string, Record<string, unknown>][] = [
    ["dev", "dev", {}],
    ["prod", "prod", {}],
    ["dev with the CNI plugin", "dev", { istio: { cni: true } }],
    ["dev with NetworkPolicies", "dev", { istio: { networkPolicies: true } }],
    ["dev, highly available", "dev", { highAvailability: true }],
    ["dev without the external gateway", "dev", { gateways: { external: { enabled: false } } }],
    ["dev without the internal gateway", "dev", { gateways: { internal: { enabled: false } } }],
    ["dev without the sample", "dev", { bookinfo: { enabled: false } }],
    [
        "dev with a route and annotations",
        "dev",
        {
            routes: [{ host: "shop.example.com", namespace: "shop", service: "shop", port: 80 }],
            gateways: { external: { serviceAnnotations: { a: "b" }, loadBalancerSourceRanges: ["10.0.0.0/8"] } },
        },
    ],
    [
        "prod with DNS-01",
        "prod",
        {
            certificates: {
                issuer: "letsencrypt-prod",
                email: "platform@example.com",
                challenge: "dns01",
                dns01: { route53: { region: "eu-west-1" } },
            },
        },
    ],
];

const silent = () => undefined;

let charts: Charts;
let schemas: Schemas;

before(async function () {
    this.timeout(30 * 60 * 1000);
    const programs = await ensurePrograms(silent);
    charts = new Charts(programs.helm, await ensureCharts(silent));
    const dev = await recordStack("dev");
    const crds = dev
        .ofType(":Release")
        .flatMap((release) => charts.render(release))
        .filter(({ kind }) => kind === "CustomResourceDefinition");
    schemas = new Schemas(programs.swagger, crds);
});

for (const [title, stack, changes] of variants) {
    describe(`contract of ${title}`, () => {
        let recorded: Recorded;
        let objects: KubernetesObject[];

        before(async () => {
            const config = Object.entries(changes).map(
                ([key, value]) => [`pulumi-istio-platform:${key}`, JSON.stringify(value)] as const,
            );
            recorded = await recordStack(stack, Object.fromEntries(config));
            objects = recorded.resources.filter(isKubernetesObject).map(asObject);
        });

        it("has only objects that the published schemas accept, unknown fields refused", () => {
            assert.ok(objects.length > 10);
            assertNone(
                objects.flatMap((object) => schemas.problems(object).map((problem) => `${label(object)} ${problem}`)),
            );
        });

        it("has only chart values that the charts know", () => {
            const releases = recorded.ofType(":Release");
            assert.ok(releases.length >= 3);
            assertNone(
                releases.flatMap((release) =>
                    unknownValues(release.name, release.inputs["values"], charts.defaults(release)),
                ),
            );
        });

        it("routes to gateways, services and subsets that are there, with certificates that are issued", () => {
            assertNone(danglingReferences(objects, renderAll(recorded)));
        });

        it("gives each namespace STRICT mTLS and default deny before its workloads", () => {
            const workloads = new Set(objects.filter(({ kind }) => kind === "Deployment").map(namespaceOf));
            for (const namespace of workloads) {
                assert.ok(find(objects, "PeerAuthentication", "default", namespace), namespace);
                assert.deepEqual(field(find(objects, "AuthorizationPolicy", "default-deny", namespace), "spec"), {});
            }
        });
    });
}

describe("the schemas", () => {
    const metadata = { name: "shop", namespace: "shop" };
    const gateway = (server: object): KubernetesObject => ({
        apiVersion: "networking.istio.io/v1",
        kind: "Gateway",
        metadata,
        spec: {
            servers: [
                {
                    hosts: ["shop/shop.example.com"],
                    port: { number: 443, name: "https", protocol: "HTTPS" },
                    ...server,
                },
            ],
        },
    });

    it("accept a right object and refuse a misspelt field, a wrong choice, a wrong type and an unknown kind", () => {
        assert.deepEqual(schemas.problems(gateway({ tls: { mode: "SIMPLE" } })), []);
        assert.match(schemas.problems(gateway({ tlss: {} })).join(), /must NOT have additional properties/);
        assert.match(
            schemas.problems(gateway({ tls: { mode: "STRICT" } })).join(),
            /must be equal to one of the allowed values/,
        );
        const service = { apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ port: "http" }] } };
        assert.match(schemas.problems(service).join(), /port: must be integer/);
        assert.match(schemas.problems({ ...service, kind: "Servise" }).join(), /there is no schema for/);
    });
});

describe("the checks of references and values", () => {
    it("find a certificate, a gateway, a subset and a service that are missing, and pods that nothing selects", async () => {
        const dev = await recordStack("dev");
        const objects = dev.resources.filter(isKubernetesObject).map(asObject);
        const without = (kind: string) =>
            danglingReferences(
                objects.filter((object) => object.kind !== kind),
                renderAll(dev),
            ).join();
        assert.match(without("Certificate"), /no Certificate makes the secret "bookinfo-tls"/);
        assert.match(without("Gateway"), /there is no Gateway istio-ingress\/external-gateway/);
        assert.match(without("DestinationRule"), /no DestinationRule has the subset "v1"/);
        assert.match(without("Service"), /there is no Service bookinfo\/productpage/);
        assert.match(danglingReferences(objects, []).join(), /external-gateway selects 0 gateways/);
    });

    it("find a value that a chart does not have, at any depth", async () => {
        const [release] = (await recordStack("dev")).ofType(":Release").filter(({ name }) => name === "istio-istiod");
        assert.ok(release);
        const known = charts.defaults(release);
        assert.deepEqual(unknownValues("istiod", { global: { proxyy: 1 }, autoscaleMin: 1 }, known), [
            "istiod: the chart has no value global.proxyy",
        ]);
    });
});

describe("contract of the releases", () => {
    for (const stack of ["dev", "prod"]) {
        it(`renders only objects that the published schemas accept in ${stack}`, async function () {
            this.timeout(60000);
            const rendered = (await recordStack(stack)).ofType(":Release").flatMap((release) => charts.render(release));
            assert.ok(rendered.length > 40);
            assertNone(
                rendered
                    .filter(({ kind }) => kind !== "CustomResourceDefinition")
                    .flatMap((object) => schemas.problems(object).map((problem) => `${label(object)} ${problem}`)),
            );
        });
    }

    it("limits the resources of every container in prod", async () => {
        const prod = await recordStack("prod");
        const rendered = prod.ofType(":Release").flatMap((release) => charts.render(release));
        const all = [...rendered, ...prod.resources.filter(isKubernetesObject).map(asObject)];
        const pods = all.filter(({ kind }) => ["Deployment", "DaemonSet", "Job"].includes(kind));
        assert.ok(pods.length >= 12);
        for (const pod of pods) {
            const containers = field(pod, "spec", "template", "spec", "containers");
            assert.ok(Array.isArray(containers));
            for (const container of containers) {
                assert.ok(field(container, "resources", "requests", "cpu"), `${label(pod)} requests no CPU`);
                assert.ok(field(container, "resources", "limits", "memory"), `${label(pod)} has no memory limit`);
            }
        }
    });

    it("makes disruption budgets in prod that bind: fewer must stay than run", async () => {
        const prod = await recordStack("prod");
        const rendered = prod.ofType(":Release").flatMap((release) => charts.render(release));
        const all = [...rendered, ...prod.resources.filter(isKubernetesObject).map(asObject)];
        const budgets = all.filter(({ kind }) => kind === "PodDisruptionBudget");
        assert.equal(budgets.length, 12);
        for (const budget of budgets) {
            assert.equal(field(budget, "spec", "minAvailable"), 1, label(budget));
        }
    });

    it("takes every image from the mirror when there is one", async () => {
        const registry = "registry.example.com:5000";
        const made = await recordStack("prod", { "pulumi-istio-platform:images": JSON.stringify({ registry }) });
        const rendered = made.ofType(":Release").flatMap((release) => charts.render(release));
        const all = [...rendered, ...made.resources.filter(isKubernetesObject).map(asObject)];
        const images = JSON.stringify(all).match(/"image":"[^"{]+"/g) ?? [];
        assert.ok(images.length >= 10);
        for (const image of images.filter((image) => image !== '"image":"auto"')) {
            assert.match(image, /^"image":"registry\.example\.com:5000\//);
        }
    });
});

function renderAll(recorded: Recorded): KubernetesObject[] {
    return recorded.ofType(":Release").flatMap((release) => charts.render(release));
}

function assertNone(problems: string[]): void {
    assert.equal(problems.length, 0, problems.join("\n"));
}
