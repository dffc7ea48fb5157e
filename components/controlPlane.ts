import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { charts } from "../versions";
import { checkReplicas, oneReplica, type ReplicasArgs, type ResourceRequirementsArgs } from "./availability";
import { baseValues, cniValues, ingressClassName, istiodValues } from "./controlPlaneValues";
import { criticalPodsQuota } from "./criticalPods";
import { after } from "./customResource";
import { helmRelease, type SourcesArgs } from "./helmRelease";

/** What a sidecar does with calls to hosts that the mesh does not know. */
export enum OutboundTrafficPolicy {
    /** Lets them through. */
    AllowAny = "ALLOW_ANY",
    /** Refuses them: only Services and ServiceEntries can be called. */
    RegistryOnly = "REGISTRY_ONLY",
}

/** Platforms that Istio's charts have settings for, https://istio.io/latest/docs/ambient/install/platform-prerequisites/. */
export enum Platform {
    Gke = "gke",
    K3d = "k3d",
    K3s = "k3s",
    Microk8s = "microk8s",
    Minikube = "minikube",
    Openshift = "openshift",
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
     * @default 10m and 64Mi requested, 1 CPU and 512Mi at most; with several istiods 100m, 128Mi, 2 CPUs and 1Gi
     */
    sidecarResources?: ResourceRequirementsArgs;
    /**
     * Installs Istio's CNI plugin, so that pods need no init container with NET_ADMIN.
     * @default false
     */
    cni?: boolean;
    /**
     * Where the cluster runs, when Istio's charts know it: paths of the CNI plugin and the like follow from it.
     * @default - plain Kubernetes
     */
    platform?: Platform;
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
        checkReplicas(`ControlPlane "${name}"`, args.replicas ?? oneReplica);

        const namespace = new k8s.core.v1.Namespace(
            `${name}-namespace`,
            { metadata: { name: args.namespace ?? "istio-system" } },
            { parent: this },
        );
        const shared = { namespace: namespace.metadata.name, sources: args.sources };
        const quota = criticalPodsQuota(
            name,
            "critical-pods",
            namespace.metadata.name,
            args.cni ? "system-node-critical" : args.priorityClassName,
            { parent: this },
        );
        const base = helmRelease(
            `${name}-base`,
            { ...shared, releaseName: "istio-base", pin: charts.base, values: baseValues(args) },
            { parent: this },
        );
        const istiod = helmRelease(
            `${name}-istiod`,
            { ...shared, releaseName: "istiod", pin: charts.istiod, values: istiodValues(args) },
            { parent: this, dependsOn: [base, ...quota] },
        );
        const cni = args.cni
            ? [
                  helmRelease(
                      `${name}-cni`,
                      { ...shared, releaseName: "istio-cni", pin: charts.cni, values: cniValues(args) },
                      { parent: this, dependsOn: [base, ...quota] },
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
