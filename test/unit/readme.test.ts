import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { schema } from "../../settings/schema";
import { field, record } from "../support/recorded";

const root = join(__dirname, "..", "..");
const text = (...path: string[]) => readFileSync(join(root, ...path), "utf8");
const readme = text("README.md");

describe("README", () => {
    it("documents every key of the stack config, and only those", () => {
        const section = /## Stack config\n([^]*?)\n## /.exec(readme)?.[1] ?? "";
        const rows = [...section.matchAll(/^\| (`[^|]+?) +\|/gm)].flatMap(([, cell = ""]) =>
            [...cell.matchAll(/`([^`]+)`/g)].map(([, key = ""]) => key),
        );
        const documented = new Set(rows.map((key) => key.split(".")[0]));
        assert.deepEqual([...documented].sort(), Object.keys(schema.shape).sort());
    });

    it("documents the keys of each object", () => {
        const known: Record<string, string[]> = {
            istio: ["cni", "platform", "distroless", "networkPolicies", "outboundTrafficPolicy", "accessLogs"],
            certificates: ["issuer", "email", "challenge", "dns01"],
            bookinfo: ["enabled", "hosts", "reviews"],
        };
        for (const [object, keys] of Object.entries(known)) {
            const shape = field(schema.shape, object, "def", "innerType", "shape");
            assert.deepEqual(Object.keys(shape ?? {}), keys, `update this list for ${object}`);
            for (const key of keys) {
                assert.ok(readme.includes(`\`${object}.${key}\``), `the README's table lacks ${object}.${key}`);
            }
        }
    });

    it("agrees with Pulumi.yaml on the keys", () => {
        const declared = field(parse(text("Pulumi.yaml")), "config");
        assert.deepEqual(Object.keys(declared ?? {}).sort(), Object.keys(schema.shape).sort());
    });

    it("names only commands that there are", () => {
        const scripts = field(JSON.parse(text("package.json")), "scripts");
        const named = [...readme.matchAll(/npm (?:run )?(start|stop|test|run [\w-]+)/g)].map(([, name = ""]) => name);
        assert.ok(named.length > 5);
        for (const name of named) {
            assert.ok(field(scripts, name), `there is no script ${name}`);
        }
    });

    it("shows an example that compiles and deploys", async () => {
        const [, shown = ""] = /```ts\n([^]*?)```/.exec(readme) ?? [];
        const example = text("test", "support", "readmeExample.ts");
        assert.equal(shown.replace("pulumi-istio-platform/components", "../../components"), example);
        const made = await record(() => import("../support/readmeExample.js"));
        assert.equal(made.input("external-gateway-gateway", "spec", "servers", 0, "tls", "credentialName"), "shop-tls");
        assert.equal(made.ofType(":Release").length, 5);
    });
});
