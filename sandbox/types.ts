/** Absolute paths of the programs that a sandbox consists of. */
export interface ProgramPaths {
    readonly etcd: string;
    readonly kubeApiserver: string;
    readonly kubeControllerManager: string;
    readonly kubeScheduler: string;
    readonly kwok: string;
    readonly helm: string;
}

/** Absolute paths of everything that a sandbox and the tools around it run or read. */
export interface Programs extends ProgramPaths {
    /** The objects that make KWOK simulate nodes, pods, volumes, load balancers and certificates. */
    readonly stages: string;
    /** Kubernetes' OpenAPI document (version 2), of the API server's own release. */
    readonly swagger: string;
}

/** Hears what a long step is doing, about once a second, in words for a terminal. */
export type Report = (text: string) => void;

/** The programs' file names. */
export const fileNames = {
    etcd: "etcd",
    kubeApiserver: "kube-apiserver",
    kubeControllerManager: "kube-controller-manager",
    kubeScheduler: "kube-scheduler",
    kwok: "kwok",
    helm: "helm",
} as const satisfies Record<keyof ProgramPaths, string>;

/** The programs, as the keys of `Programs`. */
export const programKeys = ["etcd", "kubeApiserver", "kubeControllerManager", "kubeScheduler", "kwok", "helm"] as const;

/** Makes a value for every program. */
export function mapPrograms(path: (key: keyof ProgramPaths) => string): ProgramPaths {
    return {
        etcd: path("etcd"),
        kubeApiserver: path("kubeApiserver"),
        kubeControllerManager: path("kubeControllerManager"),
        kubeScheduler: path("kubeScheduler"),
        kwok: path("kwok"),
        helm: path("helm"),
    };
}
