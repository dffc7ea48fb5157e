import { readFileSync } from "node:fs";
import { join } from "node:path";
import { digest } from "./cache";
import { loopback } from "./ports";
import { layout, type ServerKey, type State } from "./state";
import type { ProgramPaths } from "./types";

/** The objects that make KWOK simulate nodes, pods, volumes, load balancers and certificates. */
export const stagesFile = join(__dirname, "stages.yaml");

/** How to start one of the sandbox's programs. */
export interface Command {
    readonly program: string;
    readonly args: readonly string[];
    readonly fingerprint: string;
}

/**
 * etcd's socket, relative to the sandbox's folder, in which every program runs: a socket's path must not exceed 104
 * bytes. In a folder that only the owner may enter it keeps everybody else out, as a port on loopback would not.
 */
const etcdSocket = "unix://etcd.sock";

/** The command of a program for the sandbox in a folder. */
export function commandOf(key: ServerKey, programs: ProgramPaths, directory: string, state: State): Command {
    const args = argumentsOf(key, directory, state);
    // KWOK itself follows changes of its stages, but only a start applies them.
    const stages = key === "kwok" ? readFileSync(stagesFile, "utf8") : "";
    // Clients read the port from the kubeconfig, and only when they start.
    const port = key === "etcd" ? "" : String(state.port);
    return { program: programs[key], args, fingerprint: digest(programs[key], ...args, port, stages) };
}

function argumentsOf(key: ServerKey, directory: string, state: State): string[] {
    const files = layout(directory);
    switch (key) {
        case "etcd":
            return etcd();
        case "kubeApiserver":
            return apiserver(files, state.port);
        case "kubeControllerManager":
            return controllerManager(files);
        case "kubeScheduler":
            return [client(files), "--secure-port=0", "--leader-elect=false"];
        case "kwok":
            return [
                client(files),
                "--manage-all-nodes=true",
                // Stages are objects in the cluster, not files: KWOK ends at once when a file names a kind whose
                // CustomResourceDefinition does not exist yet, and cert-manager's come with its chart.
                "--enable-crds=Stage",
                "--node-lease-duration-seconds=40",
                "--cidr=10.244.0.0/16",
            ];
    }
}

function etcd(): string[] {
    return [
        "--name=sandbox",
        "--data-dir=etcd",
        `--listen-client-urls=${etcdSocket}`,
        "--listen-peer-urls=unix://peer.sock",
        // Nobody connects to these: etcd insists on addresses with a port, for members that are not there.
        `--advertise-client-urls=http://${loopback}:2379`,
        `--initial-advertise-peer-urls=http://${loopback}:2380`,
        `--initial-cluster=sandbox=http://${loopback}:2380`,
        // The data live as long as the sandbox, so a power failure may take them.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ];
}

function apiserver(files: ReturnType<typeof layout>, port: number): string[] {
    return [
        `--etcd-servers=${etcdSocket}`,
        `--bind-address=${loopback}`,
        `--advertise-address=${loopback}`,
        `--secure-port=${port}`,
        `--cert-dir=${files.certificates}`,
        `--token-auth-file=${files.tokens}`,
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        `--service-account-key-file=${files.serviceAccountKey}`,
        `--service-account-signing-key-file=${files.serviceAccountKey}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--allow-privileged=true",
        "--endpoint-reconciler-type=none",
        // The pods behind webhooks are simulated: nothing would answer.
        "--disable-admission-plugins=ValidatingAdmissionWebhook,MutatingAdmissionWebhook",
    ];
}

function controllerManager(files: ReturnType<typeof layout>): string[] {
    return [
        client(files),
        "--secure-port=0",
        "--leader-elect=false",
        `--service-account-private-key-file=${files.serviceAccountKey}`,
        `--root-ca-file=${files.authority}`,
        "--use-service-account-credentials=false",
        // There are no metrics to scale by, but the minimum of an autoscaler is to hold at once.
        "--horizontal-pod-autoscaler-sync-period=2s",
        // A laptop that slept must not find all its nodes lost and their pods evicted.
        "--node-monitor-grace-period=10m",
    ];
}

function client(files: ReturnType<typeof layout>): string {
    return `--kubeconfig=${files.kubeconfig}`;
}
