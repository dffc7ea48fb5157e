import type * as pulumi from "@pulumi/pulumi";
import type { ReplicasArgs, ResourceRequirementsArgs } from "./availability";
import type { Platform } from "./controlPlane";
import type { SourcesArgs } from "./helmRelease";

/** Who reaches a gateway. */
export enum GatewayExposure {
    /** Everybody: a LoadBalancer, TLS on 443, redirect and ACME challenges on 80. */
    External = "external",
    /** Clients in the network that have a certificate: a ClusterIP, mutual TLS on 443 only. */
    Internal = "internal",
}

/** A host that the gateway serves. */
export interface GatewayHostArgs {
    /** A DNS name, as `shop.example.com` or `*.example.com`. */
    host: string;
    /** Namespace of the routes that may claim the host. */
    namespace: string;
}

/** One certificate and the hosts that it is for; the secret and the gateway's server follow from it. */
export interface GatewayCertificateArgs {
    /** Name of the Certificate; its secret is `<name>-tls`. */
    name: string;
    /** The certificate's dnsNames. */
    hosts: GatewayHostArgs[];
    /** ClusterIssuer. An internal gateway needs a private CA, whose root also checks the clients' certificates. */
    issuerName: pulumi.Input<string>;
    /**
     * How long a certificate is valid, in hours; public CAs decide it themselves.
     * @default "2160h" (90 days)
     */
    duration?: string;
}

/** Arguments of IngressGateway. */
export interface IngressGatewayArgs {
    exposure: GatewayExposure;
    /** Namespace of the gateway's pods, its Gateway objects and its certificates' secrets: they share one. */
    namespace: string;
    /**
     * Name of the release, the Deployment and the Service.
     * @default "istio-ingressgateway" for an external, "istio-ingressgateway-internal" for an internal gateway
     */
    releaseName?: string;
    /**
     * What the gateway serves.
     * @default - nothing yet
     */
    certificates?: GatewayCertificateArgs[];
    /** @default one replica */
    replicas?: ReplicasArgs;
    /** @default 100m and 128Mi requested, 2 CPUs and 1Gi at most */
    resources?: ResourceRequirementsArgs;
    /**
     * Connections that one replica accepts at most.
     * @default 50000
     */
    maxConnections?: number;
    /**
     * Annotations of the Service, such as a cloud's load balancer wants.
     * @default - none
     */
    serviceAnnotations?: Record<string, string>;
    /**
     * Networks, in CIDR notation, that the load balancer of an external gateway lets in.
     * @default - all
     */
    loadBalancerSourceRanges?: string[];
    /** @default false */
    networkPolicies?: boolean;
    /** @default - the cluster's default priority */
    priorityClassName?: string;
    /**
     * Where the cluster runs, when Istio's charts know it.
     * @default - plain Kubernetes
     */
    platform?: Platform;
    /**
     * The trust domain of the mesh.
     * @default "cluster.local"
     */
    trustDomain?: string;
    /** @default - the official homes of charts and images */
    sources?: SourcesArgs;
}
