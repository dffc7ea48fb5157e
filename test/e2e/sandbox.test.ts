import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
    AppsV1Api,
    AutoscalingV2Api,
    BatchV1Api,
    CoreV1Api,
    KubeConfig,
    type V1PodTemplateSpec,
} from "@kubernetes/client-node";
import {
    contextName,
    ensureCharts,
    ensurePrograms,
    marker,
    readChartManifest,
    SandboxError,
    sandboxStatus,
    startSandbox,
    stopSandbox,
    type Programs,
    type Sandbox,
} from "../../sandbox";

const silent = () => undefined;

/** Polls until the condition holds; what is simulated takes moments, and a busy machine a few more. */
async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!(await condition())) {
        assert.ok(Date.now() < deadline, `${what} did not come true within 20 s`);
        await sleep(100);
    }
}

function template(app: string, restartPolicy: string): V1PodTemplateSpec {
    return {
        metadata: { labels: { app } },
        spec: { restartPolicy, containers: [{ name: "main", image: "example.com/nothing:1" }] },
    };
}

/** The processes of a sandbox, by program. */
async function processes(directory: string): Promise<Map<string, number | undefined>> {
    const { programs } = await sandboxStatus({ directory });
    return new Map(programs.map(({ name, pid }) => [name, pid]));
}

function isRunning(pid: number): boolean {
    try {
        // A process that has ended but was not waited for is a zombie, which still takes signals.
        return process.kill(pid, 0) && !/^State:\s+Z/m.test(procStatus(pid));
    } catch {
        return false;
    }
}

function procStatus(pid: number): string {
    const file = `/proc/${pid}/status`;
    return existsSync(file) ? readFileSync(file, "utf8") : "";
}

