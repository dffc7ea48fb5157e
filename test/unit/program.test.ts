import assert from "node:assert/strict";
import { field, recordStack, type Recorded } from "../support/recorded";

/** Everything that must be made before a resource: its dependencies, its parents', and theirs. */
function before(recorded: Recorded, name: string): Set<string> {
    const byUrn = new Map(recorded.resources.map((resource) => [resource.urn, resource]));
    const seen = new Map<string, string>();
    const visit = (urn: string): void => {
        const resource = byUrn.get(urn);
        if (resource && !seen.has(urn)) {
            seen.set(urn, resource.name);
            [...resource.dependsOn, resource.parent].forEach(visit);
        }
    };
    visit(recorded.get(name).urn);
    seen.delete(recorded.get(name).urn);
    return new Set(seen.values());
}

for (const stack of ["dev", "prod"]) {
    describe(`the program, stack ${stack}`, () => {
        let recorded: Recorded & { outputs: Record<string, unknown> };
        const preview: { recorded?: Recorded } = {};

        beforeEach(async () => {
            recorded ??= await recordStack(stack);
            preview.recorded ??= await recordStack(stack, {}, { preview: true });
        });

        it("makes every object of Istio after istiod, and every object of cert-manager after cert-manager", () => {
            const custom = recorded.resources.filter(({ type }) => /istio\.io|cert-manager\.io/.test(type));
            assert.ok(custom.length >= 20);
            for (const { name, type } of custom.filter(({ type }) => !type.includes("index:"))) {
                const release = type.includes("istio.io") ? "istio-istiod" : "cert-manager-release";
                assert.ok(before(recorded, name).has(release), `${name} does not wait for ${release}`);
            }
        });

        it("makes pods after istiod and after the policies of their namespace", () => {
            const names = recorded.ofType(":Deployment").map(({ name }) => name);
            for (const name of [...names, "external-gateway-release", "internal-gateway-release"]) {
                assert.ok(before(recorded, name).has("istio-istiod"), name);
                const namespace = names.includes(name) ? "bookinfo" : "istio-ingress";
                for (const policy of ["mtls", "default-deny"]) {
                    assert.ok(before(recorded, name).has(`${namespace}-${policy}`), `${name} ${policy}`);
                }
            }
        });

        it("lets nothing else wait: gateways and services not for cert-manager, cert-manager not for Istio", () => {
            const waitsFor = (name: string, other: string) => before(recorded, name).has(other);
            assert.ok(!waitsFor("external-gateway-release", "cert-manager-release"));
            assert.ok(!waitsFor("external-gateway-gateway", "cert-manager-release"));
            assert.ok(!waitsFor("bookinfo-productpage-v1", "external-gateway-release"));
            assert.ok(!waitsFor("bookinfo-productpage-v1", "cert-manager-release"));
            assert.ok(!waitsFor("cert-manager-release", "istio-base"));
            assert.ok(!waitsFor("istio-base", "cert-manager-release"));
            assert.ok(waitsFor("external-gateway-certificate-bookinfo", "cert-manager-release"));
        });

        it("knows every input already at preview", () => {
            const inputs = (made: Recorded | undefined) =>
                Object.fromEntries((made?.resources ?? []).map((resource) => [resource.name, resource.inputs]));
            assert.deepEqual(inputs(preview.recorded), inputs(recorded));
        });

        it("gives every resource the stack's own provider, and none the current context", () => {
            const kubernetes = recorded.resources.filter(({ type }) => type.startsWith("kubernetes:"));
            assert.ok(kubernetes.length > 40);
            for (const { name, provider } of kubernetes) {
                assert.match(provider, /::cluster::/, name);
            }
            assert.equal(field(recorded.get("cluster").inputs, "context"), "test");
        });

        it("protects what the stack says: the control plane, cert-manager and the CA, and nothing else", () => {
            const guarded = recorded.resources.filter(({ protect }) => protect).map(({ name }) => name);
            const roots = ["istio", "cert-manager", "private-ca"];
            assert.deepEqual(
                roots.filter((name) => guarded.includes(name)),
                stack === "prod" ? roots : [],
            );
            assert.ok(guarded.every((name) => roots.some((root) => name === root || name.startsWith(`${root}-`))));
            assert.equal(guarded.includes("istio-base"), stack === "prod");
        });

        it("says where it can be reached", () => {
            const domain = stack === "dev" ? "dev.example.com" : "example.com";
            assert.deepEqual(recorded.outputs["urls"], [
                `https://bookinfo.${domain}/productpage`,
                "https://bookinfo.internal/productpage",
            ]);
            assert.deepEqual(recorded.outputs["gateways"], {
                external: { namespace: "istio-ingress", service: "istio-ingressgateway" },
                internal: { namespace: "istio-ingress", service: "istio-ingressgateway-internal" },
            });
        });
    });
}

describe("the program", () => {
    it("registers nothing but its stack when the config is wrong", async () => {
        await assert.rejects(
            recordStack("dev", { "pulumi-istio-platform:domain": "no domain" }),
            /domain is "no domain"/,
        );
    });

    it("routes a host of the config to its service", async () => {
        const routes = [{ host: "shop.example.com", namespace: "shop", service: "shop", port: 8080 }];
        const recorded = await recordStack("dev", { "pulumi-istio-platform:routes": JSON.stringify(routes) });
        const spec = ["route-shop-example-com-virtual-service", "spec"] as const;
        assert.deepEqual(recorded.input(...spec, "gateways"), ["istio-ingress/external-gateway"]);
        assert.equal(
            recorded.input(...spec, "http", 0, "route", 0, "destination", "host"),
            "shop.shop.svc.cluster.local",
        );
        assert.ok(recorded.names().includes("external-gateway-certificate-route-shop-example-com"));
    });
});
