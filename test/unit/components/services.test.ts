import assert from "node:assert/strict";
import { Bookinfo, HttpRoute, MeshService, ServiceProtocol, type MeshServiceArgs } from "../../../components";
import { field, record } from "../../support/recorded";

function shop(changes: Partial<MeshServiceArgs> = {}): MeshServiceArgs {
    return {
        namespace: "shop",
        port: 8080,
        versions: [{ name: "v1", image: "registry.example.com/shop:1.0.0" }],
        ...changes,
    };
}
const two = [...shop().versions, { name: "v2", image: "registry.example.com/shop:2.0.0" }];
const make = (changes: Partial<MeshServiceArgs> = {}) => record(() => new MeshService("shop", shop(changes)));

describe("MeshService", () => {
    it("makes an identity, a Service that declares its protocol, and a Deployment after both identity and policy", async () => {
        const made = await make({ healthPath: "/health" });
        assert.deepEqual(made.names().slice(1).sort(), [
            "shop",
            "shop-account",
            "shop-callers",
            "shop-service",
            "shop-v1",
            "shop-v1-autoscaler",
        ]);
        assert.deepEqual(made.input("shop-service", "spec", "ports"), [
            { name: "http", port: 8080, targetPort: 8080, protocol: "TCP", appProtocol: "http" },
        ]);
        assert.deepEqual(made.dependenciesOf("shop-v1"), ["shop-account", "shop-callers"]);
        const pod = ["shop-v1", "spec", "template", "spec"] as const;
        assert.equal(made.input(...pod, "serviceAccountName"), "shop");
        assert.equal(made.input(...pod, "containers", 0, "readinessProbe", "httpGet", "path"), "/health");
    });

    it("runs as nobody, without privileges, within limits", async () => {
        const made = await make();
        const pod = ["shop-v1", "spec", "template", "spec"] as const;
        assert.deepEqual(made.input(...pod, "securityContext"), {
            runAsNonRoot: true,
            seccompProfile: { type: "RuntimeDefault" },
        });
        assert.deepEqual(made.input(...pod, "containers", 0, "securityContext"), {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ["ALL"] },
            readOnlyRootFilesystem: true,
        });
        assert.deepEqual(made.input(...pod, "containers", 0, "resources", "limits"), { cpu: "500m", memory: "256Mi" });
        assert.equal(made.input(...pod, "automountServiceAccountToken"), false);
    });

    it("names a subset for each of several versions, and none for one", async () => {
        const made = await make({ versions: two });
        assert.deepEqual(made.input("shop-subsets", "spec"), {
            host: "shop.shop.svc.cluster.local",
            subsets: [
                { name: "v1", labels: { version: "v1" } },
                { name: "v2", labels: { version: "v2" } },
            ],
        });
        assert.ok(!(await make()).names().includes("shop-subsets"));
    });

    it("refuses everybody unless callers are named", async () => {
        assert.deepEqual((await make()).input("shop-callers", "spec", "rules"), []);
        const principal = "cluster.local/ns/web/sa/web";
        const made = await make({
            networkPolicies: true,
            callers: [{ principal, namespace: "web", methods: ["GET"], paths: ["/items/*"] }],
        });
        assert.deepEqual(made.input("shop-callers", "spec", "rules"), [
            {
                from: [{ source: { principals: [principal] } }],
                to: [{ operation: { ports: ["8080"], methods: ["GET"], paths: ["/items/*"] } }],
            },
        ]);
        assert.deepEqual(made.input("shop-network-policy", "spec", "ingress"), [
            {
                from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "web" } } }],
                ports: [{ protocol: "TCP", port: 8080 }],
            },
        ]);
    });

    it("leaves the number of replicas to the autoscaler, with a budget for each version", async () => {
        const made = await make({ versions: two, replicas: { min: 2, max: 5 } });
        for (const version of ["v1", "v2"]) {
            assert.equal(made.input(`shop-${version}`, "spec", "replicas"), undefined);
            assert.equal(made.input(`shop-${version}-autoscaler`, "spec", "minReplicas"), 2);
            assert.equal(made.input(`shop-${version}-autoscaler`, "spec", "scaleTargetRef", "name"), `shop-${version}`);
            assert.deepEqual(
                made.input(`shop-${version}-disruption-budget`, "spec", "selector", "matchLabels"),
                made.input(`shop-${version}`, "spec", "selector", "matchLabels"),
            );
        }
    });

    it("has the autoscaler keep a fixed number as well", async () => {
        const fixed = await make();
        assert.equal(fixed.input("shop-v1", "spec", "replicas"), undefined);
        assert.equal(fixed.input("shop-v1-autoscaler", "spec", "minReplicas"), 1);
        assert.equal(fixed.input("shop-v1-autoscaler", "spec", "maxReplicas"), 1);
        assert.deepEqual(fixed.dependenciesOf("shop-v1-autoscaler"), ["shop-v1"]);
        assert.ok(!fixed.names().includes("shop-v1-disruption-budget"));
    });

    it("refuses no version, a bad name, and paths for TCP", async () => {
        await assert.rejects(make({ versions: [] }), /MeshService "shop": give at least one version/);
        await assert.rejects(make({ service: "Shop" }), /the name "Shop" is not made of/);
        const callers = [{ principal: "p", namespace: "web", paths: ["/"] }];
        await assert.rejects(make({ protocol: ServiceProtocol.Tcp, callers }), /cannot be limited to methods or paths/);
    });
});

