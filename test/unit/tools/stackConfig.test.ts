import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { listStacks, stackConfig, writeDerivedStack, writeRetargetedStack } from "../../../tools/stackConfig";

describe("stack files", () => {
    let directory: string;
    const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
    const config = (name: string): unknown => {
        const parsed: unknown = parse(readFileSync(join(directory, name), "utf8"));
        return parsed;
    };

    beforeEach(() => {
        directory = mkdtempSync(join(tmpdir(), "project-"));
        write(
            "Pulumi.yaml",
            [
                "name: shop",
                "runtime: nodejs",
                "config:",
                "    size: { type: integer, default: 3 }",
                "    on: { type: boolean, default: false }",
                "    list: { type: array, items: { type: string }, default: [] }",
                "    needed: { type: string, description: has no default }",
                "    short: simple",
                "    aws:region: { value: eu-west-1 }",
            ].join("\n"),
        );
        write(
            "Pulumi.dev.yaml",
            "config:\n    shop:size: 5\n    shop:deep: { a: [1, { b: true }] }\n    shop:empty:\n",
        );
        write(
            "Pulumi.prod.yaml",
            "encryptionsalt: v1:abc\nconfig:\n    shop:needed: x # why\n    kubernetes:context: old\n",
        );
    });

    afterEach(() => rmSync(directory, { recursive: true }));

    it("reads config as the CLI does: defaults, then the stack's own, as text or JSON", () => {
        assert.deepEqual(stackConfig("dev", directory), {
            "shop:size": "5",
            "shop:on": "false",
            "shop:list": "[]",
            "shop:short": "simple",
            "aws:region": "eu-west-1",
            "shop:deep": '{"a":[1,{"b":true}]}',
            "shop:empty": "",
        });
    });

    it("lists the stacks there are when one is unknown", () => {
        assert.deepEqual(listStacks(directory), ["dev", "prod"]);
        assert.throws(() => stackConfig("test", directory), {
            message: 'There is no stack "test".',
            fix: "There are: dev, prod. A stack is a file Pulumi.NAME.yaml.",
        });
        assert.throws(() => stackConfig("../dev", directory), /There is no stack/);
    });

    it("refuses encrypted values, at any depth, by name", () => {
        write("Pulumi.sec.yaml", "config:\n    shop:a: { secure: v1:zzz }\n    shop:b: { c: [{ secure: v1:yyy }] }\n");
        assert.throws(() => stackConfig("sec", directory), /encrypted values \(shop:a, shop:b\)/);
    });

    it("says which file is no YAML", () => {
        write("Pulumi.bad.yaml", "config:\n  a: [\n");
        assert.throws(() => stackConfig("bad", directory), /Pulumi\.bad\.yaml is no valid YAML/);
    });

    it("derives a sandbox's file: values replaced, objects merged, the salt of the copy kept", () => {
        const file = join(directory, "derived.yaml");
        write(
            "Pulumi.own.yaml",
            "encryptionsalt: v1:theirs\nconfig:\n    shop:charts: { a: 1, mirror: far }\n    shop:x: y\n",
        );
        writeDerivedStack(directory, "own", file, { "shop:charts": { mirror: "near" }, "shop:protect": false });
        assert.deepEqual(config("derived.yaml"), {
            config: { "shop:charts": { a: 1, mirror: "near" }, "shop:x": "y", "shop:protect": false },
        });
        assert.equal(statSync(file).mode & 0o777, 0o600);

        write("derived.yaml", `${readFileSync(file, "utf8")}encryptionsalt: v1:ours\n`);
        writeDerivedStack(directory, "own", file, { "shop:protect": true });
        assert.deepEqual(config("derived.yaml"), {
            encryptionsalt: "v1:ours",
            config: { "shop:charts": { a: 1, mirror: "far" }, "shop:x": "y", "shop:protect": true },
        });
    });

    it("names another cluster in a copy and leaves the rest, comments and salt included", () => {
        write(
            "Pulumi.prod.yaml",
            `${readFileSync(join(directory, "Pulumi.prod.yaml"), "utf8")}    kubernetes:kubeconfig: f\n`,
        );
        const before = readFileSync(join(directory, "Pulumi.prod.yaml"), "utf8");
        writeRetargetedStack(directory, "prod", join(directory, "copy.yaml"), "mine");
        assert.equal(
            readFileSync(join(directory, "copy.yaml"), "utf8"),
            "encryptionsalt: v1:abc\nconfig:\n    shop:needed: x # why\n    kubernetes:context: mine\n".replaceAll(
                "    ",
                "  ",
            ),
        );
        assert.equal(readFileSync(join(directory, "Pulumi.prod.yaml"), "utf8"), before);
    });
});
