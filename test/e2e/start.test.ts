import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppsV1Api, CustomObjectsApi, KubeConfig, type V1Deployment } from "@kubernetes/client-node";
import { inspectProcess } from "../../sandbox/processes";
import { root } from "../../tools/project";
import { rehearse } from "../../tools/rehearse";
import { field } from "../support/recorded";

interface Ended {
    code: number | null;
    text: string;
}

/** A signal to send, and how long after its moment has come. */
interface Interruption {
    signal: NodeJS.Signals;
    delayMs: number;
}

const now: Interruption = { signal: "SIGINT", delayMs: 0 };

/** Interrupts while the first releases are being installed. */
function afterDeploying(delayMs: number, signal: NodeJS.Signals = "SIGINT") {
    return (text: string): Interruption | undefined => (/\nStack "dev" …/.test(text) ? { signal, delayMs } : undefined);
}

/** A checkout of its own, so that sandboxes that run in this one are left alone; the dependencies are shared. */
class Checkout {
    readonly directory = mkdtempSync(join(tmpdir(), "checkout-"));

    constructor() {
        const left = ["node_modules", ".git", ".sandbox", "dist"];
        cpSync(root, this.directory, { recursive: true, filter: (path) => !left.includes(basename(path)) });
        symlinkSync(join(root, "node_modules"), join(this.directory, "node_modules"));
    }

    path(...parts: string[]): string {
        return join(this.directory, ...parts);
    }

    /** Runs one of the package's commands, as npm would; `until` sees the output so far and may send a signal. */
    run(args: string[], until?: (text: string) => Interruption | undefined): Promise<Ended> {
        const child = spawn(process.execPath, ["tools/bootstrap.mjs", ...args], {
            cwd: this.directory,
            env: { ...process.env, CI: "true", KUBECONFIG: this.path("users-kubeconfig") },
            stdio: ["ignore", "pipe", "pipe"],
            detached: true,
        });
        let text = "";
        let sent = false;
        const hear = (part: string) => {
            text += part;
            const interruption = sent ? undefined : until?.(text);
            if (interruption) {
                sent = true;
                setTimeout(() => stop(child, interruption.signal), interruption.delayMs);
            }
        };
        child.stdout.setEncoding("utf8").on("data", hear);
        child.stderr.setEncoding("utf8").on("data", hear);
        return new Promise((resolve, reject) => {
            child.on("error", reject);
            child.on("close", (code) => resolve({ code, text }));
        });
    }

    start(...args: string[]): Promise<Ended> {
        return this.run(["start", "--engine", "rehearsal", ...args]);
    }

    kubeConfig(stack: string): KubeConfig {
        const config = new KubeConfig();
        config.loadFromFile(this.path(".sandbox", stack, "kubeconfig"));
        return config;
    }
}

async function deployments(config: KubeConfig): Promise<V1Deployment[]> {
    return (await config.makeApiClient(AppsV1Api).listDeploymentForAllNamespaces()).items;
}

/** Waits until all that is wanted runs, and autoscalers, which take their time, want as many as they should. */
async function untilAvailable(config: KubeConfig, replicas: number): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (;;) {
        const lacking = (await deployments(config)).filter(({ status }) => {
            const available = status?.availableReplicas ?? 0;
            return available < replicas || available !== status?.replicas;
        });
        if (lacking.length === 0) {
            return;
        }
        const names = lacking.map(({ metadata }) => metadata?.name).join(", ");
        assert.ok(Date.now() < deadline, `not available within 60 s: ${names}`);
        await sleep(500);
    }
}

const lastLine = (text: string) => text.trim().split("\n").at(-1);

/** Only the first process hears of a polite signal and hands it on; SIGKILL takes all of them. */
function stop(child: ChildProcess, signal: NodeJS.Signals): void {
    if (signal === "SIGKILL" && child.pid !== undefined) {
        process.kill(-child.pid, signal);
    } else {
        child.kill(signal);
    }
}

function isList(value: unknown): value is unknown[] {
    return Array.isArray(value);
}

/** The objects of a kind in all namespaces. */
async function list(config: KubeConfig, group: string, plural: string): Promise<unknown[]> {
    const api = config.makeApiClient(CustomObjectsApi);
    const answer: unknown = await api.listClusterCustomObject({ group, version: "v1", plural });
    const items = field(answer, "items");
    assert.ok(isList(items));
    return items;
}

function isReady(object: unknown): boolean {
    const conditions = field(object, "status", "conditions");
    const all: unknown[] = Array.isArray(conditions) ? conditions : [];
    return all.some((item) => field(item, "type") === "Ready" && field(item, "status") === "True");
}

