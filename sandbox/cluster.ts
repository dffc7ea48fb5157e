import { existsSync } from "node:fs";
import { z } from "zod";
import { call, isReady, waitUntil } from "./client";
import { stagesFile } from "./commands";
import { ensureCredentials, readAccess, writeKubeconfig, type Access } from "./credentials";
import { SandboxError } from "./errors";
import { apply, markerObject, nodes, readManifests, type Manifest } from "./objects";
import { choosePort, portTaken } from "./ports";
import { ServerFailed, Servers } from "./servers";
import { layout, serverKeys, writeState, type State } from "./state";
import type { Report } from "./types";

/** What brings a control plane up in a folder whose state is open. */
export interface Cluster {
    readonly directory: string;
    readonly state: State;
    readonly servers: Servers;
    readonly report: Report;
}

/** How long the API server may take; a machine that is busy with other things needs most of it. */
const patienceMs = 120_000;

/** Starts etcd and the API server where they do not run, and waits until they answer. */
export async function bringUpApi(cluster: Cluster, wantedPort: number | undefined): Promise<Access> {
    const { directory, state, servers, report } = cluster;
    for (let attempt = 1; ; attempt++) {
        try {
            await settlePort(cluster, wantedPort);
            await ensureCredentials(directory);
            report("Starting etcd and the Kubernetes API server");
            await servers.ensure("etcd");
            await servers.ensure("kubeApiserver");
            await waitFor(cluster, "the API server's certificate", () => existsSync(layout(directory).authority));
            const access = await readAccess(directory, state.port);
            await waitFor(cluster, "the API server", () => isReady(access));
            await writeKubeconfig(directory, access);
            return access;
        } catch (error) {
            // Between the look whether a port is free and the API server's start somebody else may take it.
            if (!(error instanceof ServerFailed && error.portTaken)) {
                throw error;
            }
            if (wantedPort !== undefined || attempt === 3) {
                throw portTaken(state.port);
            }
        }
    }
}

/** Keeps the port while the API server runs on it, unless another one is asked for. */
async function settlePort({ directory, state, servers }: Cluster, wanted: number | undefined): Promise<void> {
    if (servers.isRunning("kubeApiserver") && (wanted ?? state.port) === state.port) {
        return;
    }
    state.port = await choosePort(wanted, state.port);
    writeState(directory, state);
}

async function waitFor({ servers }: Cluster, what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    if (!(await waitUntil(condition, patienceMs, () => servers.check()))) {
        throw new SandboxError(
            `${what} was not there within ${patienceMs / 1000} s.`,
            "Give the machine more to compute with, or end what keeps it busy; then start the sandbox again.",
        );
    }
}

/** Starts the controllers and KWOK, with the objects that they work on, and waits until the nodes are ready. */
export async function bringUpControllers(cluster: Cluster, access: Access): Promise<void> {
    const { state, servers, report } = cluster;
    report("Starting the controllers and KWOK");
    await servers.ensure("kubeControllerManager");
    await servers.ensure("kubeScheduler");
    await applyStages(access);
    await startKwok(cluster, access);
    const version = z.object({ gitVersion: z.string() }).parse(JSON.parse((await call(access, "/version")).body));
    await Promise.all([...nodes(version.gitVersion), markerObject(state.id)].map((object) => apply(access, object)));
    await waitFor(cluster, "the simulated nodes", () => nodesAreReady(access));
}

/** A KWOK that was killed still holds the leases of its nodes, and its successor would wait for them to expire. */
async function startKwok({ servers }: Cluster, access: Access): Promise<void> {
    if (!servers.isRunning("kwok")) {
        await call(access, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", { method: "DELETE" });
    }
    await servers.ensure("kwok");
}

/** The definition of stages goes first, since the others are of the kind that it defines. */
async function applyStages(access: Access): Promise<void> {
    const objects = readManifests(stagesFile);
    const isDefinition = (object: Manifest) => object.kind === "CustomResourceDefinition";
    await Promise.all(objects.filter(isDefinition).map((object) => apply(access, object)));
    await Promise.all(objects.filter((object) => !isDefinition(object)).map((object) => apply(access, object)));
}

const nodeList = z.object({
    items: z.array(
        z.object({
            status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional() }),
        }),
    ),
});

async function nodesAreReady(access: Access): Promise<boolean> {
    const answer = await call(access, "/api/v1/nodes");
    const { items } = nodeList.parse(JSON.parse(answer.body));
    const isNodeReady = (item: (typeof items)[number]) =>
        item.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
    return items.length > 0 && items.every(isNodeReady);
}

/** Whether every program runs as it would be started now and the API server answers. */
export async function isHealthy(cluster: Cluster): Promise<boolean> {
    const { directory, state, servers } = cluster;
    if (!serverKeys.every((key) => servers.isCurrent(key)) || !existsSync(layout(directory).kubeconfig)) {
        return false;
    }
    const access = await readAccess(directory, state.port);
    return waitUntil(
        () => isReady(access),
        5_000,
        () => undefined,
    );
}