describe("the sandbox", function () {
    this.timeout(60_000);

    const root = mkdtempSync(join(tmpdir(), "sandbox-test-"));
    const directory = join(root, "state", "dev");
    let programs: Programs;
    let sandbox: Sandbox;
    let config: KubeConfig;

    before("start", async function () {
        // The first run on a machine builds the programs.
        this.timeout(45 * 60_000);
        programs = await ensurePrograms(silent);
        sandbox = await startSandbox({ directory, report: silent, programs });
        config = new KubeConfig();
        config.loadFromFile(sandbox.kubeconfig);
    });

    after("stop", async () => {
        await stopSandbox({ directory });
        rmSync(root, { recursive: true, force: true });
    });

    it("answers, and is new", async () => {
        const response = await status("/readyz", true);
        assert.equal(response, 200);
        assert.equal(sandbox.reused, false);
        assert.equal((await sandboxStatus({ directory })).state, "running");
    });

    it("names its context so that it can be told from other clusters", () => {
        assert.equal(config.getCurrentContext(), contextName);
        assert.equal(config.getCurrentCluster()?.server, sandbox.server);
        assert.equal(config.getCurrentCluster()?.skipTLSVerify, false);
    });

    it("holds the id that proves which sandbox it is", async () => {
        const object = await config.makeApiClient(CoreV1Api).readNamespacedConfigMap({ ...marker });
        assert.deepEqual(object.data, { id: sandbox.id });
    });

    it("refuses requests without credentials", async () => {
        assert.equal(await status("/api", false), 401);
        assert.equal(await status("/readyz", false), 401);
    });

    it("keeps its secrets to the owner", () => {
        assert.equal(statSync(directory).mode & 0o777, 0o700);
        for (const name of ["kubeconfig", "state.json", "tokens.csv", "service-account.key"]) {
            assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name);
        }
    });

    it("has a ready node in each of three zones", async () => {
        const { items } = await config.makeApiClient(CoreV1Api).listNode();
        const zones = items.map(({ metadata }) => metadata?.labels?.["topology.kubernetes.io/zone"]);
        assert.deepEqual(zones, ["a", "b", "c"]);
        for (const { metadata, status: state } of items) {
            assert.equal(state?.conditions?.find(({ type }) => type === "Ready")?.status, "True", metadata?.name);
        }
    });

    it("makes a Deployment available, with the replicas that its autoscaler asks for", async () => {
        const apps = config.makeApiClient(AppsV1Api);
        const target = { name: "web", namespace: "default" };
        await apps.createNamespacedDeployment({
            namespace: "default",
            body: {
                metadata: { name: "web" },
                spec: { selector: { matchLabels: { app: "web" } }, template: template("web", "Always") },
            },
        });
        await config.makeApiClient(AutoscalingV2Api).createNamespacedHorizontalPodAutoscaler({
            namespace: "default",
            body: {
                metadata: { name: "web" },
                spec: {
                    minReplicas: 2,
                    maxReplicas: 3,
                    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
                },
            },
        });
        await eventually("two available replicas", async () => {
            const { status: state } = await apps.readNamespacedDeployment(target);
            return state?.availableReplicas === 2;
        });
    });

    it("makes a DaemonSet ready on every node", async () => {
        const apps = config.makeApiClient(AppsV1Api);
        await apps.createNamespacedDaemonSet({
            namespace: "default",
            body: {
                metadata: { name: "agent" },
                spec: { selector: { matchLabels: { app: "agent" } }, template: template("agent", "Always") },
            },
        });
        await eventually("three ready pods", async () => {
            const { status: state } = await apps.readNamespacedDaemonSet({ name: "agent", namespace: "default" });
            return state?.numberReady === 3;
        });
    });

    it("completes a Job", async () => {
        await completeJob("once");
    });

    it("gives a LoadBalancer an address that is for documentation only", async () => {
        const core = config.makeApiClient(CoreV1Api);
        await core.createNamespacedService({
            namespace: "default",
            body: { metadata: { name: "web" }, spec: { type: "LoadBalancer", ports: [{ port: 80 }] } },
        });
        await eventually("an address", async () => {
            const { status: state } = await core.readNamespacedService({ name: "web", namespace: "default" });
            return state?.loadBalancer?.ingress?.[0]?.ip?.startsWith("192.0.2.") ?? false;
        });
    });

    it("binds a volume claim and removes the volume with it", async () => {
        const core = config.makeApiClient(CoreV1Api);
        const claim = { name: "data", namespace: "default" };
        await core.createNamespacedPersistentVolumeClaim({
            namespace: "default",
            body: {
                metadata: { name: "data" },
                spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
            },
        });
        await eventually("a bound claim", async () => {
            const { status: state } = await core.readNamespacedPersistentVolumeClaim(claim);
            return state?.phase === "Bound";
        });
        await core.deleteNamespacedPersistentVolumeClaim(claim);
        await eventually("no volume", async () => (await core.listPersistentVolume()).items.length === 0);
    });

    it("has a package of every chart, and says where it comes from", async function () {
        this.timeout(5 * 60_000);
        const folder = await ensureCharts(silent);
        const manifest = await readChartManifest(folder);
        const names = manifest.map(({ chart }) => chart).sort();
        assert.deepEqual(names, ["base", "cert-manager", "cni", "gateway", "istiod", "ztunnel"]);
        for (const { file, chart, version, source, notice } of manifest) {
            const shown = execFileSync(programs.helm, ["show", "chart", join(folder, file)], { encoding: "utf8" });
            assert.match(shown, new RegExp(`^name: ${chart}$`, "m"));
            assert.match(shown, new RegExp(`^version: ${version}$`, "m"));
            assert.equal(source === "official", notice === undefined);
        }
    });

    it("is reused by a second start", async () => {
        const before = await processes(directory);
        const again = await startSandbox({ directory, report: silent, programs });
        assert.deepEqual({ ...again, reused: false }, sandbox);
        assert.equal(again.reused, true);
        assert.deepEqual(await processes(directory), before);
    });

    for (const name of ["kwok", "etcd", "kube-apiserver", "kube-controller-manager"]) {
        it(`is repaired when ${name} was killed, and keeps its data`, async () => {
            const before = await processes(directory);
            process.kill(before.get(name) ?? 0, "SIGKILL");
            await eventually("a partial sandbox", async () => (await sandboxStatus({ directory })).state === "partial");
            const again = await startSandbox({ directory, report: silent, programs });
            assert.deepEqual(again, { ...sandbox, reused: false });
            const now = await processes(directory);
            assert.notEqual(now.get(name), before.get(name));
            assert.equal(now.get("kube-scheduler"), before.get("kube-scheduler"));
            await config.makeApiClient(CoreV1Api).readNamespacedService({ name: "web", namespace: "default" });
            await completeJob(`after-${name}`);
        });
    }

    it("says which port is taken, and starts nothing", async () => {
        const server = createServer().listen(0, "127.0.0.1");
        await once(server, "listening");
        const address = server.address();
        const port = typeof address === "object" ? (address?.port ?? 0) : 0;
        const other = join(root, "other");
        await assert.rejects(startSandbox({ directory: other, report: silent, programs, port }), (error) => {
            assert.ok(error instanceof SandboxError);
            assert.match(error.message, new RegExp(`Port ${port} on 127.0.0.1 is taken`));
            assert.match(error.fix, /choose another port/);
            return true;
        });
        server.close();
        assert.equal(existsSync(other), false);
    });

    it("refuses a folder that holds something else, and leaves it alone", async () => {
        await assert.rejects(startSandbox({ directory: root, report: silent, programs }), /is not a sandbox/);
        assert.equal(await stopSandbox({ directory: root }), false);
        assert.ok(existsSync(directory));
    });

    it("leaves no process and no file when it is stopped", async () => {
        const pids = [...(await processes(directory)).values()];
        assert.equal(await stopSandbox({ directory }), true);
        assert.deepEqual(
            pids.filter((pid) => pid === undefined || isRunning(pid)),
            [],
        );
        assert.equal(existsSync(directory), false);
        assert.equal(existsSync(`${directory}.lock`), false);
        assert.equal((await sandboxStatus({ directory })).state, "absent");
        assert.equal(await stopSandbox({ directory }), false);
    });

    /** Takes part of nearly every program: API server, etcd, controllers, scheduler and KWOK. */
    async function completeJob(name: string): Promise<void> {
        const batch = config.makeApiClient(BatchV1Api);
        const body = { metadata: { name }, spec: { template: template(name, "Never") } };
        await batch.createNamespacedJob({ namespace: "default", body });
        await eventually(`the completion of ${name}`, async () => {
            const { status: state } = await batch.readNamespacedJob({ name, namespace: "default" });
            return state?.conditions?.some((condition) => condition.type === "Complete") ?? false;
        });
    }

    /** The status of a GET, with the sandbox's credentials or with none. */
    function status(path: string, authenticated: boolean): Promise<number> {
        const ca = Buffer.from(config.getCurrentCluster()?.caData ?? "", "base64");
        const authorization = `Bearer ${config.getCurrentUser()?.token}`;
        const options = { ca, headers: authenticated ? { authorization } : {} };
        return new Promise((resolve, reject) => {
            const ongoing = request(`${sandbox.server}${path}`, options, (response) => {
                response.resume();
                resolve(response.statusCode ?? 0);
            });
            ongoing.on("error", reject).end();
        });
    }
});
