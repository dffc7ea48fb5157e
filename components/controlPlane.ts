import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { charts, images } from "../versions";
import {
    checkReplicas,
    resources,
    topologySpread,
    type ReplicasArgs,
    type ResourceRequirementsArgs,
} from "./availability";
import type { BaseValues, CniValues, IstiodValues, IstioGlobalValues, MeshConfigValues } from "./chartValues";
import { after } from "./customResource";
import { helmRelease, imageHome, type SourcesArgs } from "./helmRelease";

/** What a sidecar does with calls to hosts that the mesh does not know. */
export enum OutboundTrafficPolicy {
    /** Lets them through. */
    AllowAny = "ALLOW_ANY",
    /** Refuses them: only Services and ServiceEntries can be called. */
    RegistryOnly = "REGISTRY_ONLY",
}

/** Where the gateway that serves Ingress objects of class `istio` runs: cert-manager's HTTP-01 solver makes such. */
export interface IngressControllerArgs {
    /** Namespace of the gateway. */
    namespace: string;
    /** Value of the label `istio` on the gateway's pods. */
    selector: string;
    /** Name of the gateway's Service. */
    service: string;
}

/** Arguments of {@link ControlPlane}. */
export interface ControlPlaneArgs {
    /**
     * The mesh's root namespace; the component makes it.
     * @default "istio-system"
     */
    namespace?: string;
    /**
     * The SPIFFE trust domain of the workloads' identities.
     * @default "cluster.local"
     */
    trustDomain?: string;
    /**
     * Replicas of istiod.
     * @default one replica
     */
    replicas?: ReplicasArgs;
    /**
     * Requests and limits of istiod.
     * @default 100m and 256Mi requested, 1 CPU and 1Gi at most
     */
    resources?: ResourceRequirementsArgs;
    /**
     * Requests and limits of every sidecar.
     * @default 10m and 64Mi requested, 1 CPU and 512Mi at most
     */
    sidecarResources?: ResourceRequirementsArgs;
    /**
     * Installs Istio's CNI plugin, so that pods need no init container with NET_ADMIN.
     * @default false
     */
    cni?: boolean;
    /** @default OutboundTrafficPolicy.AllowAny */
    outboundTrafficPolicy?: OutboundTrafficPolicy;
    /**
     * Uses the images without a shell.
     * @default true
     */
    distroless?: boolean;
    /**
     * Makes the charts' NetworkPolicies.
     * @default false
     */
    networkPolicies?: boolean;
    /**
     * Writes an access log in JSON from every proxy.
     * @default true
     */
    accessLogs?: boolean;
    /**
     * Priority class of istiod.
     * @default - the cluster's default priority
     */
    priorityClassName?: string;
    /**
     * The gateway that serves Ingress objects of class `istio`.
     * @default - `istio-ingressgateway` in the namespace `istio-ingress`
     */
    ingressController?: IngressControllerArgs;
    /** @default - the official homes of charts and images */
    sources?: SourcesArgs;
}

/**
 * Istio's control plane: the root namespace, the CRDs (release `istio-base`), istiod, the CNI plugin when asked, and
 * the IngressClass `istio`.
 *
 * What is injected or validated by istiod depends on this component.
 *
 * @throws Error when the replicas cannot both hold.
 */
export class ControlPlane extends pulumi.ComponentResource {
    /** The root namespace, available once istiod answers. */
    public readonly namespace: pulumi.Output<string>;
    /** Name of the IngressClass that the mesh serves. */
    public readonly ingressClass: pulumi.Output<string>;

    constructor(name: string, args: ControlPlaneArgs = {}, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-istio-platform:index:ControlPlane", name, args, opts);
        checkReplicas(`ControlPlane "${name}"`, args.replicas ?? { min: 1, max: 1 });

        const namespace = new k8s.core.v1.Namespace(
            `${name}-namespace`,
            { metadata: { name: args.namespace ?? "istio-system" } },
            { parent: this },
        );
        const shared = { namespace: namespace.metadata.name, sources: args.sources };
        const base = helmRelease(
            `${name}-base`,
            { ...shared, releaseName: "istio-base", pin: charts.base, values: baseValues(args) },
            { parent: this },
        );
        const istiod = helmRelease(
            `${name}-istiod`,
            { ...shared, releaseName: "istiod", pin: charts.istiod, values: istiodValues(args) },
            { parent: this, dependsOn: base },
        );
        const cni = args.cni
            ? [
                  helmRelease(
                      `${name}-cni`,
                      { ...shared, releaseName: "istio-cni", pin: charts.cni, values: cniValues(args) },
                      { parent: this, dependsOn: base },
                  ),
              ]
            : [];
        const ingressClass = new k8s.networking.v1.IngressClass(
            `${name}-ingress-class`,
            { metadata: { name: ingressClassName }, spec: { controller: "istio.io/ingress-controller" } },
            { parent: this },
        );

        this.namespace = after(args.namespace ?? "istio-system", istiod, ...cni);
        this.ingressClass = after(ingressClassName, ingressClass);
        this.registerOutputs({ namespace: this.namespace, ingressClass: this.ingressClass });
    }
}