describe("HttpRoute", () => {
    const destination = { host: "shop.shop.svc.cluster.local", port: 8080 };
    const route = (rules: ConstructorParameters<typeof HttpRoute>[1]["rules"], hosts = ["shop.example.com"]) =>
        record(() => new HttpRoute("shop", { namespace: "shop", hosts, rules }));

    it("routes by path, header, method and query", async () => {
        const made = await route([
            {
                matches: [
                    {
                        path: { prefix: "/api/" },
                        method: { exact: "GET" },
                        headers: { "x-user": { regex: "^a" } },
                        queryParams: { debug: { exact: "1" } },
                    },
                ],
                destinations: [destination],
                rewritePath: "/",
            },
        ]);
        assert.deepEqual(made.input("shop-virtual-service", "spec", "http"), [
            {
                match: [
                    {
                        uri: { prefix: "/api/" },
                        method: { exact: "GET" },
                        headers: { "x-user": { regex: "^a" } },
                        queryParams: { debug: { exact: "1" } },
                    },
                ],
                route: [{ destination: { host: destination.host, port: { number: 8080 } }, weight: 100 }],
                rewrite: { uri: "/" },
            },
        ]);
        assert.deepEqual(made.input("shop-virtual-service", "spec", "gateways"), ["mesh"]);
    });

    it("retries, times out, injects faults, mirrors, and sets CORS and headers", async () => {
        const made = await route([
            {
                destinations: [destination],
                timeout: "10s",
                retries: { attempts: 3, perTryTimeout: "2s" },
                fault: { percentage: 10, delay: "5s", abortStatus: 503 },
                mirror: { ...destination, subset: "v2" },
                cors: { allowOrigins: [{ exact: "https://example.com" }], maxAge: "24h" },
                requestHeaders: { set: { "x-env": "test" } },
            },
        ]);
        const rule = ["shop-virtual-service", "spec", "http", 0] as const;
        assert.equal(made.input(...rule, "timeout"), "10s");
        assert.equal(made.input(...rule, "retries", "attempts"), 3);
        assert.match(String(made.input(...rule, "retries", "retryOn")), /503/);
        assert.deepEqual(made.input(...rule, "fault"), {
            delay: { percentage: { value: 10 }, fixedDelay: "5s" },
            abort: { percentage: { value: 10 }, httpStatus: 503 },
        });
        assert.equal(made.input(...rule, "mirror", "subset"), "v2");
        assert.deepEqual(made.input(...rule, "corsPolicy", "allowOrigins"), [{ exact: "https://example.com" }]);
        assert.deepEqual(made.input(...rule, "headers", "request"), { set: { "x-env": "test" } });
    });

    it("refuses weights that do not sum to 100", async () => {
        const destinations = [
            { ...destination, subset: "v1", weight: 90 },
            { ...destination, subset: "v2", weight: 20 },
        ];
        await assert.rejects(
            route([{ name: "split", destinations }]),
            /HttpRoute "shop", rule split: weights sum to 110, they must sum to 100/,
        );
    });

    it("refuses a rule with both or neither, a double match, a bad duration, a bad host, and no rule", async () => {
        await assert.rejects(route([{}]), /give either destinations or a redirect/);
        await assert.rejects(
            route([{ destinations: [destination], redirect: { scheme: "https" } }]),
            /give either destinations or a redirect/,
        );
        await assert.rejects(
            route([{ destinations: [destination], matches: [{ path: { exact: "/", prefix: "/" } }] }]),
            /exactly one of exact, prefix and regex, not 2/,
        );
        await assert.rejects(
            route([{ destinations: [destination], timeout: "10 s" }]),
            /timeout "10 s" is no duration/,
        );
        await assert.rejects(route([{ destinations: [destination] }], ["a..b"]), /the host "a..b" has an empty label/);
        await assert.rejects(route([]), /at least one host and one rule/);
    });
});

