import assert from "node:assert/strict";
import { ControlPlane, OutboundTrafficPolicy, Platform } from "../../../components";
import { istioVersion } from "../../../versions";
import { record } from "../../support/recorded";

describe("ControlPlane", () => {
    it("makes the namespace, the CRDs, istiod and the IngressClass, each under the component", async () => {
        const made = await record(() => new ControlPlane("istio"));
        assert.deepEqual(made.names().slice(1).sort(), [
            "istio",
            "istio-base",
            "istio-ingress-class",
            "istio-istiod",
            "istio-namespace",
        ]);
        for (const name of made.names().filter((name) => name.startsWith("istio-"))) {
            assert.equal(made.parentOf(name), "istio");
        }
        assert.equal(made.get("istio").type, "pulumi-istio-platform:index:ControlPlane");
        assert.equal(made.input("istio-ingress-class", "spec", "controller"), "istio.io/ingress-controller");
    });

    it("installs istiod and the CNI plugin after the CRDs, and neither after the other", async () => {
        const made = await record(() => new ControlPlane("istio", { cni: true }));
        for (const release of ["istio-istiod", "istio-cni"]) {
            assert.deepEqual(made.dependenciesOf(release), ["istio-base", "istio-critical-pods", "istio-namespace"]);
        }
        assert.equal(made.input("istio-istiod", "values", "cni", "enabled"), true);
    });

    it("pins chart and images, and waits for the releases", async () => {
        const made = await record(() => new ControlPlane("istio"));
        assert.equal(made.input("istio-istiod", "version"), istioVersion);
        assert.equal(
            made.input("istio-istiod", "repositoryOpts", "repo"),
            "https://blob.istio.io/istio-release/charts",
        );
        assert.equal(made.input("istio-istiod", "values", "global", "hub"), "docker.io/istio");
        assert.equal(made.input("istio-istiod", "values", "global", "tag"), istioVersion);
        assert.equal(made.input("istio-istiod", "values", "global", "variant"), "distroless");
        assert.equal(made.input("istio-istiod", "skipAwait"), false);
    });

    it("serves Ingress objects by exactly the external gateway, in its namespace", async () => {
        const made = await record(() => new ControlPlane("istio"));
        const mesh = ["istio-istiod", "values", "meshConfig"] as const;
        assert.equal(made.input(...mesh, "ingressControllerMode"), "STRICT");
        assert.equal(made.input(...mesh, "ingressSelector"), "ingressgateway");
        assert.equal(made.input(...mesh, "ingressService"), "istio-ingressgateway");
        assert.equal(made.input("istio-istiod", "values", "env", "K8S_INGRESS_NS"), "istio-ingress");
        assert.equal(made.input("istio-istiod", "values", "env", "PILOT_SCOPE_GATEWAY_TO_NAMESPACE"), "true");
    });

    it("leaves the webhook's failure policy to istiod, which closes it when it answers", async () => {
        const made = await record(() => new ControlPlane("istio"));
        for (const release of ["istio-base", "istio-istiod"]) {
            assert.equal(made.input(release, "values", "base", "validationFailurePolicy"), undefined);
        }
    });

    it("tells the charts the platform, whose CNI paths differ", async () => {
        const made = await record(() => new ControlPlane("istio", { cni: true, platform: Platform.K3s }));
        for (const release of ["istio-istiod", "istio-cni"]) {
            assert.equal(made.input(release, "values", "global", "platform"), "k3s");
        }
    });

    it("admits pods of the system's priority where clusters limit it", async () => {
        const made = await record(() => new ControlPlane("istio", { priorityClassName: "system-cluster-critical" }));
        const selector = ["istio-critical-pods", "spec", "scopeSelector", "matchExpressions", 0] as const;
        assert.equal(made.input(...selector, "scopeName"), "PriorityClass");
        assert.ok(!(await record(() => new ControlPlane("istio"))).names().includes("istio-critical-pods"));
    });

    it("normalizes paths and closes plaintext xDS", async () => {
        const made = await record(() => new ControlPlane("istio"));
        assert.equal(
            made.input("istio-istiod", "values", "meshConfig", "pathNormalization", "normalization"),
            "DECODE_AND_MERGE_SLASHES",
        );
        assert.deepEqual(made.input("istio-istiod", "values", "extraContainerArgs"), ["--grpcAddr="]);
    });

    it("scales istiod with a budget that binds", async () => {
        const made = await record(
            () =>
                new ControlPlane("istio", {
                    replicas: { min: 2, max: 5 },
                    outboundTrafficPolicy: OutboundTrafficPolicy.RegistryOnly,
                }),
        );
        const values = ["istio-istiod", "values"] as const;
        assert.equal(made.input(...values, "autoscaleMin"), 2);
        assert.equal(made.input(...values, "autoscaleMax"), 5);
        assert.deepEqual(made.input(...values, "pdb"), { minAvailable: 1 });
        assert.equal(made.input(...values, "global", "defaultPodDisruptionBudget", "enabled"), true);
        assert.equal(made.input(...values, "meshConfig", "outboundTrafficPolicy", "mode"), "REGISTRY_ONLY");
    });

    it("gives sidecars requests and limits", async () => {
        const made = await record(() => new ControlPlane("istio"));
        assert.deepEqual(made.input("istio-istiod", "values", "global", "proxy", "resources"), {
            requests: { cpu: "10m", memory: "64Mi" },
            limits: { cpu: "1", memory: "512Mi" },
        });
    });

    it("takes charts and images from mirrors", async () => {
        const made = await record(
            () =>
                new ControlPlane("istio", {
                    sources: { chartMirror: "./charts", imageRegistry: "registry.example.com:5000/mirror" },
                }),
        );
        assert.equal(made.input("istio-istiod", "chart"), `./charts/istiod-${istioVersion}.tgz`);
        assert.equal(made.input("istio-istiod", "repositoryOpts"), undefined);
        assert.equal(made.input("istio-istiod", "values", "global", "hub"), "registry.example.com:5000/mirror/istio");
    });

    it("refuses replicas that cannot both hold", async () => {
        await assert.rejects(
            record(() => new ControlPlane("istio", { replicas: { min: 3, max: 2 } })),
            /ControlPlane "istio": replicas min 3 and max 2 cannot both hold/,
        );
    });
});
