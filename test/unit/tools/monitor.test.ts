import assert from "node:assert/strict";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { runProgram, type RunOptions } from "../../../tools/monitor";

const run = (program: () => unknown, options: Partial<RunOptions> = {}) =>
    runProgram({ program, project: "shop", stack: "dev", config: {}, ...options });

class Pair extends pulumi.ComponentResource {
    readonly second: k8s.core.v1.ConfigMap;

    constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
        super("shop:index:Pair", name, {}, opts);
        const first = new k8s.core.v1.ConfigMap(`${name}-first`, { data: { a: "1" } }, { parent: this, protect: true });
        const data = { a: first.metadata.name };
        this.second = new k8s.core.v1.ConfigMap(`${name}-second`, { data }, { parent: this });
        this.registerOutputs();
    }
}

describe("running a program without an engine", () => {
    it("records parents, dependencies, options and the URNs that the engine would form", async () => {
        const { resources } = await run(() => void new Pair("pair"));
        const prefix = "urn:pulumi:dev::shop::";
        const pair = `${prefix}shop:index:Pair::pair`;
        const first = `${prefix}shop:index:Pair$kubernetes:core/v1:ConfigMap::pair-first`;
        assert.deepEqual(
            resources.map(({ urn }) => urn),
            [`${prefix}pulumi:pulumi:Stack::shop-dev`, pair, first, first.replace("first", "second")],
        );
        const [, component, one, two] = resources;
        assert.deepEqual([component?.custom, one?.custom, one?.parent, one?.protect], [false, true, pair, true]);
        assert.deepEqual(two?.dependsOn, [first]);
        assert.deepEqual(two?.propertyDependencies["data"], [first]);
        assert.equal(two?.protect, false);
    });

    it("gives outputs, config and the names of stack and project", async () => {
        const { outputs } = await run(
            () => {
                const config = new pulumi.Config();
                return { text: config.get("text"), deep: { stack: pulumi.output(pulumi.getStack()) } };
            },
            { config: { "shop:text": "hello" } },
        );
        assert.deepEqual(outputs, { text: "hello", deep: { stack: "dev" } });
    });

    it("makes a resource only when all that it depends on is made, and others side by side", async () => {
        const log: string[] = [];
        const config = (name: string, opts?: pulumi.ResourceOptions) => new k8s.core.v1.ConfigMap(name, {}, opts);
        await run(
            () => {
                const first = config("first");
                config("beside");
                config("last", { dependsOn: first });
            },
            {
                onResource: async ({ name, custom, inputs }) => {
                    if (!custom) {
                        return undefined;
                    }
                    log.push(`${name} begins`);
                    await new Promise((resolve) => setTimeout(resolve, name === "first" ? 30 : 5));
                    log.push(`${name} ends`);
                    return { id: name, state: inputs };
                },
            },
        );
        assert.deepEqual(log.slice(-3), ["first ends", "last begins", "last ends"]);
        assert.equal(log.indexOf("beside begins") < log.indexOf("first ends"), true);
    });

    it("unwraps secrets and says where they are; what repeats one stays secret", async () => {
        let secret: boolean | undefined;
        const { resources } = await run(
            async () => {
                const data = { open: "1", hidden: pulumi.secret("two") };
                const made = new k8s.core.v1.ConfigMap("map", { data });
                secret = await pulumi.isSecret(made.data);
            },
            { onResource: ({ custom, inputs }) => (custom ? { id: "x", state: inputs } : undefined) },
        );
        const map = resources.find(({ name }) => name === "map");
        assert.deepEqual(map?.inputs["data"], { open: "1", hidden: "two" });
        assert.deepEqual(map?.secretPaths, ["data.hidden"]);
        assert.equal(secret, true);
    });

    it("leaves unknown values out at preview", async () => {
        const { resources } = await run(
            () => {
                const first = new k8s.core.v1.ConfigMap("first", {});
                new k8s.core.v1.ConfigMap("second", { data: { id: first.id, known: "1" } });
            },
            { preview: true },
        );
        assert.deepEqual(resources.find(({ name }) => name === "second")?.inputs["data"], { known: "1" });
    });

    it("throws the first error of a resource, once what was under way has ended", async () => {
        let ended = false;
        const failing = run(
            () => {
                const bad = new k8s.core.v1.ConfigMap("bad", {});
                new k8s.core.v1.ConfigMap("slow", {});
                new k8s.core.v1.ConfigMap("after", { data: { name: bad.metadata.name } });
                return { name: bad.metadata.name };
            },
            {
                onResource: async ({ name }) => {
                    if (name === "bad") {
                        throw new Error("no room");
                    }
                    if (name === "slow") {
                        await new Promise((resolve) => setTimeout(resolve, 20));
                        ended = true;
                    }
                    assert.notEqual(name, "after");
                    return undefined;
                },
            },
        );
        await assert.rejects(failing, { message: "no room" });
        assert.equal(ended, true);
    });

    it("throws the program's own error as it is, and runs the next program as if nothing had been", async () => {
        const own = new TypeError("own");
        await assert.rejects(
            run(() => {
                throw own;
            }),
            (error) => error === own,
        );
        assert.deepEqual((await run(() => ({ fine: true }))).outputs, { fine: true });
    });

    it("refuses two resources with one URN, as the engine does", async () => {
        const twice = () => {
            new k8s.core.v1.ConfigMap("same", {});
            new k8s.core.v1.ConfigMap("same", {});
        };
        await assert.rejects(run(twice), /Duplicate resource URN .*::same'/);
    });

    it("gives back the listeners for unhandled rejections that others have set", async () => {
        const before = process.listeners("unhandledRejection");
        await run(() => undefined);
        assert.deepEqual(process.listeners("unhandledRejection"), before);
    });
});