describe("Bookinfo", () => {
    const entrance = {
        name: "external",
        gateway: "istio-ingress/external-gateway",
        principal: "cluster.local/ns/istio-ingress/sa/istio-ingressgateway",
        namespace: "istio-ingress",
        hosts: ["bookinfo.example.com"],
    };
    const bookinfo = () => record(() => new Bookinfo("bookinfo", { namespace: "bookinfo", entrances: [entrance] }));

    it("runs four services, three versions of reviews, each under an identity of its own", async () => {
        const made = await bookinfo();
        assert.deepEqual(
            made
                .ofType(":Deployment")
                .map(({ inputs }) => field(inputs, "metadata", "name"))
                .sort(),
            ["details-v1", "productpage-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3"],
        );
        assert.equal(made.ofType(":ServiceAccount").length, 4);
    });

    it("splits reviews 80/20 between v1 and v2, after the subsets", async () => {
        const made = await bookinfo();
        const route = "bookinfo-reviews-route-virtual-service";
        const host = "reviews.bookinfo.svc.cluster.local";
        assert.deepEqual(made.input(route, "spec", "http", 0, "route"), [
            { destination: { host, port: { number: 9080 }, subset: "v1" }, weight: 80 },
            { destination: { host, port: { number: 9080 }, subset: "v2" }, weight: 20 },
        ]);
        assert.ok(made.dependenciesOf(route).includes("bookinfo-reviews-subsets"));
    });

    it("allows exactly the calls that the application makes", async () => {
        const made = await bookinfo();
        const callers = (service: string) => {
            const rules = made.input(`bookinfo-${service}-callers`, "spec", "rules");
            assert.ok(Array.isArray(rules));
            return rules.map((rule: { from: { source: { principals: string[] } }[] }) =>
                rule.from[0]?.source.principals[0]?.split("/").pop(),
            );
        };
        assert.deepEqual(callers("productpage"), ["istio-ingressgateway"]);
        assert.deepEqual(callers("details"), ["productpage"]);
        assert.deepEqual(callers("reviews"), ["productpage"]);
        assert.deepEqual(callers("ratings"), ["productpage", "reviews"]);
    });

    it("is reached at the public paths only", async () => {
        const made = await bookinfo();
        const rule = ["bookinfo-external-route-virtual-service", "spec", "http", 0] as const;
        assert.deepEqual(made.input(...rule, "match"), [
            { uri: { exact: "/productpage" } },
            { uri: { exact: "/login" } },
            { uri: { exact: "/logout" } },
            { uri: { exact: "/api/v1/products" } },
            { uri: { prefix: "/static/" } },
            { uri: { prefix: "/api/v1/products/" } },
        ]);
    });
});
