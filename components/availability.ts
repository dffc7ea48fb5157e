/** Requests and limits of a container, in Kubernetes quantities (`100m`, `128Mi`). */
export interface ResourceRequirementsArgs {
    requests: Record<string, string>;
    limits: Record<string, string>;
}

/** How many replicas a workload has: `min` at least, scaled up to `max` by CPU. */
export interface ReplicasArgs {
    /** Replicas at least. From 2 on there is a PodDisruptionBudget as well. */
    min: number;
    /** Replicas at most; the same as `min` for a fixed number. */
    max: number;
}

/** What runs when nothing else is asked for. */
export const oneReplica: ReplicasArgs = { min: 1, max: 1 };

/** One spread constraint as Kubernetes has it. */
export interface SpreadConstraint {
    maxSkew: number;
    topologyKey: string;
    whenUnsatisfiable: "ScheduleAnyway" | "DoNotSchedule";
    labelSelector: { matchLabels: Record<string, string> };
}

/** CPU use, in percent of the request, above which a workload gets another replica. */
export const targetCpuUtilization = 80;

/** Spreads pods over zones and nodes where the cluster has several, without refusing to run where it has one. */
export function topologySpread(matchLabels: Record<string, string>): SpreadConstraint[] {
    return ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels },
    }));
}

/** Requests and limits that differ by CPU and memory only. */
export function resources(
    cpu: string,
    memory: string,
    cpuLimit: string,
    memoryLimit: string,
): ResourceRequirementsArgs {
    return { requests: { cpu, memory }, limits: { cpu: cpuLimit, memory: memoryLimit } };
}

/** Throws when `min` and `max` cannot both hold. */
export function checkReplicas(owner: string, replicas: ReplicasArgs): void {
    const { min, max } = replicas;
    if (!Number.isInteger(min) || !Number.isInteger(max) || min < 1 || max < min) {
        throw new Error(
            `${owner}: replicas min ${min} and max ${max} cannot both hold: use whole numbers, 1 <= min <= max`,
        );
    }
}
