import type { ICertificate } from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import type { IGateway, IVirtualService } from "@kubernetes-models/istio/networking.istio.io/v1";
import type { IAuthorizationPolicy } from "@kubernetes-models/istio/security.istio.io/v1";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { charts } from "../versions";
import { checkReplicas, oneReplica } from "./availability";
import { criticalPodsQuota } from "./criticalPods";
import { after, customResource } from "./customResource";
import { GatewayExposure, type GatewayCertificateArgs, type IngressGatewayArgs } from "./gatewayArgs";
import { gatewayIdentity, gatewayValues } from "./gatewayValues";
import { helmRelease } from "./helmRelease";
import { principalOf } from "./identity";
import { checkHosts } from "./validation";

/**
 * A gateway into the mesh: its release, its Gateway `<name>`, the certificates, and who may call what through it.
 * Depends on {@link ControlPlane}: pods that start before istiod is ready never get their image.
 *
 * An external gateway's port 80 has a Gateway of its own, `<name>-http`, with a plain server for the very hosts and one
 * route that redirects everything: `httpsRedirect` would swallow the ACME challenges that a first certificate needs.
 *
 * @throws Error when a host is no DNS name, or stands in two certificates.
 */
export class IngressGateway extends pulumi.ComponentResource {
    /** `<namespace>/<name>` of the Gateway that routes bind to. */
    public readonly gateway: pulumi.Output<string>;
    /** Name of the Service, available once the release is complete. */
    public readonly service: pulumi.Output<string>;
    /** The identity that services see, to be allowed by them. */
    public readonly principal: pulumi.Output<string>;

    constructor(name: string, args: IngressGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-istio-platform:index:IngressGateway", name, previewInputs(args), opts);
        const hosts = (args.certificates ?? []).flatMap((certificate) => certificate.hosts.map(({ host }) => host));
        checkHosts(`IngressGateway "${name}"`, hosts);
        checkClaims(name, hosts);
        checkReplicas(`IngressGateway "${name}"`, args.replicas ?? oneReplica);

        const identity = gatewayIdentity(args);
        const quota = criticalPodsQuota(name, `${name}-critical-pods`, args.namespace, args.priorityClassName, {
            parent: this,
        });
        const release = helmRelease(
            `${name}-release`,
            {
                releaseName: identity.releaseName,
                namespace: args.namespace,
                pin: charts.gateway,
                sources: args.sources,
                values: gatewayValues(args),
            },
            { parent: this, dependsOn: quota },
        );
        if (hosts.length > 0) {
            this.https(name, args);
            this.access(name, args, hosts);
        }

        this.gateway = pulumi.output(`${args.namespace}/${name}`);
        this.service = after(identity.releaseName, release);
        this.principal = pulumi.output(principalOf(args.namespace, identity.releaseName, args.trustDomain));
        this.registerOutputs({ gateway: this.gateway, service: this.service, principal: this.principal });
    }

    private https(name: string, args: IngressGatewayArgs): void {
        const certificates = args.certificates ?? [];
        for (const certificate of certificates) {
            this.certificate(name, args, certificate);
        }
        const servers = certificates.map((certificate) => ({
            name: `https-${certificate.name}`,
            port: { number: 443, name: `https-${certificate.name}`, protocol: "HTTPS" },
            hosts: certificate.hosts.map(({ host, namespace }) => `${namespace}/${host}`),
            tls: {
                mode: args.exposure === GatewayExposure.External ? ("SIMPLE" as const) : ("MUTUAL" as const),
                credentialName: secretName(certificate),
                minProtocolVersion: "TLSV1_2" as const,
            },
        }));
        this.gatewayObject(name, args, servers);
    }

    private certificate(name: string, args: IngressGatewayArgs, certificate: GatewayCertificateArgs): void {
        customResource<ICertificate>(
            `${name}-certificate-${certificate.name}`,
            {
                apiVersion: "cert-manager.io/v1",
                kind: "Certificate",
                metadata: { name: certificate.name, namespace: args.namespace },
                spec: {
                    secretName: secretName(certificate),
                    dnsNames: certificate.hosts.map(({ host }) => host),
                    duration: certificate.duration ?? "2160h",
                    // A share, because public CAs shorten the lifetimes that they grant.
                    renewBeforePercentage: 33,
                    privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
                    usages: ["digital signature", "server auth"],
                    issuerRef: { group: "cert-manager.io", kind: "ClusterIssuer", name: certificate.issuerName },
                },
            },
            { parent: this },
        );
    }

