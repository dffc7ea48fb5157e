import type { ResourceRequirementsArgs, SpreadConstraint } from "./availability";

/**
 * The parts of the charts' values that the components set. All Istio charts but the gateway's ignore an unknown key
 * in silence, so these types are what catches a misspelt one.
 */

interface Disruption {
    minAvailable: number;
}

interface Toggle {
    enabled: boolean;
}

interface SeccompProfile {
    type: "RuntimeDefault";
}

/** `global` as base, istiod and cni share it. */
export interface IstioGlobalValues {
    istioNamespace?: string;
    hub?: string;
    tag?: string;
    platform?: string;
    variant?: "distroless";
    priorityClassName?: string;
    networkPolicy?: Toggle;
    defaultPodDisruptionBudget?: Toggle;
    logAsJson?: boolean;
    proxy?: { resources?: ResourceRequirementsArgs; seccompProfile?: SeccompProfile };
    proxy_init?: { resources?: ResourceRequirementsArgs };
}

/** Values of Istio's chart `base`. */
export interface BaseValues {
    defaultRevision: string;
    global: IstioGlobalValues;
}

/** Mesh configuration, https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/. */
export interface MeshConfigValues {
    accessLogFile?: string;
    accessLogEncoding?: "JSON" | "TEXT";
    enableAutoMtls: boolean;
    enablePrometheusMerge: boolean;
    outboundTrafficPolicy: { mode: string };
    pathNormalization: { normalization: "DECODE_AND_MERGE_SLASHES" };
    tlsDefaults: { minProtocolVersion: "TLSV1_2" };
    meshMTLS: { minProtocolVersion: "TLSV1_2" | "TLSV1_3" };
    ingressControllerMode: "STRICT";
    ingressClass: string;
    ingressSelector: string;
    ingressService: string;
    trustDomain: string;
    defaultConfig: { holdApplicationUntilProxyStarts: boolean };
}

/** Values of Istio's chart `istiod`. */
export interface IstiodValues {
    autoscaleEnabled: boolean;
    autoscaleMin?: number;
    autoscaleMax?: number;
    replicaCount?: number;
    pdb?: Disruption;
    resources: ResourceRequirementsArgs;
    seccompProfile: SeccompProfile;
    topologySpreadConstraints?: SpreadConstraint[];
    extraContainerArgs: string[];
    env: Record<string, string>;
    cni: Toggle;
    meshConfig: MeshConfigValues;
    global: IstioGlobalValues;
}

/** Values of Istio's chart `cni`. */
export interface CniValues {
    resources: ResourceRequirementsArgs;
    seccompProfile: SeccompProfile;
    global: IstioGlobalValues;
}

/** Values of Istio's chart `gateway`, the only one of Istio's with a strict schema. */
export interface GatewayValues {
    name: string;
    labels: Record<string, string>;
    podAnnotations: Record<string, string>;
    service: {
        type: string;
        ports: { name: string; port: number; protocol: "TCP"; targetPort: number }[];
        annotations?: Record<string, string>;
        loadBalancerSourceRanges?: string[];
        externalTrafficPolicy?: string;
    };
    autoscaling: {
        enabled: boolean;
        minReplicas?: number;
        maxReplicas?: number;
        targetCPUUtilizationPercentage?: number;
    };
    replicaCount?: number;
    podDisruptionBudget: Disruption | Record<string, never>;
    topologySpreadConstraints: SpreadConstraint[];
    resources: ResourceRequirementsArgs;
    priorityClassName: string;
    global: { networkPolicy: Toggle; platform?: string };
}

/** What cert-manager's three deployments have in common. */
interface CertManagerWorkloadValues {
    replicaCount: number;
    podDisruptionBudget: Toggle & Partial<Disruption>;
    networkPolicy: Toggle & { egress: Record<string, never>[] };
    resources: ResourceRequirementsArgs;
    topologySpreadConstraints: SpreadConstraint[];
}

/** Values of the chart `cert-manager`. */
export interface CertManagerValues extends CertManagerWorkloadValues {
    crds: { enabled: boolean; keep: boolean };
    global: { leaderElection: { namespace: string }; priorityClassName: string };
    imageRegistry?: string;
    webhook: CertManagerWorkloadValues & { timeoutSeconds: number };
    cainjector: CertManagerWorkloadValues;
    startupapicheck: { timeout: string; resources: ResourceRequirementsArgs };
}
