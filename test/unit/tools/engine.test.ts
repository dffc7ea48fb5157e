import assert from "node:assert/strict";
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../../tools/deployment";
import { chooseEngine } from "../../../tools/engine/choice";
import { findCli } from "../../../tools/engine/cli";
import { causes, EventLog } from "../../../tools/engine/events";

const stack = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev";
const mesh = "urn:pulumi:dev::shop::shop:index:Mesh::istio";
const map = "urn:pulumi:dev::shop::shop:index:Mesh$kubernetes:core/v1:ConfigMap::map";

const event = (timestamp: number, body: object) => `${JSON.stringify({ sequence: 1, timestamp, ...body })}\n`;
const step = (urn: string, op: string, custom: boolean, more: object = {}) => {
    const type = urn.split("::")[2]?.split("$").pop();
    const parent = urn === mesh ? stack : mesh;
    return { metadata: { op, urn, type, new: { type, urn, parent, ...(custom ? { custom } : {}), ...more } } };
};

describe("the engine's log of events", () => {
    let file: string;
    beforeEach(() => (file = join(mkdtempSync(join(tmpdir(), "events-")), "log")));
    afterEach(() => rmSync(join(file, ".."), { recursive: true }));

    const log = [
        event(10, { resourcePreEvent: step(stack, "create", false) }),
        event(10, { resourcePreEvent: step(mesh, "create", false) }),
        event(11, { resourcePreEvent: step(map, "create", true) }),
        event(14, { resOutputsEvent: step(map, "create", true) }),
        event(14, { resOutputsEvent: step(stack, "create", false, { outputs: { urls: ["u"] } }) }),
    ];

    it("yields results with times, components and outputs when read at the end", () => {
        writeFileSync(file, `${log.join("")}{"sequence": 9, "cut o`);
        const events = new EventLog(file);
        events.finish();
        const { results, components, outputs, milliseconds } = events.deployment();
        const made = { urn: map, type: "kubernetes:core/v1:ConfigMap", name: "map", parent: mesh };
        assert.deepEqual(results, [{ ...made, outcome: "created", start: 1000, end: 4000 }]);
        assert.deepEqual(
            components.map(({ urn }) => urn),
            [stack, mesh],
        );
        assert.deepEqual([outputs, milliseconds], [{ urls: ["u"] }, 4000]);
    });

    it("tells how far it is while the log grows, lines cut in two included", async () => {
        const seen: Progress[] = [];
        const events = new EventLog(file, (progress) => seen.push(progress));
        events.follow();
        const text = log.join("");
        const cut = text.indexOf("resOutputsEvent") - 5;
        appendFileSync(file, text.slice(0, cut));
        await sleep(250);
        appendFileSync(file, text.slice(cut));
        await sleep(250);
        events.finish();
        assert.deepEqual(seen.find(({ active }) => active.length > 0)?.active, ["map"]);
        assert.deepEqual(seen.at(-1), { done: 1, active: [] });
    });

    it("keeps the errors that say why", () => {
        const said = (message: string, urn?: string) =>
            event(1, { diagnosticEvent: { severity: "error", message, color: "never", urn } });
        writeFileSync(
            file,
            said("<{%fg 1%}>no room<{%reset%}>\n", map) + said("update failed", stack) + said("update failed"),
        );
        const events = new EventLog(file);
        events.finish();
        assert.equal(causes(events.errors), "map: no room");
        assert.equal(causes(["update failed"]), "update failed");
    });
});

describe("finding the Pulumi CLI", () => {
    let directory: string;
    const before = { ...process.env };

    beforeEach(() => {
        directory = mkdtempSync(join(tmpdir(), "cli-"));
        const modules = join(directory, "node_modules");
        mkdirSync(join(modules, "pulumi"), { recursive: true });
        mkdirSync(join(modules, "@pulumi", "kubernetes"), { recursive: true });
        writeFileSync(join(directory, "package.json"), '{ "dependencies": { "@pulumi/kubernetes": "^4" } }');
        writeFileSync(join(modules, "pulumi", "package.json"), '{ "version": "3.1.0" }');
        writeFileSync(join(modules, "pulumi", "run.js"), 'console.error("pulumi: fetch failed"); process.exit(1);');
        const plugin = { version: "4.2.0", pulumi: { resource: true, name: "kubernetes", version: "4.2.0" } };
        writeFileSync(join(modules, "@pulumi", "kubernetes", "package.json"), JSON.stringify(plugin));
        process.env.PULUMI_HOME = join(directory, "home");
        process.env.PATH = join(directory, "bin");
        delete process.env.PULUMI_VERSION;
    });

    afterEach(() => {
        process.env = { ...before };
        rmSync(directory, { recursive: true });
    });

    const program = (folder: string, plugins: string, install: string) => {
        mkdirSync(folder, { recursive: true });
        const file = join(folder, "pulumi");
        writeFileSync(file, `#!/bin/sh\ncase "$2" in ls) echo '${plugins}' ;; *) ${install} ;; esac\n`);
        chmodSync(file, 0o700);
        return file;
    };
    const search = () => findCli({ root: directory, report: () => undefined });
    const ready = '[{"name":"kubernetes","version":"4.2.0"}]';

    it("takes the one that the launcher keeps, before one on the PATH", async () => {
        program(join(directory, "bin"), ready, "exit 1");
        const kept = program(join(directory, "home", "versions", "3.1.0", "bin"), ready, "exit 1");
        assert.deepEqual(await search(), { cli: { program: kept, home: join(directory, "home") } });
    });

    it("takes one on the PATH, but not the launcher that npm puts there", async () => {
        const own = program(join(directory, "bin"), ready, "exit 1");
        const launcher = join(directory, "node_modules", ".bin");
        program(launcher, ready, "exit 1");
        process.env.PATH = `${launcher}:${join(directory, "bin")}`;
        assert.equal((await search()).cli?.program, own);
    });

    it("says why there is none", async () => {
        const reason = "the Pulumi CLI cannot be had here (fetch failed)";
        assert.deepEqual(await search(), { cli: undefined, reason });
    });

    it("says when a plugin is lacking that cannot be had", async () => {
        program(join(directory, "bin"), "[]", "echo 'error: no way there' >&2; exit 1");
        const reason = "Pulumi's plugin kubernetes 4.2.0 cannot be had here (no way there)";
        assert.deepEqual(await search(), { cli: undefined, reason });
        program(join(directory, "bin"), "[]", "exit 0");
        assert.notEqual((await search()).cli, undefined);
    });

    it("keeps the engine that a sandbox was deployed with first", async () => {
        const file = join(directory, "engine");
        const silent = () => undefined;
        assert.deepEqual(await chooseEngine("rehearsal", file, silent), { cli: undefined, reason: "as asked for" });
        assert.equal((await chooseEngine("auto", file, silent)).cli, undefined);
        assert.equal(readFileSync(file, "utf8"), "rehearsal");
        await assert.rejects(chooseEngine("pulumi", file, silent), /was deployed by a rehearsal/);
        writeFileSync(file, "pulumi");
        await assert.rejects(chooseEngine("rehearsal", file, silent), /was deployed with the Pulumi CLI/);
    });
});
