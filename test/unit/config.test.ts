import assert from "node:assert/strict";
import { ConfigError, gatewayCertificates, hostClaims, hostName, parseSettings } from "../../config";
import { GatewayExposure } from "../../components";

const key = (name: string) => `pulumi-istio-platform:${name}`;

/** A config with `changes` to its keys, objects as values. */
function config(changes: Record<string, unknown> = {}): Record<string, string> {
    const entries = Object.entries({ domain: "example.com", ...changes }).map(
        ([name, value]) => [key(name), typeof value === "string" ? value : JSON.stringify(value)] as const,
    );
    return { "kubernetes:context": "test", ...Object.fromEntries(entries) };
}

function without(values: Record<string, string>, left: string): Record<string, string> {
    return Object.fromEntries(Object.entries(values).filter(([name]) => name !== left));
}

/** The problems of a config, as "path: reason". */
function problems(changes: Record<string, unknown>, others: Record<string, string> = {}): string[] {
    try {
        parseSettings({ ...config(changes), ...others });
    } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
        return error.problems.map(({ path, reason, fix }) => `${path}: ${reason} -> ${fix}`);
    }
    return [];
}

function assertProblem(changes: Record<string, unknown>, expected: RegExp): void {
    const found = problems(changes);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", expected);
}

describe("stack config", () => {
    it("fills in what is not given", () => {
        const settings = parseSettings(config());
        assert.equal(settings.internalDomain, "internal");
        assert.equal(settings.highAvailability, false);
        assert.equal(settings.istio.distroless, true);
        assert.equal(settings.istio.outboundTrafficPolicy, "ALLOW_ANY");
        assert.equal(settings.gateways.external.maxConnections, 50000);
        assert.deepEqual(settings.bookinfo.reviews, { v1: 80, v2: 20, v3: 0 });
        assert.equal(settings.certificates.issuer, "private-ca");
    });

    it("reports every problem at once, each with path, value, reason and fix", () => {
        const changes = {
            domain: "no_domain",
            highAvailability: "yes",
            istio: { cni: "true", outboundTrafficPolicy: "ALLOW" },
            gateways: { external: { maxConnections: 0 } },
            bookinfo: { reviews: { v1: 80, v2: 30 } },
        };
        const found = problems(changes);
        assert.deepEqual(found.map((problem) => problem.split(": ")[0]).sort(), [
            "bookinfo.reviews",
            "domain",
            "gateways.external.maxConnections",
            "highAvailability",
            "istio.cni",
            "istio.outboundTrafficPolicy",
        ]);
        assert.throws(() => parseSettings(config(changes)), {
            message:
                /has 6 problems; nothing was changed\.[^]*istio\.cni is "true": expected boolean, received string\.\n {4}Fix: /,
        });
    });

    it("suggests the nearest name for an unknown key, at any depth", () => {
        assertProblem(
            { highAvailabilty: true },
            /highAvailabilty: there is no such key -> did you mean "highAvailability"\?/,
        );
        assertProblem({ istio: { distrolless: true } }, /istio\.distrolless: .* did you mean "distroless"\?/);
        assertProblem(
            { gateways: { external: { maxConection: 1 } } },
            /gateways\.external\.maxConection: .* did you mean "maxConnections"\?/,
        );
        assertProblem({ bookinfo: { zzz: 1 } }, /take the key out; known are enabled, hosts, reviews/);
    });

    it("says what to write instead", () => {
        assertProblem({ istio: { cni: "yes" } }, /-> write a value of the type boolean$/);
        assertProblem({ istio: { outboundTrafficPolicy: "DENY" } }, /-> write "ALLOW_ANY" or "REGISTRY_ONLY"$/);
        assertProblem({ gateways: { external: { maxConnections: 0 } } }, /-> write at least 1$/);
        const route = { host: "a.example.com", namespace: "a", service: "a", port: 99999 };
        assertProblem({ routes: [route] }, /routes\.0\.port: .*<=65535 -> write at most 65535$/);
        assertProblem({ routes: {} }, /-> write a list$/);
        assertProblem(
            { routes: [{ ...route, port: undefined }] },
            /routes\.0\.port: it is required -> give it a value/,
        );
        assertProblem({ certificates: { email: "me" } }, /certificates\.email: no valid email address/);
    });

    it("needs the domain", () => {
        assert.throws(() => parseSettings(without(config(), key("domain"))), /domain is not set: it is required/);
    });

    it("refuses a stack that names no cluster", () => {
        const rest = without(config(), "kubernetes:context");
        assert.throws(
            () => parseSettings(rest),
            /kubernetes:context is not set[^]*pulumi config set kubernetes:context NAME/,
        );
        assert.throws(() => parseSettings({ ...rest, "kubernetes:kubeconfig": "/k" }), /kubernetes:context is not set/);
        assert.throws(() => parseSettings({ ...rest, "kubernetes:context": "" }), /kubernetes:context is ""/);
    });

    it("refuses a domain that is no DNS name", () => {
        for (const domain of ["exa mple.com", "-a.com", "a..b", "1.2.3.4", "https://example.com", "EXAMPLE.com"]) {
            assertProblem({ domain }, /^domain: /);
        }
    });

    it("refuses a host that two routes claim", () => {
        const route = { host: "shop.example.com", namespace: "shop", service: "shop", port: 80 };
        assertProblem(
            { routes: [route, { ...route, namespace: "other" }] },
            /routes\.1\.host: the host is claimed by routes\.0\.host/,
        );
        assertProblem(
            { routes: [{ ...route, host: "bookinfo.example.com" }] },
            /routes\.0\.host: the host is claimed by bookinfo\.hosts already/,
        );
    });

    it("refuses settings that contradict each other", () => {
        const email = "platform@example.com";
        assertProblem({ certificates: { issuer: "letsencrypt-prod" } }, /certificates\.email: .*wants an address/);
        assertProblem(
            { domain: "dev.internal", internalDomain: "mesh", certificates: { issuer: "letsencrypt-prod", email } },
            /domain: Let's Encrypt issues for public domains only/,
        );
        assertProblem(
            { gateways: { external: { enabled: false } }, certificates: { issuer: "letsencrypt-prod", email } },
            /certificates\.challenge: the HTTP-01 challenge is answered by the external gateway/,
        );
        assertProblem(
            { certificates: { issuer: "letsencrypt-prod", email, challenge: "dns01" } },
            /certificates\.dns01: the DNS-01 challenge needs exactly one DNS provider/,
        );
        assertProblem(
            { gateways: { external: { enabled: false }, internal: { enabled: false } } },
            /bookinfo\.enabled: Bookinfo has no way in/,
        );
        const route = { host: "a.internal", gateway: "internal", namespace: "a", service: "a", port: 80 };
        assertProblem(
            { routes: [route], gateways: { internal: { enabled: false } } },
            /routes\.0\.gateway: .*served by a gateway that is off/,
        );
    });

    it("refuses what Let's Encrypt would refuse, and accepts what it would not", () => {
        const certificates = { issuer: "letsencrypt-prod", email: "platform@example.com" };
        const route = { host: "*.shop.example.com", namespace: "shop", service: "shop", port: 80 };
        assertProblem(
            { certificates, routes: [route] },
            /routes\.0\.host: Let's Encrypt issues wildcards by DNS-01 only/,
        );
        assertProblem(
            { certificates, domain: "mesh.corp.internal", internalDomain: "m" },
            /^domain: .*public domains only/,
        );
        assertProblem(
            { certificates, bookinfo: { hosts: ["b.internal"] }, internalDomain: "m" },
            /^bookinfo\.hosts: .*public/,
        );
        const gateways = { external: { loadBalancerSourceRanges: ["10.0.0.0/8"] } };
        assertProblem(
            { certificates, gateways },
            /loadBalancerSourceRanges: Let's Encrypt checks HTTP-01 from addresses/,
        );
        assert.deepEqual(problems({ certificates, domain: "shop.xn--p1ai" }), []);
        assert.deepEqual(problems({ certificates, domain: "x.internal", bookinfo: { hosts: ["b.example.com"] } }), []);
    });

    it("refuses settings that would be ignored", () => {
        const dns01 = { route53: { region: "eu-west-1" } };
        assertProblem({ certificates: { dns01 } }, /certificates\.dns01: the DNS provider is given but not used/);
        assertProblem({ gateways: { internal: { loadBalancerSourceRanges: ["10.0.0.0/8"] } } }, /there is no such key/);
        assertProblem(
            { bookinfo: { hosts: ["b.example.com"] }, gateways: { external: { enabled: false } } },
            /bookinfo\.hosts: public hosts are served by the external gateway, which is off/,
        );
    });

    it("concludes nothing from what is wrong in itself", () => {
        const off = { external: { enabled: false }, internal: { enabled: false } };
        assertProblem({ bookinfo: { enabled: false, hostz: 1 }, gateways: off }, /bookinfo\.hostz/);
    });

    it("refuses domains that are wildcards, and sources that are none", () => {
        assertProblem({ domain: "*.example.com" }, /domain: is a wildcard/);
        assertProblem({ images: { registry: "https://registry.example.com/" } }, /images\.registry: is no registry/);
        for (const mirror of ["ftp://charts.example.com", "~/charts"]) {
            assertProblem({ charts: { mirror } }, /charts\.mirror: is neither a folder nor a chart repository/);
        }
        for (const mirror of [
            "./charts",
            "charts",
            "https://charts.example.com",
            "oci://registry.example.com/charts",
        ]) {
            assert.deepEqual(problems({ charts: { mirror } }), []);
        }
    });

    it("gives every host a name of its own", () => {
        const hosts = ["a-b.x.com", "a.b.x.com", "*.x.com", "wildcard.x.com", "bookinfo"];
        assert.equal(new Set([...hosts.map(hostName), "bookinfo"]).size, hosts.length + 1);
    });

    it("takes one weight for all of it", () => {
        assert.deepEqual(parseSettings(config({ bookinfo: { reviews: { v3: 100 } } })).bookinfo.reviews, {
            v1: 0,
            v2: 0,
            v3: 100,
        });
    });

    it("takes text that is no JSON as a wrong type, not as a crash", () => {
        assertProblem({ istio: "{cni: yes" }, /istio: expected object, received string/);
    });

    it("plans one certificate an application and gateway, with all of its hosts", () => {
        const settings = parseSettings(
            config({
                bookinfo: { hosts: ["books.example.com", "www.books.example.com"] },
                routes: [{ host: "*.shop.example.com", namespace: "shop", service: "shop", port: 80 }],
            }),
        );
        assert.deepEqual(gatewayCertificates(settings, GatewayExposure.External, "ca"), [
            {
                name: "bookinfo",
                issuerName: "ca",
                hosts: [
                    { host: "books.example.com", namespace: "bookinfo" },
                    { host: "www.books.example.com", namespace: "bookinfo" },
                ],
            },
            {
                name: "route-wildcard---shop-example-com",
                issuerName: "ca",
                hosts: [{ host: "*.shop.example.com", namespace: "shop" }],
            },
        ]);
        assert.deepEqual(
            gatewayCertificates(settings, GatewayExposure.Internal, "ca").map(({ name }) => name),
            ["internal-bookinfo"],
        );
        assert.equal(hostClaims(settings, "internal").length, 1);
    });
});
