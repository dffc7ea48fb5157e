import { setTimeout as sleep } from "node:timers/promises";
import { throwIfInterrupted } from "../interrupts";
import { at, isObject, listAt, parseJson, textAt, type Json } from "../json";
import { Kube } from "../kube";
import { output, type Command } from "../process";
import { Helm } from "../rehearsal/helm";
import { readRelease, recovered } from "../rehearsal/release";
import { root } from "../project";

/** The sandbox whose stack is mended. */
interface Scene {
    stack: string;
    sandbox: { directory: string; kubeconfig: string };
    helm: string;
    report: (text: string) => void;
}

/**
 * Mends a stack whose last deployment was killed. The engine remembers what it was about to do, but not whether it
 * happened: what it was creating is taken away from the sandbox, where it can be made again, and what it was changing
 * is brought to rest. Then the memory is cleared, so that the next deployment simply goes on.
 */
export async function repairState(scene: Scene, pulumi: (args: string[], more?: Partial<Command>) => Command) {
    const exported = parseJson(await output(pulumi(["stack", "export", "--stack", scene.stack])));
    const pending = listAt(exported, "deployment", "pending_operations");
    if (!isObject(exported) || pending.length === 0) {
        return;
    }
    scene.report(`Mending what an interrupted deployment left behind (${pending.length} pending)`);
    const kube = await Kube.connect(scene.sandbox.kubeconfig);
    try {
        const helm = new Helm(scene.helm, scene.sandbox.kubeconfig, root, scene.sandbox.directory);
        await Promise.all(pending.map((operation) => settle(operation, kube, helm)));
    } finally {
        kube.close();
    }
    const deployment = { ...(isObject(exported["deployment"]) ? exported["deployment"] : {}), pending_operations: [] };
    const input = JSON.stringify({ ...exported, deployment });
    await output(pulumi(["stack", "import", "--stack", scene.stack], { input }));
}

async function settle(operation: unknown, kube: Kube, helm: Helm): Promise<void> {
    const type = textAt(operation, "resource", "type") ?? "";
    const inputs = at(operation, "resource", "inputs");
    const creating = textAt(operation, "type") === "creating";
    if (!isObject(inputs) || !type.startsWith("kubernetes:")) {
        return;
    }
    if (type === "kubernetes:helm.sh/v3:Release") {
        await settleRelease(inputs, creating, helm);
    } else if (creating) {
        await removeObject(inputs, kube);
    }
}

async function settleRelease(inputs: Json, creating: boolean, helm: Helm): Promise<void> {
    const release = readRelease(inputs, "");
    const status = await recovered(helm, release);
    if (creating && status !== undefined) {
        await helm.output(["uninstall", release.name, "-n", release.namespace, "--wait", "--timeout", "120s"]);
    }
}

async function removeObject(inputs: Json, kube: Kube): Promise<void> {
    const apiVersion = textAt(inputs, "apiVersion");
    const kind = textAt(inputs, "kind");
    const name = textAt(inputs, "metadata", "name");
    if (apiVersion === undefined || kind === undefined || name === undefined) {
        return;
    }
    const namespace = textAt(inputs, "metadata", "namespace");
    await kube.remove(apiVersion, kind, name, namespace);
    // A namespace empties itself first, and nothing can be made in it while it does.
    const deadline = Date.now() + 60_000;
    while ((await kube.read(apiVersion, kind, name, namespace)) !== undefined && Date.now() < deadline) {
        throwIfInterrupted();
        await sleep(250);
    }
}
