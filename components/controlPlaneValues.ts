import { images } from "../versions";
import {
    resources,
    oneReplica,
    topologySpread,
    type ReplicasArgs,
    type ResourceRequirementsArgs,
} from "./availability";
import type { BaseValues, CniValues, IstiodValues, IstioGlobalValues, MeshConfigValues } from "./chartValues";
import { OutboundTrafficPolicy, type ControlPlaneArgs, type IngressControllerArgs } from "./controlPlane";
import { imageHome } from "./helmRelease";

/** Name of the IngressClass that the mesh serves. */
export const ingressClassName = "istio";

function globalValues(args: ControlPlaneArgs): IstioGlobalValues {
    return {
        hub: imageHome(images.istio, args.sources),
        tag: images.istio.tag,
        ...((args.distroless ?? true) ? { variant: "distroless" } : {}),
        networkPolicy: { enabled: args.networkPolicies ?? false },
        ...(args.platform ? { platform: args.platform } : {}),
    };
}

/**
 * The validating webhook stays at the chart's own policy: istiod turns it to Fail once it answers. Set to Fail from the
 * start it would refuse the mesh's first objects, and a Release shows no drift of what is inside it.
 */
export function baseValues(args: ControlPlaneArgs): BaseValues {
    return {
        defaultRevision: "default",
        global: { istioNamespace: args.namespace ?? "istio-system" },
    };
}

export function istiodValues(args: ControlPlaneArgs): IstiodValues {
    const replicas = args.replicas ?? oneReplica;
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
        meshConfig: meshConfig(args),
        global: {
            ...globalValues(args),
            istioNamespace: args.namespace ?? "istio-system",
            logAsJson: true,
            defaultPodDisruptionBudget: { enabled: replicas.min > 1 },
            priorityClassName: args.priorityClassName ?? "",
            proxy: {
                resources: args.sidecarResources ?? sidecarResources(replicas),
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

export function cniValues(args: ControlPlaneArgs): CniValues {
    return {
        resources: resources("20m", "64Mi", "500m", "256Mi"),
        seccompProfile: { type: "RuntimeDefault" },
        global: globalValues(args),
    };
}

/** What scales by use must request what it uses at rest, sidecars included; what runs alone may be small. */
function sidecarResources(replicas: ReplicasArgs): ResourceRequirementsArgs {
    return replicas.max > 1 ? resources("100m", "128Mi", "2", "1Gi") : resources("10m", "64Mi", "1", "512Mi");
}