const ingressClassName = "istio";

function globalValues(args: ControlPlaneArgs): IstioGlobalValues {
    return {
        hub: imageHome(images.istio, args.sources),
        tag: images.istio.tag,
        ...((args.distroless ?? true) ? { variant: "distroless" } : {}),
        networkPolicy: { enabled: args.networkPolicies ?? false },
    };
}

function baseValues(args: ControlPlaneArgs): BaseValues {
    return {
        defaultRevision: "default",
        // Without it istiod flips the webhook's policy after the installation, and every preview shows the drift
        // (https://github.com/pulumi/pulumi-kubernetes/issues/2210).
        base: { validationFailurePolicy: "Fail" },
        global: { istioNamespace: args.namespace ?? "istio-system" },
    };
}

function istiodValues(args: ControlPlaneArgs): IstiodValues {
    const replicas = args.replicas ?? { min: 1, max: 1 };
    return {
        ...istiodScale(replicas),
        resources: args.resources ?? resources("100m", "256Mi", "1", "1Gi"),
        seccompProfile: { type: "RuntimeDefault" },
        // Closes the plaintext xDS port 15010 (https://istio.io/latest/docs/ops/best-practices/security/).
        extraContainerArgs: ["--grpcAddr="],
        env: {
            PILOT_SCOPE_GATEWAY_TO_NAMESPACE: "true",
            // The Gateway that istiod derives from an Ingress lives in this namespace; with gateways scoped to their
            // own namespace it must be that of the gateway's pods, or HTTP-01 challenges answer 404.
            K8S_INGRESS_NS: ingressController(args).namespace,
        },
        cni: { enabled: args.cni ?? false },
        base: { validationFailurePolicy: "Fail" },
        meshConfig: meshConfig(args),
        global: {
            ...globalValues(args),
            istioNamespace: args.namespace ?? "istio-system",
            logAsJson: true,
            defaultPodDisruptionBudget: { enabled: replicas.min > 1 },
            priorityClassName: args.priorityClassName ?? "",
            proxy: {
                resources: args.sidecarResources ?? resources("10m", "64Mi", "1", "512Mi"),
                seccompProfile: { type: "RuntimeDefault" },
            },
        },
    };
}

function istiodScale(replicas: ReplicasArgs): Partial<IstiodValues> & Pick<IstiodValues, "autoscaleEnabled"> {
    const scale =
        replicas.max > replicas.min
            ? { autoscaleEnabled: true, autoscaleMin: replicas.min, autoscaleMax: replicas.max }
            : { autoscaleEnabled: false, replicaCount: replicas.min };
    return replicas.max > 1
        ? { ...scale, pdb: { minAvailable: 1 }, topologySpreadConstraints: topologySpread({ app: "istiod" }) }
        : scale;
}

function meshConfig(args: ControlPlaneArgs): MeshConfigValues {
    const ingress = ingressController(args);
    return {
        ...((args.accessLogs ?? true) ? { accessLogFile: "/dev/stdout", accessLogEncoding: "JSON" } : {}),
        enableAutoMtls: true,
        enablePrometheusMerge: true,
        outboundTrafficPolicy: { mode: args.outboundTrafficPolicy ?? OutboundTrafficPolicy.AllowAny },
        pathNormalization: { normalization: "DECODE_AND_MERGE_SLASHES" },
        tlsDefaults: { minProtocolVersion: "TLSV1_2" },
        meshMTLS: { minProtocolVersion: "TLSV1_2" },
        ingressControllerMode: "STRICT",
        ingressClass: ingressClassName,
        ingressSelector: ingress.selector,
        ingressService: ingress.service,
        trustDomain: args.trustDomain ?? "cluster.local",
        defaultConfig: { holdApplicationUntilProxyStarts: true },
    };
}

function ingressController(args: ControlPlaneArgs): IngressControllerArgs {
    return (
        args.ingressController ?? {
            namespace: "istio-ingress",
            selector: "ingressgateway",
            service: "istio-ingressgateway",
        }
    );
}

function cniValues(args: ControlPlaneArgs): CniValues {
    return {
        resources: resources("20m", "64Mi", "500m", "256Mi"),
        seccompProfile: { type: "RuntimeDefault" },
        global: globalValues(args),
    };
}
