import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/**
 * Lets a namespace run pods of the system's priority classes: clusters that limit those classes, as GKE's do, refuse
 * such pods outside kube-system unless a quota names them
 * (https://kubernetes.io/docs/concepts/policy/resource-quotas/#limit-priority-class-consumption-by-default).
 * Returns what the pods have to wait for.
 */
export function criticalPodsQuota(
    name: string,
    quotaName: string,
    namespace: pulumi.Input<string>,
    priorityClassName: string | undefined,
    opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
    if (!priorityClassName?.startsWith("system-")) {
        return [];
    }
    const values = ["system-cluster-critical", "system-node-critical"];
    return [
        new k8s.core.v1.ResourceQuota(
            `${name}-critical-pods`,
            {
                metadata: { name: quotaName, namespace },
                spec: {
                    hard: { pods: "1000" },
                    scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values }] },
                },
            },
            opts,
        ),
    ];
}
