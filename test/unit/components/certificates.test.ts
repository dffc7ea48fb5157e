import assert from "node:assert/strict";
import { AcmeServer, CertificateIssuer, CertManager } from "../../../components";
import { record } from "../../support/recorded";

describe("CertManager", () => {
    it("installs one of each with the CRDs, which stay", async () => {
        const made = await record(() => new CertManager("cert-manager"));
        assert.deepEqual(made.input("cert-manager-release", "values", "crds"), { enabled: true, keep: true });
        assert.equal(made.input("cert-manager-release", "values", "replicaCount"), 1);
        assert.equal(made.input("cert-manager-release", "values", "podDisruptionBudget", "enabled"), false);
        assert.equal(made.input("cert-manager-release", "chart"), "oci://quay.io/jetstack/charts/cert-manager");
        assert.equal(made.parentOf("cert-manager-release"), "cert-manager");
        assert.deepEqual(made.dependenciesOf("cert-manager-release"), ["cert-manager-namespace"]);
    });

    it("runs three webhooks and two of the rest when highly available", async () => {
        const made = await record(() => new CertManager("cert-manager", { highAvailability: true }));
        const values = ["cert-manager-release", "values"] as const;
        assert.equal(made.input(...values, "replicaCount"), 2);
        assert.equal(made.input(...values, "webhook", "replicaCount"), 3);
        assert.equal(made.input(...values, "cainjector", "replicaCount"), 2);
        for (const path of [[], ["webhook"], ["cainjector"]]) {
            assert.deepEqual(made.input(...values, ...path, "podDisruptionBudget"), { enabled: true, minAvailable: 1 });
        }
    });

    it("keeps its lease in its own namespace", async () => {
        const made = await record(() => new CertManager("cert-manager", { namespace: "certificates" }));
        assert.equal(
            made.input("cert-manager-release", "values", "global", "leaderElection", "namespace"),
            "certificates",
        );
    });
});

describe("CertificateIssuer", () => {
    it("makes a private CA: a self-signed root, then the issuer that signs with it", async () => {
        const made = await record(() => new CertificateIssuer("private-ca", { privateCa: {} }));
        assert.deepEqual(made.dependenciesOf("private-ca-root"), ["private-ca-self-signed-issuer"]);
        assert.deepEqual(made.dependenciesOf("private-ca-issuer"), ["private-ca-root"]);
        assert.equal(made.input("private-ca-root", "spec", "isCA"), true);
        assert.equal(made.input("private-ca-root", "metadata", "namespace"), "cert-manager");
        assert.equal(
            made.input("private-ca-issuer", "spec", "ca", "secretName"),
            made.input("private-ca-root", "spec", "secretName"),
        );
        assert.equal(
            made.input("private-ca-root", "spec", "issuerRef", "name"),
            made.input("private-ca-self-signed-issuer", "metadata", "name"),
        );
    });

    it("solves HTTP-01 through the mesh's IngressClass, its solver without a sidecar", async () => {
        const made = await record(
            () =>
                new CertificateIssuer("letsencrypt-staging", {
                    acme: {
                        email: "platform@example.com",
                        server: AcmeServer.LetsEncryptStaging,
                        http01IngressClass: "istio",
                    },
                }),
        );
        const acme = ["letsencrypt-staging-issuer", "spec", "acme"] as const;
        assert.equal(made.input(...acme, "server"), "https://acme-staging-v02.api.letsencrypt.org/directory");
        const ingress = [...acme, "solvers", 0, "http01", "ingress"] as const;
        assert.equal(made.input(...ingress, "ingressClassName"), "istio");
        assert.equal(made.input(...ingress, "podTemplate", "metadata", "labels", "sidecar.istio.io/inject"), "false");
    });

    it("solves DNS-01 by one provider", async () => {
        const dns01 = { route53: { region: "eu-west-1" } };
        const made = await record(
            () => new CertificateIssuer("letsencrypt", { acme: { email: "platform@example.com", dns01 } }),
        );
        assert.deepEqual(made.input("letsencrypt-issuer", "spec", "acme", "solvers"), [{ dns01 }]);
        assert.equal(
            made.input("letsencrypt-issuer", "spec", "acme", "server"),
            "https://acme-v02.api.letsencrypt.org/directory",
        );
    });

    it("refuses both kinds, neither kind, and both challenges", async () => {
        await assert.rejects(
            record(() => new CertificateIssuer("issuer", {})),
            /CertificateIssuer "issuer": give exactly one of acme and privateCa/,
        );
        await assert.rejects(
            record(() => new CertificateIssuer("issuer", { privateCa: {}, acme: { email: "a@example.com" } })),
            /give exactly one of acme and privateCa/,
        );
        await assert.rejects(
            record(() => new CertificateIssuer("issuer", { acme: { email: "a@example.com" } })),
            /give exactly one of acme.http01IngressClass and acme.dns01/,
        );
    });
});