describe("npm start and npm stop", function () {
    this.timeout(240_000);
    let checkout: Checkout;

    before(() => {
        checkout = new Checkout();
    });

    after(async () => {
        await checkout.run(["stop"]);
        rmSync(checkout.directory, { recursive: true, force: true });
    });

    for (const { stack, issuers, replicas } of [
        { stack: "dev", issuers: 2, replicas: 1 },
        { stack: "prod", issuers: 4, replicas: 2 },
    ]) {
        describe(`stack ${stack}`, () => {
            it("deploys all of it onto a sandbox and says what is there", async () => {
                const { code, text } = await checkout.start("--stack", stack);
                assert.equal(code, 0, text);
                for (const component of [
                    "ControlPlane",
                    "CertManager",
                    "CertificateIssuer",
                    "IngressGateway",
                    "MeshNamespace",
                ]) {
                    assert.match(text, new RegExp(`│ +${component} `));
                }
                assert.match(text, /│ +MeshSecurity .*[\s\S]*│ +Bookinfo .*[\s\S]*│ +HttpRoute /);
                assert.match(text, /external +[\d.]+ +\(LoadBalancer istio-ingress\/istio-ingressgateway\)/);
                assert.match(text, /internal +[\d.]+ +\(ClusterIP istio-ingress\/istio-ingressgateway-internal\)/);
                assert.match(text, /https:\/\/bookinfo\.(dev\.)?example\.com\/productpage/);
                assert.match(text, /This was a rehearsal: as asked for\./);
                assert.match(text, /npm stop/);
                assert.match(lastLine(text) ?? "", /^\d+ resources: \d+ created\.$/);
                // Plain lines: nothing that moves a cursor or colors.
                assert.doesNotMatch(text, new RegExp(String.fromCharCode(27)));
            });

            it("leaves a cluster on which everything is ready", async () => {
                const config = checkout.kubeConfig(stack);
                const names = (await deployments(config)).map(({ metadata }) => metadata?.name);
                for (const name of ["istiod", "cert-manager", "istio-ingressgateway", "productpage-v1", "reviews-v3"]) {
                    assert.ok(names.includes(name), `${name} is not among ${names.join(", ")}`);
                }
                await untilAvailable(config, replicas);
                const certificates = await list(config, "cert-manager.io", "certificates");
                assert.ok(certificates.length >= 3 && certificates.every(isReady));
                assert.equal((await list(config, "cert-manager.io", "clusterissuers")).length, issuers);
                assert.ok((await list(config, "networking.istio.io", "gateways")).length >= 2);
                assert.ok((await list(config, "networking.istio.io", "virtualservices")).length >= 3);
                assert.ok((await list(config, "security.istio.io", "authorizationpolicies")).length >= 5);
            });

            it("changes nothing when started again", async () => {
                const { code, text } = await checkout.start("--stack", stack);
                assert.equal(code, 0, text);
                assert.match(text, /✔ Sandbox: runs already/);
                assert.match(lastLine(text) ?? "", /^\d+ resources: 0 changes\.$/);
            });
        });
    }

    describe("all stacks", () => {
        it("leaves the tracked files as they were", () => {
            for (const name of ["Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "package-lock.json"]) {
                assert.equal(readFileSync(checkout.path(name), "utf8"), readFileSync(join(root, name), "utf8"), name);
            }
        });

        it("rehearses on no cluster but the sandbox that was asked for", async () => {
            const directory = checkout.path(".sandbox", "dev");
            const sandbox = { directory, kubeconfig: join(directory, "kubeconfig"), id: "of-another-sandbox" };
            const options = {
                project: "p",
                stack: "s",
                config: {},
                directory: root,
                helm: "helm",
                generatedFile: "none",
            };
            const program = () => assert.fail("the program must not even begin");
            await assert.rejects(rehearse({ ...options, program, sandbox }), /only works on the sandbox/);
        });

        it("ends every process and removes every sandbox on stop, and says so when there is none", async () => {
            const state: unknown = JSON.parse(readFileSync(checkout.path(".sandbox", "dev", "state.json"), "utf8"));
            const pids = Object.values(field(state, "servers") ?? {}).map((server) => Number(field(server, "pid")));
            const stopped = await checkout.run(["stop"]);
            assert.equal(stopped.code, 0, stopped.text);
            assert.match(stopped.text, /"dev": ended and removed[\s\S]*"prod": ended and removed/);
            assert.equal(existsSync(checkout.path(".sandbox")), false);
            assert.equal(pids.length, 5);
            for (const pid of pids) {
                assert.equal(inspectProcess(pid), undefined);
            }
            const again = await checkout.run(["stop"]);
            assert.deepEqual([again.code, again.text.trim()], [0, "No sandbox runs; there is nothing to stop."]);
        });
    });

    describe("interrupted", () => {
        for (const [phase, pattern] of Object.entries({
            "the check of the config": /Config of the stack/,
            "the start of the sandbox": /\nSandbox …/,
            deploying: /\nStack "dev" …/,
        })) {
            it(`stops on Ctrl-C during ${phase}`, async () => {
                const until = (text: string) => (pattern.test(text) ? now : undefined);
                const { code, text } = await checkout.run(["start", "--engine", "rehearsal"], until);
                assert.equal(code, 130, text);
                assert.match(text, /^Stopped\. The same command again goes on from here/m);
            });
        }

        it("stops on Ctrl-C in the middle of a release, and the next start goes on from there", async () => {
            const ended = await checkout.run(["start", "--engine", "rehearsal"], afterDeploying(3_000));
            assert.equal(ended.code, 130, ended.text);
            const { code, text } = await checkout.start();
            assert.equal(code, 0, text);
            assert.match(lastLine(text) ?? "", /created/);
            assert.match(lastLine((await checkout.start()).text) ?? "", /0 changes/);
        });

        it("is not held up by a run that was killed in the middle of a release", async () => {
            await checkout.run(["stop"]);
            await checkout.run(["start", "--engine", "rehearsal"], afterDeploying(3_000, "SIGKILL"));
            const { code, text } = await checkout.start();
            assert.equal(code, 0, text);
        });
    });

    describe("bad input", () => {
        const refused = async (args: string[], message: RegExp) => {
            const { code, text } = await checkout.run(args);
            assert.equal(code, 1, text);
            assert.match(text, message);
            assert.doesNotMatch(text, /\n {4}at /, "a stack trace is shown");
        };

        it("refuses unknown stacks, options, levels, and numbers that are no ports", async () => {
            await refused(["start", "--stack", "test"], /no stack "test"\.\n {2}There are: dev, prod\./);
            await refused(["start", "--stak", "dev"], /unknown option '--stak'\n\(Did you mean --stack\?\)/);
            await refused(["start", "--port", "70000"], /--port is "70000"/);
            await refused(["stop", "--stack", "test"], /no sandbox of a stack "test"/);
            await refused(["test", "units"], /no level "units"/);
            await refused(["begin"], /Name a command: start, stop, test/);
        });

        it("refuses a context that does not exist, and lists those that do", async () => {
            await refused(["start", "--context", "far"], /cannot be read: .*users-kubeconfig.*\n {2}See KUBECONFIG/);
            const contexts = ["near", "here"].map((name) => ({ name, context: { cluster: "c", user: "u" } }));
            const clusters = [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }];
            const config = { apiVersion: "v1", kind: "Config", clusters, contexts, users: [{ name: "u", user: {} }] };
            writeFileSync(checkout.path("users-kubeconfig"), JSON.stringify(config));
            await refused(["start", "--context", "far"], /no context "far"\.\n {2}It has: near, here\./);
            await refused(["start", "--context", "near"], /no terminal to ask on/);
        });

        it("refuses a wrong config before anything is started, every problem at once", async () => {
            const config = [
                "config:",
                "    pulumi-istio-platform:domain: no_name",
                "    pulumi-istio-platform:istoi: {}",
            ];
            writeFileSync(checkout.path("Pulumi.wrong.yaml"), config.join("\n"));
            await refused(
                ["start", "--stack", "wrong"],
                /2 problems[\s\S]*domain is "no_name"[\s\S]*istoi[\s\S]*"istio"/,
            );
            assert.equal(existsSync(checkout.path(".sandbox", "wrong")), false);
        });

        it("refuses a port that is taken", async () => {
            const server = createServer().listen(0, "127.0.0.1");
            await new Promise((resolve) => server.once("listening", resolve));
            const port = String(field(server.address(), "port"));
            await refused(["start", "--engine", "rehearsal", "--port", port], new RegExp(port));
            server.close();
        });

        it("refuses to install without a network and without a cache, in words", async () => {
            const bare = mkdtempSync(join(tmpdir(), "bare-"));
            mkdirSync(join(bare, "tools"));
            for (const name of ["package.json", "package-lock.json", "tools/bootstrap.mjs"]) {
                cpSync(join(root, name), join(bare, name));
            }
            const npm = { npm_config_offline: "true", npm_config_cache: join(bare, "cache"), npm_execpath: undefined };
            const child = spawn(process.execPath, ["tools/bootstrap.mjs", "start"], {
                cwd: bare,
                env: { ...process.env, ...npm },
                stdio: ["ignore", "pipe", "pipe"],
            });
            let text = "";
            child.stdout.on("data", (part: Buffer) => (text += part.toString()));
            child.stderr.on("data", (part: Buffer) => (text += part.toString()));
            const code = await new Promise((resolve) => child.on("close", resolve));
            rmSync(bare, { recursive: true });
            assert.equal(code, 1, text);
            assert.match(
                text,
                /Installing the dependencies[\s\S]*could not be installed[\s\S]*Run the same command again/,
            );
        });
    });
});
