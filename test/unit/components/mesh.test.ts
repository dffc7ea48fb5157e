import assert from "node:assert/strict";
import { MeshNamespace, MeshSecurity, PodSecurityLevel } from "../../../components";
import { record } from "../../support/recorded";

describe("MeshNamespace", () => {
    it("injects sidecars, demands mTLS, denies by default and scopes sidecars", async () => {
        const made = await record(() => new MeshNamespace("shop"));
        assert.equal(made.input("shop-namespace", "metadata", "labels", "istio-injection"), "enabled");
        assert.deepEqual(made.input("shop-mtls", "spec"), { mtls: { mode: "STRICT" } });
        assert.deepEqual(made.input("shop-default-deny", "spec"), {});
        assert.deepEqual(made.input("shop-sidecar", "spec", "egress", 0, "hosts"), ["./*", "istio-system/*"]);
        for (const name of ["shop-mtls", "shop-default-deny", "shop-sidecar"]) {
            assert.equal(made.parentOf(name), "shop");
            assert.deepEqual(made.dependenciesOf(name), ["shop-namespace"]);
            assert.equal(made.input(name, "metadata", "namespace"), "shop");
        }
    });

    it("closes the namespace to other pods but for metrics and health", async () => {
        const made = await record(() => new MeshNamespace("shop", { networkPolicies: true }));
        assert.deepEqual(made.input("shop-default-deny-ingress", "spec", "podSelector"), {});
        const ports = made.input("shop-default-deny-ingress", "spec", "ingress", 0, "ports");
        assert.deepEqual(
            ports,
            [15020, 15021, 15090].map((port) => ({ protocol: "TCP", port })),
        );
    });

    it("enforces a Pod Security level when asked", async () => {
        const made = await record(() => new MeshNamespace("shop", { podSecurity: PodSecurityLevel.Baseline }));
        const labels = ["shop-namespace", "metadata", "labels"] as const;
        assert.equal(made.input(...labels, "pod-security.kubernetes.io/enforce"), "baseline");
    });

    it("leaves sidecars out when told", async () => {
        const made = await record(() => new MeshNamespace("legacy", { injection: false }));
        assert.equal(made.input("legacy-namespace", "metadata", "labels", "istio-injection"), "disabled");
    });

    it("refuses a name that no namespace can have", async () => {
        await assert.rejects(
            record(() => new MeshNamespace("shop", { namespace: "My Shop" })),
            /MeshNamespace "shop": the namespace "My Shop" is not made of/,
        );
    });
});

describe("MeshSecurity", () => {
    it("holds for the whole mesh, from the root namespace", async () => {
        const made = await record(() => new MeshSecurity("mesh"));
        assert.deepEqual(made.input("mesh-mtls", "spec"), { mtls: { mode: "STRICT" } });
        assert.deepEqual(made.input("mesh-default-deny", "spec"), {});
        for (const name of ["mesh-mtls", "mesh-default-deny"]) {
            assert.equal(made.input(name, "metadata", "namespace"), "istio-system");
            assert.equal(made.parentOf(name), "mesh");
        }
    });

    it("pairs tokens with the policy that demands one, the policy first", async () => {
        const made = await record(
            () =>
                new MeshSecurity("mesh", {
                    requireJwt: [
                        {
                            name: "shop-users",
                            namespace: "shop",
                            selector: { app: "shop" },
                            issuer: "https://login.example.com",
                            jwksUri: "https://login.example.com/keys",
                        },
                    ],
                }),
        );
        assert.deepEqual(made.input("mesh-shop-users-deny-without-token", "spec"), {
            selector: { matchLabels: { app: "shop" } },
            action: "DENY",
            rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }] }],
        });
        assert.deepEqual(made.dependenciesOf("mesh-shop-users-tokens"), ["mesh-shop-users-deny-without-token"]);
        assert.equal(
            made.input("mesh-shop-users-tokens", "spec", "jwtRules", 0, "issuer"),
            "https://login.example.com",
        );
    });
});
