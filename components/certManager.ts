import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { charts } from "../versions";
import { resources, topologySpread } from "./availability";
import type { CertManagerValues } from "./chartValues";
import { criticalPodsQuota } from "./criticalPods";
import { after } from "./customResource";
import { helmRelease, type SourcesArgs } from "./helmRelease";

/** Arguments of {@link CertManager}. */
export interface CertManagerArgs {
    /**
     * Namespace of cert-manager, and of the secrets that its ClusterIssuers read; the component makes it.
     * @default "cert-manager"
     */
    namespace?: string;
    /**
     * Three webhooks, two of everything else, disruption budgets and spread
     * (https://cert-manager.io/docs/installation/best-practice/).
     * @default false
     */
    highAvailability?: boolean;
    /**
     * Makes the chart's NetworkPolicies.
     * @default false
     */
    networkPolicies?: boolean;
    /**
     * Priority class of all pods.
     * @default - the cluster's default priority
     */
    priorityClassName?: string;
    /** @default - the official homes of charts and images */
    sources?: SourcesArgs;
}

/**
 * cert-manager with its CRDs, which stay when the release is removed. The release is complete only when the webhook
 * answers, so what depends on it finds a webhook that is ready.
 */
export class CertManager extends pulumi.ComponentResource {
    /** cert-manager's namespace, available once its webhook answers. */
    public readonly namespace: pulumi.Output<string>;

    constructor(name: string, args: CertManagerArgs = {}, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-istio-platform:index:CertManager", name, args, opts);
        const namespaceName = args.namespace ?? "cert-manager";

        const namespace = new k8s.core.v1.Namespace(
            `${name}-namespace`,
            { metadata: { name: namespaceName } },
            { parent: this },
        );
        const quota = criticalPodsQuota(name, "critical-pods", namespace.metadata.name, args.priorityClassName, {
            parent: this,
        });
        const release = helmRelease(
            `${name}-release`,
            {
                releaseName: "cert-manager",
                namespace: namespace.metadata.name,
                pin: charts.certManager,
                sources: args.sources,
                values: certManagerValues(args, namespaceName),
            },
            { parent: this, dependsOn: quota },
        );

        this.namespace = after(namespaceName, release);
        this.registerOutputs({ namespace: this.namespace });
    }
}

function certManagerValues(args: CertManagerArgs, namespace: string): CertManagerValues {
    const available = args.highAvailability ?? false;
    const workload = (component: string, replicaCount: number) => ({
        replicaCount,
        podDisruptionBudget: available ? { enabled: true, minAvailable: 1 } : { enabled: false },
        // The chart's own list has the ports of some API servers only, and a policy sees the port behind the Service.
        networkPolicy: { enabled: args.networkPolicies ?? false, egress: [{}] },
        topologySpreadConstraints: available
            ? topologySpread({
                  "app.kubernetes.io/instance": "cert-manager",
                  "app.kubernetes.io/component": component,
              })
            : [],
        resources: resources("10m", "64Mi", "500m", "512Mi"),
    });
    return {
        ...workload("controller", available ? 2 : 1),
        crds: { enabled: true, keep: true },
        // Managed clusters forbid leases in kube-system, the chart's default.
        global: { leaderElection: { namespace }, priorityClassName: args.priorityClassName ?? "" },
        ...(args.sources?.imageRegistry ? { imageRegistry: args.sources.imageRegistry } : {}),
        // The API server gives up on an admission webhook after 30 s; sooner lets a caller retry.
        webhook: { ...workload("webhook", available ? 3 : 1), timeoutSeconds: 10 },
        cainjector: workload("cainjector", available ? 2 : 1),
        startupapicheck: { timeout: "3m", resources: resources("10m", "32Mi", "100m", "128Mi") },
    };
}
