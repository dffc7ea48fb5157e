import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
    AcmeServer,
    Bookinfo,
    CertificateIssuer,
    CertManager,
    ControlPlane,
    GatewayExposure,
    HttpRoute,
    IngressGateway,
    MeshNamespace,
    MeshSecurity,
    PodSecurityLevel,
} from "./components";
import { bookinfoNamespace, gatewayCertificates, hostClaims, hostName, loadSettings, type Settings } from "./config";

const ingressNamespace = "istio-ingress";

/** The platform: everything that stands on the cluster that the stack names. */
export = (): Record<string, pulumi.Input<unknown>> => {
    const settings = loadSettings();
    const { highAvailability, istio } = settings;
    const { networkPolicies } = istio;
    const shared = {
        networkPolicies,
        sources: { chartMirror: settings.charts.mirror, imageRegistry: settings.images.registry },
        replicas: highAvailability ? { min: 2, max: 5 } : { min: 1, max: 1 },
    };
    const priorityClassName = highAvailability ? "system-cluster-critical" : undefined;
    const { context, kubeconfig } = settings.cluster;
    const provider = new k8s.Provider("cluster", {
        context,
        kubeconfig: kubeconfig === undefined ? undefined : pulumi.secret(kubeconfig),
        clusterIdentifier: context,
    });
    const { protect } = settings;

    // The control plane and cert-manager, side by side.
    const controlPlane = new ControlPlane("istio", { ...istio, ...shared, priorityClassName }, { provider, protect });
    const certManager = new CertManager(
        "cert-manager",
        { sources: shared.sources, networkPolicies, highAvailability, priorityClassName },
        { provider, protect },
    );
    const inMesh = { provider, dependsOn: controlPlane };
    const issuing = { provider, dependsOn: certManager };

    // Nothing is trusted and nothing is allowed, from the first minute.
    new MeshSecurity("mesh", {}, inMesh);

    // Who issues certificates: a private CA for the hosts inside, and what the stack says for the public ones.
    const privateCa = new CertificateIssuer("private-ca", { privateCa: {} }, { ...issuing, protect });
    const publicIssuer = letsEncrypt(settings, controlPlane.ingressClass, issuing) ?? privateCa;

    // The ways in.
    const ingress = new MeshNamespace(ingressNamespace, { networkPolicies }, inMesh);
    const gateway = (exposure: GatewayExposure, issuer: CertificateIssuer) => {
        const { maxConnections, serviceAnnotations } = settings.gateways[exposure];
        return new IngressGateway(
            `${exposure}-gateway`,
            {
                ...shared,
                maxConnections,
                serviceAnnotations,
                loadBalancerSourceRanges:
                    exposure === GatewayExposure.External ? external.loadBalancerSourceRanges : undefined,
                exposure,
                namespace: ingressNamespace,
                certificates: gatewayCertificates(settings, exposure, issuer.issuerName),
                priorityClassName,
                platform: istio.platform,
            },
            { provider, dependsOn: ingress },
        );
    };
    const { external, internal } = settings.gateways;
    const gateways = {
        external: external.enabled ? gateway(GatewayExposure.External, publicIssuer) : undefined,
        internal: internal.enabled ? gateway(GatewayExposure.Internal, privateCa) : undefined,
    };

    // Where they lead: to the sample application, and to the services that the config names.
    const bookinfo = settings.bookinfo.enabled ? sampleApplication() : undefined;
    for (const route of settings.routes) {
        serviceRoute(route);
    }

    function sampleApplication(): Bookinfo {
        // Without the CNI plugin a sidecar needs an init container that the level Baseline forbids.
        const podSecurity = istio.cni ? PodSecurityLevel.Baseline : undefined;
        const namespace = new MeshNamespace(bookinfoNamespace, { networkPolicies, podSecurity }, inMesh);
        const entrances = Object.entries(gateways).flatMap(([name, entrance]) =>
            entrance
                ? {
                      name,
                      gateway: entrance.gateway,
                      principal: entrance.principal,
                      namespace: ingressNamespace,
                      hosts: hostClaims(settings, name, "bookinfo").map(({ host }) => host),
                  }
                : [],
        );
        return new Bookinfo(
            "bookinfo",
            { ...shared, namespace: bookinfoNamespace, entrances, reviews: settings.bookinfo.reviews },
            { provider, dependsOn: namespace },
        );
    }

    function serviceRoute({ host, gateway, namespace, service, port }: Settings["routes"][number]): void {
        const name = hostName(host);
        const entrance = gateways[gateway];
        new HttpRoute(
            name,
            {
                routeName: name,
                namespace,
                hosts: [host],
                gateways: entrance ? [entrance.gateway] : [],
                rules: [{ destinations: [{ host: `${service}.${namespace}.svc.cluster.local`, port }] }],
            },
            inMesh,
        );
    }

    return {
        gateways: Object.fromEntries(
            Object.entries(gateways).flatMap(([name, entrance]) =>
                entrance ? [[name, { namespace: ingressNamespace, service: entrance.service }]] : [],
            ),
        ),
        urls: bookinfo?.urls ?? [],
    };
};

/** The issuers of Let's Encrypt when the stack wants one: the other one is for trying out. */
function letsEncrypt(settings: Settings, ingressClass: pulumi.Input<string>, opts: pulumi.ComponentResourceOptions) {
    const { issuer, email = "", challenge, dns01 } = settings.certificates;
    const solver = challenge === "dns01" ? { dns01 } : { http01IngressClass: ingressClass };
    const make = (name: string, server: AcmeServer) =>
        new CertificateIssuer(name, { acme: { email, server, ...solver } }, opts);
    if (issuer === "private-ca") {
        return undefined;
    }
    const production = make("letsencrypt-prod", AcmeServer.LetsEncryptProduction);
    const staging = make("letsencrypt-staging", AcmeServer.LetsEncryptStaging);
    return issuer === "letsencrypt-prod" ? production : staging;
}