    private access(name: string, args: IngressGatewayArgs, hosts: string[]): void {
        customResource<IAuthorizationPolicy>(
            `${name}-allow-hosts`,
            {
                apiVersion: "security.istio.io/v1",
                kind: "AuthorizationPolicy",
                metadata: { name: `${name}-allow-hosts`, namespace: args.namespace },
                spec: {
                    selector: { matchLabels: gatewayIdentity(args).selector },
                    action: "ALLOW",
                    // A client may name the port in its Host header. With a wildcard in front none can stand behind.
                    rules: [{ to: [{ operation: { hosts: hosts.flatMap(withPorts) } }] }],
                },
            },
            { parent: this },
        );
        if (args.exposure === GatewayExposure.External) {
            this.plaintext(name, args, hosts);
        }
    }

    /** Port 80: a redirect for everything that is no ACME challenge. */
    private plaintext(name: string, args: IngressGatewayArgs, hosts: string[]): void {
        const gateway = this.gatewayObject(`${name}-http`, args, [
            {
                name: "http",
                port: { number: 80, name: "http", protocol: "HTTP" },
                hosts: hosts.map((host) => `./${host}`),
            },
        ]);
        customResource<IVirtualService>(
            `${name}-https-redirect`,
            {
                apiVersion: "networking.istio.io/v1",
                kind: "VirtualService",
                metadata: { name: `${name}-https-redirect`, namespace: args.namespace },
                spec: {
                    hosts,
                    gateways: [`${args.namespace}/${name}-http`],
                    http: [{ name: "https-redirect", redirect: { scheme: "https" } }],
                },
            },
            { parent: this, dependsOn: gateway },
        );
        if (args.networkPolicies) {
            this.openSolvers(name, args);
        }
    }

    /** Lets the gateway's pods reach cert-manager's HTTP-01 solvers, which run in the certificates' namespace. */
    private openSolvers(name: string, args: IngressGatewayArgs): void {
        new k8s.networking.v1.NetworkPolicy(
            `${name}-acme-solvers`,
            {
                metadata: { name: `${name}-acme-solvers`, namespace: args.namespace },
                spec: {
                    podSelector: { matchLabels: { "acme.cert-manager.io/http01-solver": "true" } },
                    policyTypes: ["Ingress"],
                    ingress: [
                        {
                            from: [{ podSelector: { matchLabels: gatewayIdentity(args).selector } }],
                            ports: [{ protocol: "TCP", port: 8089 }],
                        },
                    ],
                },
            },
            { parent: this },
        );
    }

    private gatewayObject(
        name: string,
        args: IngressGatewayArgs,
        servers: NonNullable<NonNullable<IGateway["spec"]>["servers"]>,
    ): pulumi.CustomResource {
        return customResource<IGateway>(
            `${name}-gateway`,
            {
                apiVersion: "networking.istio.io/v1",
                kind: "Gateway",
                metadata: { name, namespace: args.namespace },
                spec: { selector: gatewayIdentity(args).selector, servers },
            },
            { parent: this },
        );
    }
}

/**
 * The arguments without the issuers: a component waits for every output among its inputs, and only the certificates
 * are to wait for their issuer, not the gateway.
 */
function previewInputs(args: IngressGatewayArgs): pulumi.Inputs {
    return { ...args, certificates: args.certificates?.map(({ name, hosts }) => ({ name, hosts })) };
}

/** The one value that the Certificate's secret and the gateway's `credentialName` come from. */
function secretName(certificate: GatewayCertificateArgs): string {
    return `${certificate.name}-tls`;
}

function withPorts(host: string): string[] {
    return host.startsWith("*") ? [host, `${host}:80`, `${host}:443`] : [host, `${host}:*`];
}

function checkClaims(name: string, hosts: string[]): void {
    const twice = hosts.find((host, index) => hosts.indexOf(host) !== index);
    if (twice) {
        throw new Error(`IngressGateway "${name}": the host "${twice}" is claimed twice: keep it in one certificate`);
    }
}
