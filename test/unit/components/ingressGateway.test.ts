import assert from "node:assert/strict";
import { GatewayExposure, IngressGateway, type IngressGatewayArgs } from "../../../components";
import { record } from "../../support/recorded";

const host = { host: "shop.example.com", namespace: "shop" };

function args(changes: Partial<IngressGatewayArgs> = {}): IngressGatewayArgs {
    return {
        exposure: GatewayExposure.External,
        namespace: "istio-ingress",
        certificates: [{ name: "shop", hosts: [host], issuerName: "private-ca" }],
        ...changes,
    };
}

const make = (changes: Partial<IngressGatewayArgs> = {}) =>
    record(() => new IngressGateway("external-gateway", args(changes)));
const makeInternal = () =>
    record(() => new IngressGateway("internal-gateway", args({ exposure: GatewayExposure.Internal })));

describe("IngressGateway", () => {
    it("derives the secret, the Certificate and credentialName from one value, in the pods' namespace", async () => {
        const made = await make();
        const certificate = "external-gateway-certificate-shop";
        const server = ["external-gateway-gateway", "spec", "servers", 0] as const;
        assert.equal(made.input(certificate, "spec", "secretName"), "shop-tls");
        assert.equal(made.input(...server, "tls", "credentialName"), "shop-tls");
        for (const name of [certificate, "external-gateway-gateway"]) {
            assert.equal(made.input(name, "metadata", "namespace"), "istio-ingress");
        }
        assert.equal(made.input("external-gateway-release", "namespace"), "istio-ingress");
    });

    it("issues ECDSA certificates that rotate", async () => {
        const made = await make({
            certificates: [
                {
                    name: "shop",
                    issuerName: "private-ca",
                    hosts: [host, { host: "www.example.com", namespace: "shop" }],
                },
            ],
        });
        const spec = ["external-gateway-certificate-shop", "spec"] as const;
        assert.deepEqual(made.input(...spec, "dnsNames"), ["shop.example.com", "www.example.com"]);
        assert.deepEqual(made.input(...spec, "privateKey"), {
            algorithm: "ECDSA",
            size: 256,
            rotationPolicy: "Always",
        });
        assert.equal(made.input(...spec, "duration"), "2160h");
        assert.equal(made.input(...spec, "renewBeforePercentage"), 33);
    });

    it("selects by labels that the release puts on its pods", async () => {
        for (const [made, name] of [
            [await make(), "external-gateway"],
            [await makeInternal(), "internal-gateway"],
        ] as const) {
            const labels = made.input(`${name}-release`, "values", "labels");
            const selector = made.input(`${name}-gateway`, "spec", "selector");
            assert.ok(
                typeof selector === "object" && selector !== null && typeof labels === "object" && labels !== null,
            );
            assert.deepEqual({ ...labels, ...selector }, labels);
            assert.deepEqual(made.input(`${name}-allow-hosts`, "spec", "selector", "matchLabels"), selector);
        }
    });

    it("is a LoadBalancer with 80 and 443 outside, a ClusterIP with 443 alone inside", async () => {
        const ports = (service: unknown) =>
            Array.isArray(service) ? service.map((port: { port: number }) => port.port) : service;
        const external = await make();
        assert.equal(external.input("external-gateway-release", "values", "service", "type"), "LoadBalancer");
        assert.deepEqual(
            ports(external.input("external-gateway-release", "values", "service", "ports")),
            [15021, 80, 443],
        );
        const internal = await makeInternal();
        assert.equal(internal.input("internal-gateway-release", "values", "service", "type"), "ClusterIP");
        assert.deepEqual(ports(internal.input("internal-gateway-release", "values", "service", "ports")), [443]);
        assert.equal(internal.input("internal-gateway-release", "name"), "istio-ingressgateway-internal");
    });

    it("speaks TLS 1.2 or better, SIMPLE outside and MUTUAL inside", async () => {
        const tls = ["spec", "servers", 0, "tls"] as const;
        const external = await make();
        assert.equal(external.input("external-gateway-gateway", ...tls, "mode"), "SIMPLE");
        assert.equal(external.input("external-gateway-gateway", ...tls, "minProtocolVersion"), "TLSV1_2");
        const internal = await makeInternal();
        assert.equal(internal.input("internal-gateway-gateway", ...tls, "mode"), "MUTUAL");
        assert.ok(!internal.names().includes("internal-gateway-http-gateway"));
    });

    it("redirects on port 80 in the one shape that leaves ACME challenges alone", async () => {
        const made = await make();
        const server = ["external-gateway-http-gateway", "spec", "servers", 0] as const;
        assert.deepEqual(made.input(...server, "hosts"), ["./shop.example.com"]);
        assert.equal(made.input(...server, "port", "number"), 80);
        assert.equal(made.input(...server, "tls"), undefined, "httpsRedirect swallows the challenge");
        const route = ["external-gateway-https-redirect", "spec"] as const;
        assert.deepEqual(made.input(...route, "hosts"), ["shop.example.com"]);
        assert.deepEqual(made.input(...route, "http"), [{ name: "https-redirect", redirect: { scheme: "https" } }]);
        assert.deepEqual(made.input(...route, "gateways"), ["istio-ingress/external-gateway-http"]);
    });

    it("allows its hosts, with and without a port", async () => {
        const made = await make();
        assert.deepEqual(made.input("external-gateway-allow-hosts", "spec", "rules"), [
            { to: [{ operation: { hosts: ["shop.example.com", "shop.example.com:*"] } }] },
        ]);
    });

    it("admits routes from the host's namespace only", async () => {
        const made = await make();
        assert.deepEqual(made.input("external-gateway-gateway", "spec", "servers", 0, "hosts"), [
            "shop/shop.example.com",
        ]);
    });

    it("scales with a budget that binds, and limits connections", async () => {
        const made = await make({ replicas: { min: 2, max: 4 }, maxConnections: 1000 });
        const values = ["external-gateway-release", "values"] as const;
        assert.deepEqual(made.input(...values, "autoscaling"), {
            enabled: true,
            minReplicas: 2,
            maxReplicas: 4,
            targetCPUUtilizationPercentage: 80,
        });
        assert.deepEqual(made.input(...values, "podDisruptionBudget"), { minAvailable: 1 });
        assert.match(
            String(made.input(...values, "podAnnotations", "proxy.istio.io/config")),
            /"ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS":"1000"/,
        );
    });

    it("opens the solvers to the gateway when NetworkPolicies are on", async () => {
        const made = await make({ networkPolicies: true });
        assert.deepEqual(made.input("external-gateway-acme-solvers", "spec", "podSelector", "matchLabels"), {
            "acme.cert-manager.io/http01-solver": "true",
        });
        assert.ok(!(await make()).names().includes("external-gateway-acme-solvers"));
    });

    it("lets only the certificates wait for the issuer", async () => {
        const made = await make();
        const others = made.names().filter((name) => name.startsWith("external-gateway"));
        assert.deepEqual(made.input("external-gateway", "certificates", 0, "issuerName"), undefined);
        for (const name of others) {
            assert.ok(["external-gateway", "pulumi-istio-platform-test"].includes(made.parentOf(name)), name);
        }
    });

    it("makes a release alone while it serves nothing", async () => {
        const made = await make({ certificates: [] });
        assert.deepEqual(made.names().slice(1), ["external-gateway", "external-gateway-release"]);
    });

    it("refuses a host in two certificates, and one that is no DNS name", async () => {
        const certificate = { name: "other", hosts: [host], issuerName: "private-ca" };
        await assert.rejects(
            make({ certificates: [...(args().certificates ?? []), certificate] }),
            /the host "shop.example.com" is claimed twice/,
        );
        await assert.rejects(
            make({ certificates: [{ ...certificate, hosts: [{ host: "Shop_1.example.com", namespace: "shop" }] }] }),
            /the host "Shop_1.example.com" has the label "Shop_1"/,
        );
    });
});
