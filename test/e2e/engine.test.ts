import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiextensionsV1Api, AppsV1Api, CoreV1Api, KubeConfig, RbacAuthorizationV1Api } from "@kubernetes/client-node";
import { contextName, ensureCharts, startSandbox, stopSandbox, type Sandbox } from "../../sandbox";
import { cliEnvironment, findCli, type PulumiCli } from "../../tools/engine/cli";
import { root } from "../../tools/project";
import { run } from "../../tools/process";
import { writeDerivedStack, type Overrides } from "../../tools/stackConfig";
import { field } from "../support/recorded";

const silent = () => undefined;

/** A stack on a sandbox of its own, with a backend of its own, driven by the real CLI. */
class EngineStack {
    constructor(
        private readonly cli: PulumiCli,
        private readonly stack: string,
        private readonly directory: string,
        private readonly charts: string,
        private readonly sandbox: Sandbox,
    ) {}

    async init(): Promise<void> {
        const folder = join(this.directory, "init");
        mkdirSync(folder);
        mkdirSync(join(this.directory, "state"));
        // From a folder of its own: the CLI writes the passphrase's salt beside the Pulumi.yaml that it finds.
        writeFileSync(join(folder, "Pulumi.yaml"), "name: pulumi-istio-platform\nruntime: nodejs\n");
        await this.pulumi(["stack", "init", this.stack, "--no-select"], folder);
    }

    /** Writes the stack's config for the next command, with some of it changed. */
    configure(changes: Overrides = {}): void {
        writeDerivedStack(root, this.stack, this.configFile(), {
            "kubernetes:context": contextName,
            "kubernetes:kubeconfig": this.sandbox.kubeconfig,
            "pulumi-istio-platform:charts": { mirror: relative(root, this.charts) },
            "pulumi-istio-platform:protect": false,
            ...changes,
        });
    }

    up(): Promise<string> {
        return this.pulumi([...this.command("up"), "--yes", "--skip-preview"]);
    }

    destroy(): Promise<string> {
        return this.pulumi([...this.command("destroy"), "--yes", "--skip-preview"]);
    }

    /** How many resources the next `up` would change in which way, as the CLI counts them. */
    async preview(): Promise<Record<string, number>> {
        const summary = field(JSON.parse(await this.pulumi([...this.command("preview"), "--json"])), "changeSummary");
        return Object.fromEntries(Object.entries(summary ?? {}).map(([kind, count]) => [kind, Number(count)]));
    }

    private command(name: string): string[] {
        return [name, "--stack", this.stack, "--config-file", this.configFile(), "--color", "never"];
    }

    private configFile(): string {
        return join(this.directory, `Pulumi.${this.stack}.yaml`);
    }

    private async pulumi(args: string[], cwd = root): Promise<string> {
        const env = cliEnvironment(this.cli, {
            PULUMI_BACKEND_URL: `file://${join(this.directory, "state")}`,
            PULUMI_CONFIG_PASSPHRASE: "e2e",
        });
        const done = await run({ program: this.cli.program, args: [...args, "--non-interactive"], cwd, env });
        assert.equal(done.code, 0, `pulumi ${args.join(" ")}\n${done.stdout}\n${done.stderr}`);
        return done.stdout;
    }
}

for (const stack of ["dev", "prod"]) {
    describe(`the Pulumi CLI, stack ${stack}`, function () {
        this.timeout(600_000);
        let directory: string | undefined;
        let sandbox: Sandbox;
        let engine: EngineStack;

        before(async function () {
            const found = await findCli({ root, report: silent });
            if (found.cli === undefined) {
                this.test?.parent?.eachTest((test) => {
                    test.title += ` (skipped: ${found.reason})`;
                });
                this.skip();
            }
            directory = mkdtempSync(join(tmpdir(), "pulumi-istio-platform-engine-"));
            const charts = await ensureCharts(silent);
            sandbox = await startSandbox({ directory: join(directory, "sandbox"), report: silent });
            engine = new EngineStack(found.cli, stack, directory, charts, sandbox);
            await engine.init();
        });

        after(async () => {
            if (directory !== undefined) {
                await stopSandbox({ directory: join(directory, "sandbox") });
                rmSync(directory, { recursive: true, force: true });
            }
        });

        it("previews everything on an empty cluster, before any CRD is there", async () => {
            engine.configure();
            const summary = await engine.preview();
            assert.deepEqual(Object.keys(summary), ["create"]);
            assert.ok((summary["create"] ?? 0) > 60);
        });

        it("deploys in one run, after which a preview finds nothing to change", async () => {
            await engine.up();
            assert.deepEqual(Object.keys(await engine.preview()), ["same"]);
        });

        it("shows the move of a canary as a change of the route alone", async () => {
            engine.configure({ "pulumi-istio-platform:bookinfo": { reviews: { v1: 50, v2: 50 } } });
            // The components Bookinfo and HttpRoute, whose arguments change, and the VirtualService.
            assert.equal((await engine.preview())["update"], 3);
            engine.configure();
        });

        // In prod everything scales already.
        if (stack === "dev") {
            it("takes the replicas back when autoscalers go", async () => {
                engine.configure({ "pulumi-istio-platform:highAvailability": true });
                await engine.up();
                await untilScaled(sandbox);
                engine.configure();
                await engine.up();
                assert.deepEqual(Object.keys(await engine.preview()), ["same"]);
            });
        }

        it("destroys everything but the CRDs that the charts keep", async () => {
            await engine.destroy();
            assert.deepEqual(await leftovers(sandbox), []);
        });
    });
}

/** Waits until an autoscaler, and not the program, has set the number of replicas. */
async function untilScaled(sandbox: Sandbox): Promise<void> {
    const apps = client(sandbox).makeApiClient(AppsV1Api);
    const deadline = Date.now() + 60_000;
    while ((await apps.readNamespacedDeployment({ name: "details-v1", namespace: "bookinfo" })).spec?.replicas !== 2) {
        assert.ok(Date.now() < deadline, "the autoscaler did not scale bookinfo/details-v1 within 60 s");
        await sleep(500);
    }
}

/** What a new cluster does not have, but for the CRDs of Istio and cert-manager. */
async function leftovers(sandbox: Sandbox): Promise<string[]> {
    const config = client(sandbox);
    const [namespaces, roles, bindings, crds] = await Promise.all([
        config.makeApiClient(CoreV1Api).listNamespace(),
        config.makeApiClient(RbacAuthorizationV1Api).listClusterRole(),
        config.makeApiClient(RbacAuthorizationV1Api).listClusterRoleBinding(),
        config.makeApiClient(ApiextensionsV1Api).listCustomResourceDefinition(),
    ]);
    const names = (list: { items: { metadata?: { name?: string } }[] }) =>
        list.items.map(({ metadata }) => metadata?.name ?? "");
    return [
        ...names(namespaces).filter((name) => name !== "default" && !name.startsWith("kube-")),
        ...[...names(roles), ...names(bindings)].filter((name) => /istio|cert-manager/.test(name)),
        ...names(crds).filter((name) => !/\.(istio\.io|cert-manager\.io|kwok\.x-k8s\.io)$/.test(name)),
    ];
}

function client(sandbox: Sandbox): KubeConfig {
    const config = new KubeConfig();
    config.loadFromFile(sandbox.kubeconfig);
    return config;
}
