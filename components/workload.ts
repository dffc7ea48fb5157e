import type * as k8s from "@pulumi/kubernetes";
import {
    oneReplica,
    resources,
    targetCpuUtilization,
    topologySpread,
    type ReplicasArgs,
    type ResourceRequirementsArgs,
} from "./availability";

/** One version of a service, run by a Deployment of its own. */
export interface ServiceVersionArgs {
    /** Name of the version and of its subset, as `v1`. */
    name: string;
    /** The image, with its tag or digest. */
    image: string;
}

/** What all versions of a service have in common in their pods. */
export interface WorkloadArgs {
    /** Port that the container listens on, 1024 or higher. */
    port: number;
    /**
     * HTTP path that answers 200 when the container can serve.
     * @default - no probes
     */
    healthPath?: string;
    /**
     * Environment of the container.
     * @default - none
     */
    environment?: Record<string, string>;
    /**
     * Folders that the container may write to, each an empty volume that ends with the pod.
     * @default - none
     */
    writableFolders?: string[];
    /**
     * Forbids writing anywhere else.
     * @default true
     */
    readOnlyRootFilesystem?: boolean;
    /** @default 10m (100m when it scales) and 64Mi requested, 500m and 256Mi at most */
    resources?: ResourceRequirementsArgs;
    /**
     * Replicas of each version.
     * @default one replica
     */
    replicas?: ReplicasArgs;
    /** @default - the cluster's default priority */
    priorityClassName?: string;
}

type Labels = Record<string, string>;

/** The pods of one version. */
export function deploymentSpec(
    service: string,
    version: ServiceVersionArgs,
    args: WorkloadArgs,
): k8s.types.input.apps.v1.DeploymentSpec {
    const labels: Labels = { app: service, version: version.name };
    const replicas = args.replicas ?? oneReplica;
    return {
        // The number of replicas is the autoscaler's, even when it is fixed: two owners would fight over it whenever
        // a service begins or ceases to scale, and the engine removes an autoscaler only after all else is updated.
        selector: { matchLabels: labels },
        template: {
            metadata: { labels },
            spec: {
                serviceAccountName: service,
                automountServiceAccountToken: false,
                securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
                containers: [container(service, version, args)],
                volumes: folders(args).map(({ name }) => ({ name, emptyDir: {} })),
                ...(replicas.max > 1 ? { topologySpreadConstraints: topologySpread(labels) } : {}),
                ...(args.priorityClassName ? { priorityClassName: args.priorityClassName } : {}),
            },
        },
    };
}

function container(
    service: string,
    version: ServiceVersionArgs,
    args: WorkloadArgs,
): k8s.types.input.core.v1.Container {
    return {
        name: service,
        image: version.image,
        imagePullPolicy: "IfNotPresent",
        ports: [{ name: "app", containerPort: args.port, protocol: "TCP" }],
        env: Object.entries(args.environment ?? {}).map(([name, value]) => ({ name, value })),
        // An autoscaler compares use with what is requested: with next to nothing requested it would always scale up.
        resources: args.resources ?? resources(scales(args) ? "100m" : "10m", "64Mi", "500m", "256Mi"),
        securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ["ALL"] },
            readOnlyRootFilesystem: args.readOnlyRootFilesystem ?? true,
        },
        volumeMounts: folders(args).map(({ name, mountPath }) => ({ name, mountPath })),
        ...probes(args),
    };
}

function scales({ replicas }: WorkloadArgs): boolean {
    return replicas !== undefined && replicas.max > replicas.min;
}

function probes(args: WorkloadArgs) {
    if (args.healthPath === undefined) {
        return {};
    }
    const httpGet = { path: args.healthPath, port: args.port };
    return {
        readinessProbe: { httpGet, periodSeconds: 5 },
        livenessProbe: { httpGet, initialDelaySeconds: 30, periodSeconds: 15, failureThreshold: 4 },
    };
}

function folders(args: WorkloadArgs): { name: string; mountPath: string }[] {
    return (args.writableFolders ?? []).map((mountPath) => ({
        name: mountPath.replace(/^\/+/, "").replace(/[^a-z0-9]+/g, "-"),
        mountPath,
    }));
}

/** Keeps the number of replicas of one version: scaled by CPU, or fixed when `min` is `max`. */
export function autoscalerSpec(
    deployment: string,
    replicas: ReplicasArgs,
): k8s.types.input.autoscaling.v2.HorizontalPodAutoscalerSpec {
    return {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment },
        minReplicas: replicas.min,
        maxReplicas: replicas.max,
        metrics: [
            {
                type: "Resource",
                resource: { name: "cpu", target: { type: "Utilization", averageUtilization: targetCpuUtilization } },
            },
        ],
    };
}
